//! Which texts are taken for a URL that is kept, and called later.
//!
//! A URL is read once, here, and kept as it was understood: what is shown, compared and called is the same text. The parser alone
//! is too kind for that: it passes over blanks and line ends, and takes host names that no resolver knows.

use url::{Host, Url};

/// The longest URL that is kept, in bytes, as it was given and as it is written out.
pub const MAX_URL_BYTES: usize = 2048;
/// The longest host name, and the longest part of one between its dots (RFC 1035).
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// Why a text is not taken for a URL. Holds and prints no part of it, since its query may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UrlFault {
    /// It cannot be understood, names no host, or is not of HTTP.
    #[error("is not a URL such as https://example.com/hook")]
    NotAUrl,
    /// It is too long.
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// There are blanks, line ends or control characters in it.
    #[error("has blanks or control characters in it")]
    Blanks,
    /// It carries a user name or a password.
    #[error("carries credentials")]
    Credentials,
    /// A part of its host's name is longer than any that exists.
    #[error("has a host name that is too long")]
    LongHost,
}

/// The URL that `text` is, as it is kept.
///
/// # Errors
/// The first reason not to take it.
pub fn read_url(text: &str) -> Result<Url, UrlFault> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlFault::TooLong);
    }
    if text.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err(UrlFault::Blanks);
    }
    let url = Url::parse(text).map_err(|_| UrlFault::NotAUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(UrlFault::NotAUrl);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::Credentials);
    }
    if let Some(Host::Domain(name)) = url.host() {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.split('.').any(str::is_empty) {
            return Err(UrlFault::NotAUrl);
        }
        if name.len() > MAX_HOST || name.split('.').any(|label| label.len() > MAX_LABEL) {
            return Err(UrlFault::LongHost);
        }
    }
    // Signs beyond ASCII take more room where they are written out.
    if url.as_str().len() > MAX_URL_BYTES { Err(UrlFault::TooLong) } else { Ok(url) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_url_is_kept_as_it_was_understood() {
        for (given, kept) in [
            ("https://Example.COM", "https://example.com/"),
            ("HTTPS://example.com:443/a/../b?q#f", "https://example.com/b?q#f"),
            ("https://example.com/año", "https://example.com/a%C3%B1o"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("http://127.0.0.1:9000/hooks", "http://127.0.0.1:9000/hooks"),
        ] {
            assert_eq!(read_url(given).unwrap().as_str(), kept);
        }
        let long = format!("https://{}.example/", "a".repeat(63));
        assert_eq!(read_url(&long).unwrap().as_str(), long);
    }

    #[test]
    fn what_cannot_be_called_as_it_stands_is_refused() {
        let label = format!("https://{}.example/", "a".repeat(64));
        let host = format!("https://{}example/", "abcdefgh.".repeat(28));
        let long = format!("https://example.com/{}", "a".repeat(2029));
        let grows = format!("https://example.com/{}", "ñ".repeat(500));
        for (text, fault) in [
            ("", UrlFault::NotAUrl),
            ("example.com", UrlFault::NotAUrl),
            ("ftp://example.com/", UrlFault::NotAUrl),
            ("https://a..b/", UrlFault::NotAUrl),
            (" https://example.com/", UrlFault::Blanks),
            ("https://example.com/ ", UrlFault::Blanks),
            ("https://example.com/a b", UrlFault::Blanks),
            ("https://exam\tple.com/", UrlFault::Blanks),
            ("https://example.com/\r\nx-header: 1", UrlFault::Blanks),
            ("https://example.com/\u{0}", UrlFault::Blanks),
            ("https://example.com/\u{2028}", UrlFault::Blanks),
            ("https://me@example.com/", UrlFault::Credentials),
            ("https://me:secret@example.com/", UrlFault::Credentials),
            (label.as_str(), UrlFault::LongHost),
            (host.as_str(), UrlFault::LongHost),
            (long.as_str(), UrlFault::TooLong),
            (grows.as_str(), UrlFault::TooLong),
        ] {
            assert_eq!(read_url(text), Err(fault), "{text}");
        }
        assert!(read_url(&long[..MAX_URL_BYTES]).is_ok(), "the longest");
    }
}
