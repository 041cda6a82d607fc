//! Reads `multipart/form-data` bodies (RFC 7578, based on RFC 2046): named parts, some of which are files.
//!
//! Headers and their parameters are parsed as RFC 9110 defines them, because clients differ: names in any case, spaces
//! around `;`, quoted or plain values, parameters in any order, `filename*` next to `filename`, folded lines. A former
//! crate searched for `name=` anywhere, even inside a file's name.

use std::collections::BTreeMap;

use bytes::Bytes;
use lambda_http::{Request, http::header::CONTENT_TYPE};

use super::ApiError;

/// The longest boundary.
const MAX_BOUNDARY_BYTES: usize = 70;
/// The name of the part that gives the charset of a form's texts.
const CHARSET: &str = "_charset_";
/// Transfer encodings that leave the bytes unchanged.
const PLAIN: [&str; 3] = ["7bit", "8bit", "binary"];

/// A part. It may contain personal data, so `Debug` shows only its length.
pub struct Part {
    pub bytes: Bytes,
}

impl Part {
    /// The part as text; `None` if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().map(str::trim)
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.bytes.len())
    }
}

/// The parts of a body of at most `limit` bytes, by name. Skips empty file fields, which browsers send anyway.
///
/// # Errors
/// 413 over the limit, 400 if the body is not multipart, 422 if a part is not among `known` or occurs twice.
pub async fn read(request: &Request, limit: usize, known: &[&str]) -> Result<BTreeMap<String, Part>, ApiError> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > limit {
        return Err(ApiError::too_large(limit));
    }
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    let boundary = kind.and_then(|kind| boundary(&kind));
    let boundary =
        boundary.ok_or_else(|| ApiError::unreadable("The body is not multipart/form-data with a boundary."))?;
    let unreadable = || ApiError::unreadable("The body is not valid multipart/form-data.");
    let mut read = BTreeMap::new();
    for part in parts(body, &boundary).ok_or_else(unreadable)? {
        let Raw { name, file_name, encoding, bytes } = part.ok_or_else(unreadable)?;
        if name == CHARSET && bytes.trim_ascii().eq_ignore_ascii_case(b"utf-8") {
            continue;
        }
        if !known.contains(&name.as_str()) {
            return Err(ApiError::invalid_field(&name, "is not a known field"));
        }
        if encoding.is_some_and(|encoding| !PLAIN.iter().any(|plain| encoding.eq_ignore_ascii_case(plain))) {
            return Err(ApiError::invalid_field(&name, "must come as it is, without Content-Transfer-Encoding"));
        }
        if bytes.is_empty() && file_name.is_none_or(|name| name.is_empty()) {
            continue;
        }
        let part = Part { bytes: Bytes::copy_from_slice(bytes) };
        if read.insert(name.clone(), part).is_some() {
            return Err(ApiError::invalid_field(&name, "is given twice"));
        }
    }
    Ok(read)
}

/// A part before its checks.
struct Raw<'a> {
    name: String,
    file_name: Option<String>,
    encoding: Option<String>,
    bytes: &'a [u8],
}

/// The boundary in a content type.
fn boundary(kind: &str) -> Option<String> {
    let (kind, parameters) = parameters(kind)?;
    let boundary = one(&parameters, "boundary")?.trim_end();
    let fits = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len());
    (kind.eq_ignore_ascii_case("multipart/form-data") && fits).then(|| boundary.to_owned())
}

/// The parts between the boundaries, `None` for a part without a name; `None` as a whole if the last boundary is missing.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Option<Raw<'a>>>> {
    let mark = format!("--{boundary}").into_bytes();
    let (mut parts, mut begin, mut from) = (Vec::new(), None, 0);
    loop {
        let Mark { at, next, is_last } = mark_from(body, &mark, from)?;
        if let Some(begin) = begin {
            parts.push(body.get(begin..at).and_then(raw));
        }
        if is_last {
            return Some(parts);
        }
        (begin, from) = (Some(next), next);
    }
}

/// A boundary line.
struct Mark {
    /// Where it begins, including the line break before it.
    at: usize,
    /// Where the next line begins.
    next: usize,
    is_last: bool,
}

/// The next line that contains only `mark` and spaces; a line that merely begins with `mark` does not count.
fn mark_from(body: &[u8], mark: &[u8], mut from: usize) -> Option<Mark> {
    loop {
        let at = from + find(body.get(from..)?, mark)?;
        let after = &body[at + mark.len()..];
        let blanks = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_last = after.starts_with(b"--");
        if (at == 0 || body[..at].ends_with(b"\r\n")) && (is_last || after[blanks..].starts_with(b"\r\n")) {
            return Some(Mark { at: at.saturating_sub(2), next: at + mark.len() + blanks + 2, is_last });
        }
        from = at + 1;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Parses a part's headers.
fn raw(part: &[u8]) -> Option<Raw<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    // A line that begins with a space continues the line before it.
    let head = String::from_utf8_lossy(&part[..end]).replace("\r\n ", " ").replace("\r\n\t", " ");
    let header = |wanted: &str| {
        let of = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        };
        head.split("\r\n").find_map(of)
    };
    let (kind, parameters) = parameters(&header("content-disposition")?)?;
    if !kind.eq_ignore_ascii_case("form-data") {
        return None;
    }
    // RFC 8187: charset, language and text.
    let extended = |name| one(&parameters, name).and_then(|value| value.rsplit('\'').next());
    let name = one(&parameters, "name").or_else(|| extended("name*"))?.to_owned();
    let file_name = one(&parameters, "filename*").or_else(|| one(&parameters, "filename")).map(str::to_owned);
    Some(Raw { name, file_name, encoding: header("content-transfer-encoding"), bytes: &part[end + 4..] })
}

/// A header's value and its parameters, with names in lower case (RFC 9110, section 5.6.6).
fn parameters(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let (value, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return Some((value.trim().to_owned(), parameters));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        parameters.push((name.trim().to_lowercase(), value));
        rest = after;
    }
}

/// Reads a quoted text after its opening quotation mark; returns the text and the rest. Browsers send a backslash
/// unescaped, so it is an escape only before another backslash or a quotation mark.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut plain, mut letters) = (String::new(), text.char_indices().peekable());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((plain, &text[at + 1..])),
            '\\' => plain.push(letters.next_if(|(_, next)| matches!(next, '"' | '\\')).map_or('\\', |(_, next)| next)),
            letter => plain.push(letter),
        }
    }
    None
}

/// The value of a parameter that occurs exactly once.
fn one<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = parameters.iter().filter(|(other, _)| other == name);
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use lambda_http::Body;

    use super::*;

    async fn read_as(kind: &str, body: &str) -> Result<Vec<(String, String)>, ApiError> {
        let request = lambda_http::http::Request::builder().header(CONTENT_TYPE, kind);
        let request = request.body(Body::from(body.as_bytes())).unwrap();
        let parts = read(&request, 10_000, &["file", "tmp_file_id"]).await?;
        Ok(parts.into_iter().map(|(name, part)| (name, part.text().unwrap().to_owned())).collect())
    }

    /// A body with one part that has these headers.
    fn body(head: &str) -> String {
        format!("--b\r\n{head}\r\n\r\nrows\r\n--b--\r\n")
    }

    #[tokio::test]
    async fn forms_of_all_common_clients_are_read() {
        let part = r#"Content-Disposition: form-data; name="file"; filename="a.csv""#;
        for kind in [
            "multipart/form-data; boundary=b",
            "Multipart/Form-Data;BOUNDARY=\"b\"",
            "multipart/form-data ; charset=utf-8 ; boundary=b ;",
            "multipart/form-data; boundary=\"b\"; type=\"a; boundary=c\"",
        ] {
            assert_eq!(read_as(kind, &body(part)).await.unwrap(), [("file".to_owned(), "rows".to_owned())], "{kind}");
        }
        for head in [
            // .NET, curl, older Python, OkHttp, and other variants.
            "Content-Disposition: form-data; name=file; filename=a.csv; filename*=utf-8''a%C3%B1o.csv\r\nContent-Type: text/csv",
            "content-disposition:form-data;name=\"file\";filename=\"C:\\dir\\a.csv\"",
            "Content-Type: text/csv; charset=utf-8\r\nCONTENT-DISPOSITION: Form-Data ; FileName=\"a.csv\" ; NAME = \"file\" ",
            "Content-Disposition: form-data; filename=\"a; name=b.csv\"; name=\"file\"\r\nContent-Length: 4",
            "Content-Disposition: form-data; filename=\"a \\\"name=\\\" b\"; name=\"file\"",
            "Content-Disposition: form-data;\r\n name=\"file\";\r\n\tfilename=\"año.csv\"\r\nContent-Transfer-Encoding: Binary",
            "Content-Disposition: form-data; name*=UTF-8''file; filename*=UTF-8''a.csv",
        ] {
            let read = read_as("multipart/form-data; boundary=b", &body(head)).await;
            assert_eq!(read.unwrap(), [("file".to_owned(), "rows".to_owned())], "{head}");
        }
        // Spaces after a boundary, lines that only begin like one, text before the first boundary and after the last.
        let head = "Content-Disposition: form-data; name=\"file\"";
        let odd = format!(
            "for old mail programs\r\n--b \t\r\n{head}\r\n\r\nx--b\r\n--bc\r\n--b- \r\n\r\n--b--\r\nthe end\r\n--b\r\n"
        );
        let read = read_as("multipart/form-data; boundary=b", &odd).await;
        assert_eq!(read.unwrap()[0].1, "x--b\r\n--bc\r\n--b-");
    }

    #[tokio::test]
    async fn an_empty_file_field_is_skipped() {
        let empty = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"_charset_\"\r\n\r\nUTF-8\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"tmp_file_id\"\r\n\r\n\r\n--b--";
        assert_eq!(read_as("multipart/form-data; boundary=b", empty).await.unwrap(), []);
        // An empty file that has a name is kept.
        let file = body("Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"").replace("rows", "");
        assert_eq!(read_as("multipart/form-data; boundary=b", &file).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_invalid_form_is_refused() {
        let form = body("Content-Disposition: form-data; name=\"file\"");
        let too_long = format!("multipart/form-data; boundary={}", "b".repeat(71));
        for (kind, body, status) in [
            ("application/json", form.as_str(), 400),
            ("multipart/mixed; boundary=b", &form, 400),
            ("multipart/form-data", &form, 400),
            ("multipart/form-data; boundary=b; boundary=c", &form, 400),
            (&too_long, &form, 400),
            ("multipart/form-data; boundary=c", &form, 400),
            ("multipart/form-data; boundary=b", "", 400),
            ("multipart/form-data; boundary=b", form.trim_end().trim_end_matches('-'), 400),
            ("multipart/form-data; boundary=b", &form.replace("form-data", "attachment"), 400),
            ("multipart/form-data; boundary=b", &form.replace("name", "other"), 400),
            ("multipart/form-data; boundary=b", &form.replace("\"file\"", "\"file"), 400),
            ("multipart/form-data; boundary=b", &form.replace("\"file\"", "\"more\""), 422),
            (
                "multipart/form-data; boundary=b",
                &form.replace("\"file\"", "\"file\"\r\nContent-Transfer-Encoding: base64"),
                422,
            ),
        ] {
            assert_eq!(read_as(kind, body).await.unwrap_err().status(), status, "{kind} {body}");
        }
        let twice = form.replace("--b--", &form);
        assert_eq!(
            read_as("multipart/form-data; boundary=b", &twice).await.unwrap_err().fields[0].message,
            "is given twice"
        );
    }
}
