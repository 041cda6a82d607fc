//! Whether a file is whole: it was not cut off, and it is what it says. A picture has a size, data and an end; a document a page
//! and the length that it claims; a video every box it begins. None of it is decoded: `true` does not promise that it can be
//! shown, `false` promises that it cannot.
//!
//! A server that lost the rest of a picture may still announce exactly the bytes it has. Each function walks from the
//! front and finds the end where the format puts it; what follows the end (padding, a camera's trailer) is accepted.

mod iso_media;
mod jpeg;
mod pdf;
mod png;
mod webp;

pub(crate) use iso_media::Boxes;
pub(super) use iso_media::{heic, iso_media};
pub(super) use jpeg::jpeg;
pub(super) use pdf::pdf;
pub(super) use png::png;
pub(super) use webp::webp;

/// The number that four bytes are, the highest first, if it is not zero.
fn not_zero(bytes: Option<&[u8]>) -> Option<u32> {
    let number = u32::from_be_bytes(*bytes?.first_chunk()?);
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::samples;

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
        is_whole_only_when_whole(&samples::webp(), 0, webp);
        is_whole_only_when_whole(&samples::heic(), 0, heic);
        is_whole_only_when_whole(&samples::mp4(), 0, iso_media);
        is_whole_only_when_whole(&samples::pdf(), 1, pdf);
    }

    /// What stands in for a picture, as whole as it may be otherwise.
    #[test]
    fn a_file_without_a_picture_is_none() {
        let is_none = |what: &str, whole: fn(&[u8]) -> bool, file: Vec<u8>| assert!(!whole(&file), "{what}");
        let put = |mut file: Vec<u8>, at: usize, bytes: &[u8]| {
            file[at..at + bytes.len()].copy_from_slice(bytes);
            file
        };
        let mark = |file: &[u8], mark: u8| file.windows(2).position(|pair| pair == [0xFF, mark]).expect("a mark");

        let picture = samples::jpeg(900);
        let (frame, scan) = (mark(&picture, 0xC0), mark(&picture, 0xDA));
        let without = |from: usize, to: usize| [&picture[..from], &picture[to..]].concat();
        is_none("no frame and no scan", jpeg, [&picture[..frame], &[0xFF, 0xD9]].concat());
        is_none("no frame", jpeg, without(frame, scan));
        is_none("no scan", jpeg, [&picture[..scan], &[0xFF, 0xD9]].concat());
        is_none("no data", jpeg, [&picture[..scan + 10], &[0xFF, 0xD9]].concat());
        is_none("no height", jpeg, put(picture.clone(), frame + 5, &[0, 0]));
        is_none("no width", jpeg, put(picture.clone(), frame + 7, &[0, 0]));
        is_none("no component", jpeg, put(picture.clone(), frame + 9, &[0]));
        is_none("data for a corner of it", jpeg, put(picture.clone(), frame + 5, &[0x0F, 0xA0, 0x0F, 0xA0]));

        let picture = samples::png();
        is_none("no width", png, put(picture.clone(), 16, &[0; 4]));
        is_none("no height", png, put(picture.clone(), 20, &[0; 4]));
        is_none("colours that are none", png, put(picture.clone(), 25, &[5]));
        is_none("data that is not compressed", png, put(picture.clone(), 41, &[7; 4]));
        is_none("no data", png, [&picture[..33], &picture[picture.len() - 12..]].concat());
        is_none("no header", png, [&picture[..8], &picture[33..]].concat());

        let picture = samples::webp();
        is_none("nothing", webp, b"RIFF\x04\0\0\0WEBP".to_vec());
        is_none("another chunk alone", webp, put(picture.clone(), 12, b"EXIF"));
        is_none("no mark of a picture", webp, put(picture.clone(), 20, &[0]));
        is_none("a chunk that is longer than the file", webp, put(picture, 16, &[200]));

        let picture = samples::heic();
        let size = picture.windows(4).position(|name| name == b"ispe").expect("a size");
        is_none("no width", heic, put(picture.clone(), size + 8, &[0; 4]));
        is_none("no height", heic, put(picture.clone(), size + 12, &[0; 4]));
        is_none("no size", heic, put(picture.clone(), size, b"free"));
        is_none("no data", heic, [&picture[..picture.len() - 40], &[0, 0, 0, 8], b"mdat"].concat());
        is_none("nothing told", heic, samples::mp4());

        let file = samples::pdf();
        let place = |what: &[u8]| file.windows(what.len()).rposition(|window| window == what).expect("a part");
        is_none("14 bytes", pdf, b"%PDF-1.4\n%%EOF".to_vec());
        is_none("no page", pdf, put(file.clone(), place(b"/Type /Page ") + 6, b"/Font "));
        is_none("pages without one", pdf, put(file.clone(), place(b"/Type /Page ") + 6, b"/Pages"));
        is_none("a table beyond the end", pdf, put(file.clone(), place(b"startxref") + 10, b"999"));
        is_none("a table where there is none", pdf, put(file.clone(), place(b"startxref") + 10, b"001"));
        is_none("no table told", pdf, put(file.clone(), place(b"startxref"), b"somewhere"));
        let linearized =
            String::from_utf8_lossy(&file).replace("<< /Type /Catalog", "<< /Linearized 1 /L 4000 /Type /Catalog");
        is_none("shorter than it says", pdf, linearized.into_bytes());
    }

    /// Each was written by the program in its name (`testdata/README.md`).
    #[test]
    fn what_programs_write_is_whole() {
        for (name, whole, file) in [
            ("progressive.jpg", jpeg as fn(&[u8]) -> bool, &include_bytes!("../testdata/progressive.jpg")[..]),
            ("grey.jpg", jpeg, include_bytes!("../testdata/grey.jpg")),
            ("indexed.png", png, include_bytes!("../testdata/indexed.png")),
            ("lossy.webp", webp, include_bytes!("../testdata/lossy.webp")),
            ("lossless_alpha.webp", webp, include_bytes!("../testdata/lossless_alpha.webp")),
            ("moving.webp", webp, include_bytes!("../testdata/moving.webp")),
            ("pillow.heic", heic, include_bytes!("../testdata/pillow.heic")),
            ("pillow.pdf", pdf, include_bytes!("../testdata/pillow.pdf")),
            ("object_streams.pdf", pdf, include_bytes!("../testdata/object_streams.pdf")),
            ("linearized.pdf", pdf, include_bytes!("../testdata/linearized.pdf")),
            ("encrypted.pdf", pdf, include_bytes!("../testdata/encrypted.pdf")),
            ("libreoffice.pdf", pdf, include_bytes!("../testdata/libreoffice.pdf")),
        ] {
            assert!(whole(file), "{name}");
            for part in [1, 5, 9] {
                assert!(!whole(&file[..file.len() * part / 10]), "{part} tenths of {name}");
            }
        }
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
            assert!(webp(&[&samples::webp(), trailer].concat()));
            assert!(pdf(&[&samples::pdf(), trailer].concat()));
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let thumbnail = samples::jpeg(200);
        let picture = samples::jpeg_with_segment(0xE1, &thumbnail);
        assert!(jpeg(&picture));
        // Nor is its frame that of the picture.
        assert!(!jpeg(&[&picture[..2 + 4 + thumbnail.len()], &[0xFF, 0xD9]].concat()));
        let after_thumbnail = 2 + 4 + thumbnail.len();
        assert_eq!(&picture[after_thumbnail - 2..after_thumbnail], [0xFF, 0xD9]);
        assert!(!jpeg(&picture[..after_thumbnail + 10]));
    }
}
