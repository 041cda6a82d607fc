//! The formats of media, found in the bytes themselves.
//!
//! A file's name and Content-Type are not trusted: a sender may say anything. `whole` checks whether a file is
//! complete; nobody here checks what a picture shows.

use super::whole;

/// The formats that evidence may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaFormat {
    Jpeg,
    Png,
    WebP,
    /// HEIC, which iPhones take pictures in.
    Heic,
    Pdf,
    Mp4,
    WebM,
}

impl MediaFormat {
    /// The format of `bytes`; `None` for anything else (HTML, JSON, archives, other media).
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        // `infer` accepts the PDF mark anywhere in the first kilobyte, and the WebP mark without its container; a web
        // page that only mentions a mark must not pass.
        match infer::get(bytes)?.mime_type() {
            "image/jpeg" => Some(Self::Jpeg),
            "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n").then_some(Self::Png),
            "image/webp" => bytes.starts_with(b"RIFF").then_some(Self::WebP),
            "image/heif" => Some(Self::Heic),
            "application/pdf" => begins_as_pdf(bytes).then_some(Self::Pdf),
            "video/mp4" => Some(Self::Mp4),
            "video/webm" => Some(Self::WebM),
            _ => None,
        }
    }

    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Heic => "image/heic",
            Self::Pdf => "application/pdf",
            Self::Mp4 => "video/mp4",
            Self::WebM => "video/webm",
        }
    }

    /// The file name extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Heic => "heic",
            Self::Pdf => "pdf",
            Self::Mp4 => "mp4",
            Self::WebM => "webm",
        }
    }

    /// Whether it is a still image.
    #[must_use]
    pub fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::WebP | Self::Heic)
    }

    /// Whether it can be a picture of a document or a face: an image, or the PDF that a scanner makes of one.
    #[must_use]
    pub fn is_picture(self) -> bool {
        self.is_image() || self == Self::Pdf
    }

    #[must_use]
    pub fn is_video(self) -> bool {
        matches!(self, Self::Mp4 | Self::WebM)
    }

    /// Whether `bytes`, which have this format, are complete and contain a picture, or a document a page. The check
    /// is cheap: `true` does not promise that the file can be shown.
    #[must_use]
    pub fn is_whole(self, bytes: &[u8]) -> bool {
        match self {
            Self::Jpeg => whole::jpeg(bytes),
            Self::Png => whole::png(bytes),
            Self::WebP => whole::webp(bytes),
            Self::Heic => whole::heic(bytes),
            Self::Mp4 => whole::iso_media(bytes),
            Self::Pdf => whole::pdf(bytes),
            Self::WebM => true,
        }
    }
}

/// Some writers put a byte order mark or an empty line first.
fn begins_as_pdf(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().starts_with(b"%PDF-")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::objects::samples;

    #[test]
    fn a_format_is_known_by_its_first_bytes() {
        for (bytes, format) in [
            (samples::jpeg(300), MediaFormat::Jpeg),
            (samples::png(), MediaFormat::Png),
            (samples::webp(), MediaFormat::WebP),
            (samples::heic(), MediaFormat::Heic),
            (samples::pdf(), MediaFormat::Pdf),
            (samples::mp4(), MediaFormat::Mp4),
            (samples::webm(), MediaFormat::WebM),
        ] {
            assert_eq!(MediaFormat::of(&bytes), Some(format));
            assert!(format.is_whole(&bytes), "{format:?}");
            assert_eq!(infer::get(&bytes).unwrap().matcher_type() == infer::MatcherType::Image, format.is_image());
        }
    }

    #[test]
    fn what_is_no_media_has_no_format() {
        for bytes in [
            &b""[..],
            b"<!DOCTYPE html><html><body>%PDF-1.7</body></html>",
            b"<html>Access denied</html>",
            b"{\"error\":\"expired\"}",
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
            b"PK\x03\x04 an archive",
            b"GIF89a........",
            b"text....WEBP",
            b"\x89PNG but not quite",
            b"\x1f\x8b\x08 compressed",
            b"\xff\xd8",
        ] {
            assert_eq!(MediaFormat::of(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_video_is_no_picture() {
        for format in [MediaFormat::Mp4, MediaFormat::WebM] {
            assert!(format.is_video() && !format.is_picture());
        }
        assert!(!MediaFormat::Pdf.is_video());
        assert!(MediaFormat::Pdf.is_picture() && !MediaFormat::Pdf.is_image());
    }
}
