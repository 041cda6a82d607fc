//! Generated videos: the boxes of an MP4 around meaningless bytes. No player plays them, but the boxes and their sizes are valid.
//!
//! A video may be larger than the memory, so it is a list of pieces that share one block.

use bytes::Bytes;

use crate::dice::keyed_hash;

/// The largest video: its length, and so every box's, fits the 32 bits of a box's size.
pub(crate) const MOST_MEGABYTES: u32 = 4095;

/// A prime, so that parts of a round size in the wrong order give another file.
const BLOCK: usize = 65_521;

/// The video for a seed, `megabytes` times 2^20 bytes long: always the same for the same seed, another for any other.
pub(crate) fn pieces(seed: &str, megabytes: u32) -> Vec<Bytes> {
    let mut head = file_box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2avc1mp41");
    head.extend(file_box(b"free", seed.as_bytes()));
    let size = megabytes.min(MOST_MEGABYTES) << 20;
    let media = size.saturating_sub(head.len() as u32);
    head.extend(media.to_be_bytes());
    head.extend(b"mdat");
    let mut missing = (media as usize).saturating_sub(8);
    let block = block(seed);
    let mut pieces = vec![Bytes::from(head)];
    while missing > 0 {
        let piece = block.slice(..missing.min(BLOCK));
        missing -= piece.len();
        pieces.push(piece);
    }
    pieces
}

fn file_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = (content.len() + 8) as u32;
    [&size.to_be_bytes()[..], kind, content].concat()
}

fn block(seed: &str) -> Bytes {
    let [a, b, c, d, e, f, g, h, ..] = keyed_hash(b"video", seed.as_bytes());
    // An xorshift generator, which must not start from zero.
    let mut state = u64::from_be_bytes([a, b, c, d, e, f, g, h]) | 1;
    let mut block = Vec::with_capacity(BLOCK + 8);
    while block.len() < BLOCK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend(state.to_be_bytes());
    }
    block.truncate(BLOCK);
    block.into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_boxes_fill_the_file_exactly() {
        let video = pieces("A", 3).concat();
        assert_eq!(video.len(), 3 << 20);
        let (mut at, mut kinds) = (0, Vec::new());
        while at < video.len() {
            kinds.push(&video[at + 4..at + 8]);
            at += u32::from_be_bytes(video[at..at + 4].try_into().unwrap()) as usize;
        }
        assert_eq!((at, kinds), (video.len(), vec![&b"ftyp"[..], b"free", b"mdat"]));
    }

    #[test]
    fn the_same_seed_gives_the_same_video_and_another_seed_another() {
        assert_eq!(pieces("A", 1), pieces("A", 1));
        let (one, other) = (pieces("A", 1).concat(), pieces("B", 1).concat());
        assert_ne!(one[1000..2000], other[1000..2000]);
    }

    #[test]
    fn the_pieces_of_the_largest_video_share_their_memory() {
        let video = pieces("A", MOST_MEGABYTES);
        assert_eq!(video.iter().map(|piece| piece.len() as u64).sum::<u64>(), u64::from(MOST_MEGABYTES) << 20);
        assert!(video[1..].iter().all(|piece| piece.as_ptr() == video[1].as_ptr()));
    }
}
