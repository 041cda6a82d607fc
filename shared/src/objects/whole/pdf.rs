//! PDF (ISO 32000-2), as far as that a page is there and the file reaches as far as it says.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Where readers look for the end mark.
const TAIL: usize = 1024;
/// How far from where a file says its table of objects may stand: some writers count line ends otherwise.
const ASTRAY: usize = 32;
/// What one stream of objects may unpack to, and how many are looked into.
const MAX_STREAM_BYTES: u64 = 4 << 20;
const MAX_STREAMS: usize = 64;

/// The end mark within the last kilobyte, the table of objects where the file says, the length that it claims, and a page.
pub(in super::super) fn pdf(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(TAIL);
    let Some(end) = rfind(&bytes[tail..], b"%%EOF").map(|at| tail + at) else { return false };
    has_table(bytes, end) && has_length(bytes) && has_page(bytes)
}

/// Whether the table of objects, or the object that is one, stands where the last `startxref` says.
fn has_table(bytes: &[u8], end: usize) -> bool {
    let from = end.saturating_sub(TAIL);
    let Some(said) = rfind(&bytes[from..end], b"startxref").map(|at| from + at) else { return false };
    // Counted from the beginning of the file itself.
    let begin = find(bytes, b"%PDF-").unwrap_or(0);
    let Some(place) = number(&bytes[said + 9..]).and_then(|place| place.checked_add(begin)) else { return false };
    if place >= said {
        return false;
    }
    let near = |to: usize| &bytes[place.saturating_sub(ASTRAY)..(place + to).min(said)];
    find(near(ASTRAY), b"xref").is_some() || find(near(TAIL), b"/XRef").is_some()
}

/// Whether a file that was written for the web is no shorter than it says at its beginning.
fn has_length(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(TAIL)];
    if find(head, b"/Linearized").is_none() {
        return true;
    }
    let length = find(head, b"/L ").and_then(|at| number(&head[at + 3..]));
    length.is_none_or(|length| length <= bytes.len())
}

/// Whether there is a page, in the file itself or in a stream of objects. What is encrypted cannot be looked into.
fn has_page(bytes: &[u8]) -> bool {
    if names_page(bytes) {
        return true;
    }
    let mut rest = bytes;
    for _ in 0..MAX_STREAMS {
        let Some(at) = find(rest, b"/ObjStm") else { break };
        rest = &rest[at..];
        let Some(at) = find(rest, b"stream") else { break };
        rest = &rest[at + 6..];
        let packed = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
        let mut objects = Vec::new();
        // What can be read of it is enough.
        let _ = ZlibDecoder::new(packed).take(MAX_STREAM_BYTES).read_to_end(&mut objects);
        if names_page(&objects) {
            return true;
        }
    }
    find(bytes, b"/ObjStm").is_some() && find(bytes, b"/Encrypt").is_some()
}

/// `/Type /Page`, with or without blanks, and not `/Pages`.
fn names_page(mut rest: &[u8]) -> bool {
    while let Some(at) = find(rest, b"/Type") {
        rest = &rest[at + 5..];
        let after = rest.trim_ascii_start().strip_prefix(b"/Page");
        if after.is_some_and(|after| !after.first().is_some_and(u8::is_ascii_alphanumeric)) {
            return true;
        }
    }
    false
}

fn number(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.trim_ascii_start();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == what[0]) {
        if bytes[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn rfind(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}
