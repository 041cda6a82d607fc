//! Reading request bodies: from bytes to a typed value, with an error that names the field.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac as _};
use lambda_http::{Request, http::Method};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::Sha256;

use super::{ApiError, once};
use crate::{
    platform::{SecretsError, json::Json, secrets::NamedKey},
    providers::FieldProblem,
};

/// The longest body that is read where none brings pictures.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The longest body that may bring pictures: 4 MiB of them in base64, and what belongs to them.
pub const MAX_BODY_WITH_PICTURES_BYTES: usize = 4 * 1024 * 1024 + MAX_BODY_BYTES;

/// The body as JSON, whatever its fields.
///
/// # Errors
/// 413 over [`MAX_BODY_BYTES`], 400 where it is not a JSON object, 422 where it has a field twice.
pub fn json(request: &Request) -> Result<Value, ApiError> {
    json_up_to(request, MAX_BODY_BYTES)
}

/// As [`json`], with another limit.
///
/// # Errors
/// As [`json`].
pub fn json_up_to(request: &Request, limit: usize) -> Result<Value, ApiError> {
    let bytes = text(request);
    if bytes.len() > limit {
        return Err(ApiError::too_large(limit));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|_| ApiError::unreadable("The body is not valid JSON in UTF-8."))?;
    if !value.is_object() {
        return Err(ApiError::unreadable("The body is not a JSON object."));
    }
    match once::twice(bytes) {
        Some(path) => Err(ApiError::invalid_field(&path, "is given twice")),
        None => Ok(value),
    }
}

/// The body; that of a `POST` without one is an object without fields.
fn text(request: &Request) -> &[u8] {
    match request.body().as_ref() {
        [] if request.method() == Method::POST => b"{}",
        body => body,
    }
}

/// The fields of the body, a JSON object, each as the text it came as.
///
/// # Errors
/// As [`json`].
pub fn fields(request: &Request) -> Result<BTreeMap<String, Json>, ApiError> {
    json(request)?;
    serde_json::from_slice(text(request)).map_err(|_| ApiError::unreadable("The body is not a JSON object."))
}

/// The `Idempotency-Key` of a request.
///
/// # Errors
/// 422 where it is not 1 to 255 printable ASCII characters.
pub fn idempotency_key(request: &Request) -> Result<Option<&str>, ApiError> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    let is_printable = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).filter(is_printable);
    key.map(Some).ok_or_else(|| ApiError::invalid_field("Idempotency-Key", "must be 1 to 255 printable characters"))
}

/// A JSON value as a known shape, every field of which must be known. `root` is the value's own path, `""` for a body.
///
/// # Errors
/// The first field that is missing, unknown or of another form. The message never repeats the value.
pub fn shape<T: DeserializeOwned>(value: &Value, root: &str) -> Result<T, FieldProblem> {
    let mut track = serde_path_to_error::Track::new();
    let mut unknown = None;
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    let result: Result<T, serde_json::Error> = serde_ignored::deserialize(tracked, |path| {
        unknown.get_or_insert_with(|| brackets(&path.to_string()));
    });
    let at = |path: &str| match (root, path) {
        ("", path) => path.to_owned(),
        (root, "" | ".") => root.to_owned(),
        (root, path) => format!("{root}.{path}"),
    };
    match (result, unknown) {
        (Ok(_), Some(path)) => Err(FieldProblem::new(at(&path), "is not a known field")),
        (Ok(value), None) => Ok(value),
        (Err(error), _) => {
            let path = track.path().to_string();
            let path = if path == "." { "" } else { path.as_str() };
            Err(explain(&error.to_string(), path, at))
        }
    }
}

/// `list.0.field` as `list[0].field`, which is how serde writes paths elsewhere; `?` stands for an optional's inside.
fn brackets(path: &str) -> String {
    let mut written = String::new();
    for part in path.split('.').filter(|part| *part != "?") {
        if part.bytes().all(|b| b.is_ascii_digit()) {
            written.push_str(&format!("[{part}]"));
        } else {
            let dot = if written.is_empty() { "" } else { "." };
            written.push_str(&format!("{dot}{part}"));
        }
    }
    written
}

/// Our words for serde's: which field, and what it must be.
fn explain(error: &str, path: &str, at: impl Fn(&str) -> String) -> FieldProblem {
    let below = |name: &str| if path.is_empty() { at(name) } else { at(&format!("{path}.{name}")) };
    if let Some(name) = error.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        FieldProblem::new(below(name), "is required")
    } else if let Some(name) = error.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        FieldProblem::new(if path.ends_with(name) { at(path) } else { below(name) }, "is not a known field")
    } else if ["invalid ", "unknown variant"].iter().any(|start| error.starts_with(start))
        && let Some((_, expected)) = error.rsplit_once("expected ")
    {
        let expected = if expected.starts_with("struct ") { "an object".to_owned() } else { expected.replace('`', "") };
        FieldProblem::new(at(path), format!("must be {expected}"))
    } else {
        FieldProblem::new(at(path), form(error))
    }
}

/// What a text must be that its type could not read, by what that type calls it.
fn form(error: &str) -> &'static str {
    if error.contains("UUID") {
        "must be a UUID"
    } else if ["date", "time", "offset", "year", "month", "day"].iter().any(|word| error.contains(word)) {
        "must be a moment such as 2026-12-31T23:59:59Z"
    } else {
        "does not have the right form"
    }
}

/// What tells a repeated request from a changed one without keeping it: its hash under each of the deployment's keys for that.
#[derive(Debug, Clone)]
pub struct Fingerprint(Vec<String>);

impl Fingerprint {
    /// Of a body's meaning: the order of fields and white space do not count.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn of_body(body: &Value, keys: &[NamedKey]) -> Result<Self, SecretsError> {
        // serde_json keeps the fields of a Value in order of name.
        Self::of_text(&body.to_string(), keys)
    }

    /// Of a text that stands for the request.
    ///
    /// # Errors
    /// A key cannot be used.
    pub fn of_text(text: &str, keys: &[NamedKey]) -> Result<Self, SecretsError> {
        keys.iter().map(|key| Ok(keyed_hash(text, &key.key.bytes()?))).collect::<Result<_, _>>().map(Self)
    }

    /// The one that is kept: under the first key.
    #[must_use]
    pub fn kept(&self) -> String {
        self.0.first().cloned().unwrap_or_default()
    }

    /// Whether a request that left `kept` said the same, under whichever key.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        !kept.is_empty() && self.0.iter().any(|hash| hash == kept)
    }
}

/// A keyed hash of a text, in hex.
#[must_use]
pub fn keyed_hash(text: &str, key: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use base64::Engine as _;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        name: String,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: u8,
    }

    fn problem(value: &Value, root: &str) -> (String, String) {
        let problem = shape::<Outer>(value, root).unwrap_err();
        (problem.field, problem.message)
    }

    #[test]
    fn the_error_names_the_field_and_never_the_value() {
        let is = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(problem(&json!({"name": "x"}), ""), is("inner", "is required"));
        assert_eq!(problem(&json!({"inner": []}), "options"), is("options.name", "is required"));
        assert_eq!(problem(&json!({"name": "x", "inner": [{}]}), ""), is("inner[0].count", "is required"));
        assert_eq!(problem(&json!({"name": 5, "inner": []}), ""), is("name", "must be a string"));
        assert_eq!(
            problem(&json!({"name": "x", "inner": [{"count": "secret"}]}), ""),
            is("inner[0].count", "must be u8")
        );
        let unknown = json!({"name": "x", "inner": [{"count": 1, "more": 2}]});
        assert_eq!(problem(&unknown, ""), is("inner[0].more", "is not a known field"));
    }

    #[test]
    fn a_text_that_its_type_cannot_read_is_told_what_to_be() {
        for text in ["yesterday", "", "2027-01-01", "2027-01-01T00:00:00", "2027-13-01T00:00:00Z", "1"] {
            let problem = shape::<jiff::Timestamp>(&json!(text), "until").unwrap_err();
            assert_eq!(problem.message, "must be a moment such as 2026-12-31T23:59:59Z", "{text}");
        }
        for text in ["nope", "", "00000000-0000-0000-0000-00000000000g"] {
            assert_eq!(shape::<uuid::Uuid>(&json!(text), "id").unwrap_err().message, "must be a UUID", "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_of_the_meaning() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        let of = |body: &Value| Fingerprint::of_body(body, &keys(&[1])).unwrap();
        assert!(of(&one).is(&of(&other).kept()));
        assert!(!of(&one).is(&of(&json!({})).kept()));
        assert!(!of(&one).is(""), "what was redacted is like nothing");
    }

    fn keys(bytes: &[u8]) -> Vec<NamedKey> {
        let key = |byte: &u8| json!({"id": format!("k{byte}"), "key": base64::engine::general_purpose::STANDARD.encode([*byte; 32])});
        bytes.iter().map(|byte| serde_json::from_value(key(byte)).unwrap()).collect()
    }

    #[test]
    fn a_fingerprint_is_known_as_long_as_its_key_is_in_the_list() {
        let of = |bytes: &[u8]| Fingerprint::of_text("a request", &keys(bytes)).unwrap();
        let kept = of(&[1]).kept();
        for (bytes, known) in [([1, 2].as_slice(), true), (&[2, 1], true), (&[2], false)] {
            assert_eq!(of(bytes).is(&kept), known, "{bytes:?}");
        }
        assert_eq!(of(&[2, 1]).kept(), of(&[2]).kept(), "the first key's is kept");
    }
}
