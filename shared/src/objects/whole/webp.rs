//! WebP (RFC 9649).

/// As long as the container says, with a picture in it.
pub(in super::super) fn webp(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.get(4..).and_then(|rest| rest.first_chunk()) else { return false };
    let size = u32::from_le_bytes([a, b, c, d]) as usize;
    let content = size.checked_add(8).and_then(|end| bytes.get(12..end));
    content.is_some_and(|content| has_picture(content, false))
}

/// Chunk by chunk; a frame of those that move is a chunk with chunks in it.
fn has_picture(mut rest: &[u8], in_frame: bool) -> bool {
    while let Some((&[ref name @ .., a, b, c, d], after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some(content) = after.get(..length) else { return false };
        let is_picture = match name {
            b"VP8 " => is_key_frame(content),
            // A byte that says what it is, and four with the size less one.
            b"VP8L" => content.first() == Some(&0x2F) && content.len() > 5,
            b"ANMF" if !in_frame => has_picture(content.get(16..).unwrap_or_default(), true),
            _ => false,
        };
        if is_picture {
            return true;
        }
        // Chunks begin at even bytes.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    false
}

/// A picture that needs no other (RFC 6386, section 9.1).
fn is_key_frame(content: &[u8]) -> bool {
    let &[tag, t1, t2, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ref data @ ..] = content else { return false };
    let first_part = u32::from_le_bytes([tag, t1, t2, 0]) >> 5;
    let size = |low, high| u16::from_le_bytes([low, high]) & 0x3FFF;
    tag & 1 == 0 && size(w0, w1) > 0 && size(h0, h1) > 0 && first_part > 0 && first_part as usize <= data.len()
}
