//! PNG (ISO/IEC 15948).

use super::not_zero;

/// Chunk by chunk from `IHDR`, which has the size, over data to `IEND`.
pub(in super::super) fn png(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(8..).unwrap_or_default();
    let (mut has_header, mut data): (bool, Vec<u8>) = (false, Vec::new());
    while let Some((&[a, b, c, d, ref name @ ..], after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(content) = after.get(..length) else { return false };
        // A checksum follows.
        let Some(next) = after.get(length..).and_then(|rest| rest.get(4..)) else { return false };
        match name {
            b"IHDR" if !has_header => has_header = is_header(content),
            _ if !has_header => return false,
            b"IDAT" => data.extend(content.iter().take(LEAST_DATA - data.len().min(LEAST_DATA))),
            b"IEND" => return is_zlib(&data),
            _ => {}
        }
        rest = next;
    }
    false
}

/// Header and checksum of what is compressed take six bytes.
const LEAST_DATA: usize = 7;

fn is_header(content: &[u8]) -> bool {
    let &[.., depth, colour, compression, filter, interlace] = content else { return false };
    let depths: &[u8] = match colour {
        0 => &[1, 2, 4, 8, 16],
        2 | 4 | 6 => &[8, 16],
        3 => &[1, 2, 4, 8],
        _ => return false,
    };
    content.len() == 13
        && not_zero(content.get(..4)).is_some()
        && not_zero(content.get(4..)).is_some()
        && depths.contains(&depth)
        && (compression, filter) == (0, 0)
        && interlace < 2
}

fn is_zlib(data: &[u8]) -> bool {
    data.len() >= LEAST_DATA && data[0] & 15 == 8 && u16::from_be_bytes([data[0], data[1]]).is_multiple_of(31)
}
