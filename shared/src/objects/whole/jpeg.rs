//! JPEG (ITU-T T.81).

const TEM: u8 = 0x01;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;

/// Segment by segment to the end-of-image mark, with a frame and its scans before it. Segments are stepped over by their length, so
/// that the end mark of a thumbnail inside one does not count.
pub(in super::super) fn jpeg(bytes: &[u8]) -> bool {
    let (mut frame, mut data, mut in_scan) = (None, 0, false);
    let mut rest = bytes;
    loop {
        // To the next mark: inside a scan this passes over the picture's data, where FF 00 stands for a plain FF.
        let Some(at) = rest.iter().position(|&byte| byte == 0xFF) else { return false };
        data += if in_scan { at as u64 } else { 0 };
        rest = &rest[at + 1..];
        let Some(&mark) = rest.first() else { return false };
        match mark {
            END_OF_IMAGE => return frame.is_some_and(|frame: Frame| data >= frame.least_data()),
            // Fill bytes: the next FF may begin a mark.
            0xFF => {}
            0x00 | TEM | START_OF_IMAGE => rest = &rest[1..],
            mark if RESTARTS.contains(&mark) => rest = &rest[1..],
            _ => {
                let &[_, high, low, ..] = rest else { return false };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(after) = rest.get(1 + length..) else { return false };
                match mark {
                    0xC4 | 0xC8 | 0xCC => {}
                    0xC0..=0xCF if frame.is_none() => {
                        match Frame::of(mark, rest.get(3..1 + length).unwrap_or_default()) {
                            None => return false,
                            found => frame = found,
                        }
                    }
                    // What no frame announced shows nothing.
                    START_OF_SCAN if frame.is_none() => return false,
                    _ => {}
                }
                in_scan = mark == START_OF_SCAN;
                rest = after;
            }
        }
    }
}

/// What a picture's header says of it.
struct Frame {
    mark: u8,
    units: u64,
}

impl Frame {
    /// `None` where nothing can be seen.
    fn of(mark: u8, segment: &[u8]) -> Option<Self> {
        let &[_, h1, h0, w1, w0, components, ref rest @ ..] = segment else { return None };
        let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
        let components = rest.get(..3 * usize::from(components)).filter(|components| !components.is_empty())?;
        let factors = components.chunks_exact(3).map(|component| (component[1] >> 4, component[1] & 15));
        let (across, down) = factors.fold((1, 1), |most, factor| (most.0.max(factor.0), most.1.max(factor.1)));
        let units = |size: u16, factor: u8| u64::from(size).div_ceil(8 * u64::from(factor));
        let units = units(width, across) * units(height, down) * (components.len() as u64 / 3);
        (units > 0).then_some(Self { mark, units })
    }

    /// The fewest bytes that a picture of this size can be written with: each block takes two codes of at least a bit, or one in the
    /// first scan of those that come in several.
    fn least_data(&self) -> u64 {
        match self.mark {
            0xC0 | 0xC1 => (2 * self.units).div_ceil(8),
            0xC2 => self.units.div_ceil(8),
            _ => 1,
        }
    }
}
