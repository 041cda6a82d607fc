//! Generated pictures: an identity card's front and back, and a face. They are real JPEGs of an invented person, which every
//! reader of photographs can open.
//!
//! Drawing is slow in an unoptimised build and tests create hundreds of processes, so each kind has six drawings, drawn once. A
//! comment segment with the seed makes the bytes of each picture unique.

use std::sync::OnceLock;

use bytes::Bytes;
use jpeg_encoder::{ColorType, Encoder};

use crate::dice::keyed_hash;

/// The subject of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    CardFront,
    CardBack,
    Face,
}

/// What pictures may be padded to, in units of 2^20 bytes.
pub(crate) const SIZES: std::ops::RangeInclusive<u32> = 1..=64;

const VARIANTS: usize = 6;
const QUALITY: u8 = 88;
/// The largest content of one JPEG segment: its length field is 16 bits and counts itself.
const SEGMENT: usize = 65_533;

/// The picture for a seed: always the same bytes for the same seed, other bytes for any other.
pub(crate) fn picture(drawing: Drawing, seed: &str) -> Bytes {
    let variant = keyed_hash(b"variant", seed.as_bytes())[0] as usize % VARIANTS;
    let base = drawn(drawing, variant);
    let (head, tail) = base.split_at(first_free_place(base));
    let mut picture = Vec::with_capacity(base.len() + seed.len() + 4);
    picture.extend_from_slice(head);
    picture.extend_from_slice(&comment(seed.as_bytes()));
    picture.extend_from_slice(tail);
    picture.into()
}

/// The same picture blown up to exactly `size` bytes by comments of zeros, as pieces to be streamed: still a JPEG that
/// every reader opens, and most pieces share their memory. Where fewer than 8 bytes are missing it stays as it is.
pub(crate) fn padded(picture: &Bytes, size: usize) -> Vec<Bytes> {
    let place = first_free_place(picture);
    let mut missing = size.saturating_sub(picture.len());
    let whole = Bytes::from(comment(&vec![0; SEGMENT]));
    let mut pieces = vec![picture.slice(..place)];
    // A comment takes four bytes itself, so the last two are cut such that neither is shorter than that.
    while missing >= whole.len() * 2 {
        pieces.push(whole.clone());
        missing -= whole.len();
    }
    for part in [missing / 2, missing - missing / 2] {
        if let Some(content) = part.checked_sub(4) {
            pieces.push(comment(&vec![0; content]).into());
        }
    }
    pieces.push(picture.slice(place..));
    pieces
}

/// The contents of a JPEG's comments, as far as its segments can be followed; none of any other file.
pub(crate) fn comments(file: &[u8]) -> Vec<&[u8]> {
    let mut comments = Vec::new();
    let Some(mut rest) = file.strip_prefix(&[0xFF, 0xD8]) else { return comments };
    while let [0xFF, marker, high, low, tail @ ..] = rest {
        // Behind the start of the scan there are no segments.
        let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2).filter(|_| *marker != 0xDA);
        let Some((content, next)) = length.and_then(|length| tail.split_at_checked(length)) else { break };
        if *marker == 0xFE {
            comments.push(content);
        }
        rest = next;
    }
    comments
}

fn comment(content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(SEGMENT)];
    let length = (content.len() + 2) as u16;
    [&[0xFF, 0xFE], &length.to_be_bytes()[..], content].concat()
}

/// Behind the start marker and the JFIF header, which must come first.
fn first_free_place(jpeg: &[u8]) -> usize {
    match jpeg {
        [_, _, 0xFF, 0xE0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

fn drawn(drawing: Drawing, variant: usize) -> &'static [u8] {
    static DRAWN: [[OnceLock<Vec<u8>>; VARIANTS]; 3] = [const { [const { OnceLock::new() }; VARIANTS] }; 3];
    DRAWN[drawing as usize][variant].get_or_init(|| draw(drawing, variant).encode())
}

fn draw(drawing: Drawing, variant: usize) -> Canvas {
    let random = keyed_hash(b"drawing", &[drawing as u8, variant as u8]);
    match drawing {
        Drawing::CardFront => card_front(&random),
        Drawing::CardBack => card_back(&random),
        Drawing::Face => face(&random),
    }
}

type Rgb = [u8; 3];

struct Canvas {
    width: i32,
    height: i32,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: i32, height: i32) -> Canvas {
        Canvas { width, height, pixels: vec![0; (width * height * 3) as usize] }
    }

    /// Sets every pixel of a rectangle for which `paint` gives a colour.
    fn paint(&mut self, [left, top, right, bottom]: [i32; 4], paint: impl Fn(i32, i32) -> Option<Rgb>) {
        for y in top.max(0)..bottom.min(self.height) {
            for x in left.max(0)..right.min(self.width) {
                self.set(x, y, paint(x, y));
            }
        }
    }

    fn set(&mut self, x: i32, y: i32, colour: Option<Rgb>) {
        if let Some(colour) = colour {
            let at = ((y * self.width + x) * 3) as usize;
            self.pixels[at..at + 3].copy_from_slice(&colour);
        }
    }

    fn rectangle(&mut self, area: [i32; 4], colour: Rgb) {
        self.paint(area, |_, _| Some(colour));
    }

    fn ellipse(&mut self, (x0, y0): (i32, i32), (across, down): (i32, i32), colour: Rgb) {
        self.paint([x0 - across, y0 - down, x0 + across, y0 + down], |x, y| {
            let (x, y) = (i64::from((x - x0) * down), i64::from((y - y0) * across));
            (x * x + y * y <= i64::from(across * down).pow(2)).then_some(colour)
        });
    }

    /// A row of small upright boxes, the look of print from afar.
    fn print(&mut self, (x, y): (i32, i32), (letter, height): (i32, i32), letters: i32, ink: u32) {
        for place in 0..letters {
            let shape = (ink ^ place as u32).wrapping_mul(2_654_435_761) >> 24;
            let left = x + place * (letter + 2);
            self.rectangle([left, y, left + letter, y + height], [40, 40, 55]);
            self.rectangle([left + 1, y + (shape % 5) as i32, left + letter - 1, y + height - 3], [200, 205, 200]);
        }
    }

    /// A head and shoulders, `unit` being an eighth of the head's height.
    fn person(&mut self, (x, y): (i32, i32), unit: i32, random: &[u8; 32]) {
        let skin = [190 + random[3] % 50, 140 + random[4] % 50, 105 + random[5] % 45];
        let shade = skin.map(|part| part - 35);
        let hair = [30 + random[6] % 70, 20 + random[7] % 50, 15 + random[8] % 30];
        let shirt = [random[9] / 2, random[10] / 2, 60 + random[11] / 2];
        self.ellipse((x, y + unit * 10), (unit * 7, unit * 5), shirt);
        self.rectangle([x - unit, y + unit * 3, x + unit, y + unit * 6], shade);
        self.ellipse((x, y - unit), (unit * 3 + unit / 2, unit * 4), hair);
        self.ellipse((x, y), (unit * 3, unit * 4), skin);
        for side in [-1, 1] {
            let eye = x + side * unit * 5 / 4;
            self.ellipse((eye, y - unit / 2), (unit * 2 / 3, unit / 3), [245, 245, 240]);
            self.ellipse((eye, y - unit / 2), (unit / 3, unit / 3), [50, 40, 30]);
            self.rectangle([eye - unit * 3 / 4, y - unit * 5 / 4, eye + unit * 3 / 4, y - unit], hair);
        }
        self.rectangle([x - unit / 4, y - unit / 4, x + unit / 4, y + unit], shade);
        self.ellipse((x, y + unit * 2), (unit * 5 / 4, unit / 3), [165, 75, 75]);
    }

    /// Fine grain over everything, as from a telephone's camera.
    fn grain(&mut self, strength: u32) {
        let mut state = 0x9E37_79B9u32;
        for part in &mut self.pixels {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let change = (state >> 16) % (2 * strength + 1);
            *part = (u32::from(*part) + change).saturating_sub(strength).min(255) as u8;
        }
    }

    /// The encoder refuses only a canvas whose size does not fit its pixels, which the fixed sizes here rule out.
    fn encode(&self) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let encoder = Encoder::new(&mut jpeg, QUALITY);
        if let Err(error) = encoder.encode(&self.pixels, self.width as u16, self.height as u16, ColorType::Rgb) {
            tracing::error!(%error, "a picture could not be encoded");
        }
        jpeg
    }
}

/// A card's blank: a table top around it, and the fine waves that security print has.
fn card(random: &[u8; 32]) -> Canvas {
    let mut canvas = Canvas::new(480, 304);
    canvas.rectangle([0, 0, 480, 304], [96, 78, 62]);
    let paper = [190 + random[0] % 40, 200 + random[1] % 30, 190 + random[2] % 40];
    let wave: Vec<i32> = (0..480).map(|x| (f64::from(x) / 17.0).sin() * 9.0).map(|y| y as i32).collect();
    canvas.paint([14, 12, 466, 292], |x, y| {
        let line = (y + wave[x as usize]) % 6 == 0 || (y * 2 + x + wave[y as usize]) % 14 == 0;
        Some(if line { paper.map(|part| part - 30) } else { paper })
    });
    canvas
}

fn card_front(random: &[u8; 32]) -> Canvas {
    let mut canvas = card(random);
    canvas.rectangle([14, 12, 466, 48], [random[12] / 3, 40 + random[13] / 4, 90 + random[14] / 3]);
    canvas.rectangle([28, 66, 168, 246], [215, 220, 225]);
    canvas.person((98, 111), 9, random);
    for line in 0..7 {
        let letters = 8 + i32::from(random[15 + line as usize] % 14);
        canvas.print((190, 72 + line * 26), (8, 12), letters, u32::from(random[22 + line as usize]));
    }
    canvas.grain(7);
    canvas
}

fn card_back(random: &[u8; 32]) -> Canvas {
    let mut canvas = card(random);
    canvas.rectangle([14, 30, 466, 74], [45, 45, 48]);
    canvas.paint([40, 92, 150, 192], |x, y| {
        let module = ((x / 5 * 31 + y / 5 * 17) as u32 ^ u32::from(random[20])).wrapping_mul(2_654_435_761);
        Some(if module >> 31 == 0 { [20, 20, 20] } else { [240, 240, 240] })
    });
    for line in 0..4 {
        canvas.print((180, 96 + line * 24), (7, 11), 12 + i32::from(random[line as usize] % 12), u32::from(random[21]));
    }
    for line in 0..3 {
        canvas.print((28, 212 + line * 24), (12, 14), 30, u32::from(random[23 + line as usize]));
    }
    canvas.grain(7);
    canvas
}

fn face(random: &[u8; 32]) -> Canvas {
    let mut canvas = Canvas::new(360, 448);
    let wall = [150 + random[0] % 60, 150 + random[1] % 60, 150 + random[2] % 60];
    canvas.paint([0, 0, 360, 448], |x, y| Some(wall.map(|part| part - (x / 12 + y / 10) as u8)));
    canvas.person((180, 196), 33, random);
    canvas.grain(9);
    canvas
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ALL: [Drawing; 3] = [Drawing::CardFront, Drawing::CardBack, Drawing::Face];

    /// Walks the segments up to the scan, as every decoder does, and gives their markers.
    fn markers(jpeg: &[u8]) -> Vec<u8> {
        let (mut at, mut markers) = (2, Vec::new());
        loop {
            assert_eq!(jpeg[at], 0xFF, "a segment starts with FF");
            markers.push(jpeg[at + 1]);
            if jpeg[at + 1] == 0xDA {
                return markers;
            }
            at += 2 + usize::from(u16::from_be_bytes(jpeg[at + 2..at + 4].try_into().unwrap()));
        }
    }

    #[test]
    fn every_drawing_is_a_whole_jpeg_of_a_photographs_size() {
        for drawing in ALL {
            for variant in 0..VARIANTS {
                let jpeg = drawn(drawing, variant);
                assert!(jpeg.starts_with(&[0xFF, 0xD8]) && jpeg.ends_with(&[0xFF, 0xD9]));
                assert!((20_000..200_000).contains(&jpeg.len()), "{drawing:?} has {} bytes", jpeg.len());
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        for drawing in ALL {
            assert_eq!(picture(drawing, "A/0"), picture(drawing, "A/0"));
            assert_ne!(picture(drawing, "A/0"), picture(drawing, "A/1"));
            assert!(markers(&picture(drawing, "A/0")).starts_with(&[0xE0, 0xFE]));
        }
        assert_ne!(picture(Drawing::CardFront, "A/0"), picture(Drawing::CardBack, "A/0"));
    }

    #[test]
    fn comments_are_read_back_from_whole_and_broken_files() {
        let jpeg = picture(Drawing::Face, "A/0");
        assert_eq!(comments(&jpeg), [b"A/0"]);
        assert_eq!(comments(&padded(&jpeg, jpeg.len() + 300).concat()).last(), Some(&&b"A/0"[..]));
        for broken in [&jpeg[..3], &jpeg[..24], b"", b"\xFF\xD8\xFF\xFE\x00\x01", b"GIF89a"] {
            assert_eq!(comments(broken), Vec::<&[u8]>::new());
        }
    }

    #[test]
    fn padding_gives_exactly_the_size_and_still_a_jpeg() {
        let small = picture(Drawing::Face, "A/0");
        for size in [400_000, 400_001, 1_000_003] {
            let large = padded(&small, size).concat();
            assert_eq!(large.len(), size);
            assert!(markers(&large).len() > markers(&small).len());
            assert!(large.ends_with(&[0xFF, 0xD9]));
        }
    }
}
