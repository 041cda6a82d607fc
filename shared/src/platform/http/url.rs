//! Reading a URL that is stored and called later.
//!
//! A URL is parsed once, here, and stored as parsed, so that the same text is shown, compared and called. The parser
//! alone is too lenient: it ignores blanks and line ends, and accepts host names that DNS does not allow.

use url::{Host, Url};

/// The most bytes of a URL, as given and as parsed.
pub const MAX_URL_BYTES: usize = 2048;
/// The longest host name, and the longest part of one between its dots (RFC 1035).
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// Why a URL is refused. It contains no part of the URL, whose query may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UrlFault {
    /// It cannot be parsed, has no host, or is not HTTP.
    #[error("is not a URL such as https://example.com/hook")]
    NotAUrl,
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// It contains blanks, line ends or control characters.
    #[error("has blanks or control characters in it")]
    Blanks,
    /// It contains a user name or a password.
    #[error("carries credentials")]
    Credentials,
    /// A part of its host name is longer than DNS allows.
    #[error("has a host name that is too long")]
    LongHost,
}

/// The URL in `text`, as it is stored.
///
/// # Errors
/// The first reason to refuse it.
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
