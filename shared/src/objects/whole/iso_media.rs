//! Files made of boxes: MP4 (ISO/IEC 14496-12), and HEIC (ISO/IEC 23008-12) with its picture.

use super::not_zero;

/// The boxes, with a picture's size and place among what is told of it, and data.
pub(in super::super) fn heic(bytes: &[u8]) -> bool {
    // Its version and flags come first.
    let Some(told) = child(bytes, b"meta").and_then(|told| told.get(4..)) else { return false };
    let properties = child(told, b"iprp").and_then(|properties| child(properties, b"ipco")).unwrap_or_default();
    let has_size = |size: &[u8]| not_zero(size.get(4..)).is_some() && not_zero(size.get(8..)).is_some();
    let has_size = children(properties).any(|(name, size)| name == b"ispe" && has_size(size));
    let data = child(bytes, b"mdat").or_else(|| child(told, b"idat")).unwrap_or_default();
    iso_media(bytes) && has_size && child(told, b"iloc").is_some() && !data.is_empty()
}

/// What is in the first box of that name.
fn child<'a>(boxes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    children(boxes).find(|(other, _)| other == name).map(|(_, content)| content)
}

/// The boxes in a file or in another box: name and content, as much of it as is there.
fn children(mut rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (&[a, b, c, d, ..], after) = rest.split_first_chunk::<8>()?;
        let name = &rest[4..8];
        let (size, head) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (rest.len(), 8),
            1 => (usize::try_from(u64::from_be_bytes(*after.first_chunk()?)).ok()?, 16),
            size => (size as usize, 8),
        };
        let content = rest.get(head..size.min(rest.len()))?;
        rest = rest.get(size..).unwrap_or_default();
        Some((name, content))
    })
}

/// Box by box: each as long as it says, the last to the end.
pub(in super::super) fn iso_media(bytes: &[u8]) -> bool {
    let mut boxes = Boxes::default();
    boxes.pass(bytes);
    boxes.are_whole()
}

/// The walk over an ISO media file's boxes, for bytes that come piece by piece.
#[derive(Default)]
pub(crate) struct Boxes {
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
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) {
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
    pub(crate) fn are_whole(&self) -> bool {
        // A file type box alone shows nothing.
        self.state != Walk::Lost && self.head.is_empty() && self.left == 0 && self.begun > 1
    }
}
