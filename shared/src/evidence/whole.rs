//! Whether a file was cut off, as far as its own structure tells without decoding it.
//!
//! A server that lost the rest of a picture may still announce exactly the bytes it has. Each function walks from the
//! front and finds the end where the format puts it; what follows the end (padding, a camera's trailer) is accepted.

/// Segment by segment to the end-of-image mark. Segments are stepped over by their length, so that the end mark of a
/// thumbnail inside one does not count.
pub(super) fn jpeg(bytes: &[u8]) -> bool {
    const TEM: u8 = 0x01;
    const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
    const START_OF_IMAGE: u8 = 0xD8;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut rest = bytes;
    loop {
        // To the next mark: inside a scan this passes over the picture's data, where FF 00 stands for a plain FF.
        let Some(at) = rest.iter().position(|&byte| byte == 0xFF) else { return false };
        rest = &rest[at + 1..];
        let Some(&mark) = rest.first() else { return false };
        match mark {
            END_OF_IMAGE => return true,
            // Fill bytes: the next FF may begin a mark.
            0xFF => {}
            0x00 | TEM | START_OF_IMAGE => rest = &rest[1..],
            mark if RESTARTS.contains(&mark) => rest = &rest[1..],
            _ => {
                let &[_, high, low, ..] = rest else { return false };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(after) = rest.get(1 + length..) else { return false };
                rest = after;
            }
        }
    }
}

/// Chunk by chunk to `IEND`.
pub(super) fn png(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((&[a, b, c, d, ref name @ ..], _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        // Length, name and checksum are four bytes each.
        let Some(after) = length.checked_add(12).and_then(|size| rest.get(size..)) else { return false };
        if name == b"IEND" {
            return true;
        }
        rest = after;
    }
    false
}

/// As long as the container says.
pub(super) fn riff(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.get(4..).and_then(|rest| rest.first_chunk()) else { return false };
    u64::from(u32::from_le_bytes([a, b, c, d])) + 8 <= bytes.len() as u64
}

/// Box by box: each as long as it says, the last to the end.
pub(super) fn iso_media(bytes: &[u8]) -> bool {
    let mut boxes = Boxes::default();
    boxes.pass(bytes);
    boxes.are_whole()
}

/// The walk over an ISO media file's boxes, for bytes that come piece by piece.
#[derive(Default)]
pub(super) struct Boxes {
    /// The beginning of the next box, until that says how long it is.
    head: Vec<u8>,
    /// Bytes to come of the box that is being passed.
    left: u64,
    begun: usize,
    state: Walk,
}

#[derive(Default, PartialEq, Eq)]
enum Walk {
    #[default]
    Going,
    /// In a box that reaches to the end of the file, wherever that is.
    InTheLast,
    /// What should be a box is none.
    Lost,
}

impl Boxes {
    /// The file's next bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while self.state == Walk::Going && !bytes.is_empty() {
            if self.left == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                self.begin();
            } else {
                let passed = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= passed as u64;
                bytes = &bytes[passed..];
            }
        }
    }

    /// Begins a box if its size is known by now.
    fn begin(&mut self) {
        let Some((&[a, b, c, d, ..], wide)) = self.head.split_first_chunk::<8>() else { return };
        let size = match u32::from_be_bytes([a, b, c, d]) {
            // "To the end of the file."
            0 => {
                self.state = Walk::InTheLast;
                self.head.len() as u64
            }
            // "The size follows the name, in eight bytes."
            1 => match wide.first_chunk::<8>() {
                Some(&size) => u64::from_be_bytes(size),
                None => return,
            },
            size => u64::from(size),
        };
        match size.checked_sub(self.head.len() as u64) {
            Some(left) => self.left = left,
            None => self.state = Walk::Lost,
        }
        self.begun += 1;
        self.head.clear();
    }

    /// Whether the file may end here.
    pub(super) fn are_whole(&self) -> bool {
        // A file type box alone shows nothing.
        self.state != Walk::Lost && self.head.is_empty() && self.left == 0 && self.begun > 1
    }
}

/// The end mark within the last kilobyte, where readers look for it.
pub(super) fn pdf(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(1024)..];
    tail.windows(5).any(|window| window == b"%%EOF")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::samples;

    /// No proper prefix of `file` may pass as whole, unless it ends in the file's last `slack` bytes.
    fn is_whole_only_when_whole(file: &[u8], slack: usize, whole: fn(&[u8]) -> bool) {
        assert!(whole(file));
        for end in 0..file.len() - slack {
            assert!(!whole(&file[..end]), "{end} of {} bytes", file.len());
        }
    }

    #[test]
    fn a_cut_off_file_is_never_whole() {
        is_whole_only_when_whole(&samples::jpeg(3000), 0, jpeg);
        is_whole_only_when_whole(&samples::png(), 0, png);
        is_whole_only_when_whole(&samples::webp(), 0, riff);
        is_whole_only_when_whole(&samples::heic(), 0, iso_media);
        is_whole_only_when_whole(&samples::mp4(), 0, iso_media);
        is_whole_only_when_whole(&samples::pdf(), 1, pdf);
    }

    #[test]
    fn it_does_not_matter_in_which_pieces_the_boxes_come() {
        let to_the_end = [&samples::mp4_of(900)[..], &[0, 0, 0, 0], b"free", &[9; 50]].concat();
        for file in [samples::mp4_of(900), samples::heic(), to_the_end] {
            for size in 1..40 {
                let mut boxes = Boxes::default();
                for piece in file.chunks(size) {
                    boxes.pass(piece);
                }
                assert!(boxes.are_whole(), "pieces of {size} bytes");
            }
        }
        let mut boxes = Boxes::default();
        boxes.pass(&samples::mp4());
        boxes.pass(&[0, 0, 0, 7, b'f', b'r', b'e', b'e']);
        assert!(!boxes.are_whole(), "a box that is shorter than its own beginning");
    }

    #[test]
    fn what_cameras_write_after_the_end_does_not_matter() {
        for trailer in [&[0; 700][..], b"SEFT trailer of a phone", b"\n"] {
            assert!(jpeg(&[&samples::jpeg(3000), trailer].concat()));
            assert!(png(&[&samples::png(), trailer].concat()));
            assert!(riff(&[&samples::webp(), trailer].concat()));
            assert!(pdf(&[&samples::pdf(), trailer].concat()));
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let thumbnail = samples::jpeg(200);
        let picture = samples::jpeg_with_segment(0xE1, &thumbnail);
        assert!(jpeg(&picture));
        let after_thumbnail = 2 + 4 + thumbnail.len();
        assert_eq!(&picture[after_thumbnail - 2..after_thumbnail], [0xFF, 0xD9]);
        assert!(!jpeg(&picture[..after_thumbnail + 10]));
    }
}
