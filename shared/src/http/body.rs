//! Reads request bodies: from bytes to a typed value, with an error that names the field.

use std::collections::BTreeMap;

use lambda_http::{Request, http::Method};
use serde_json::Value;

use super::{ApiError, once};
use crate::common::RawJson;

/// The longest body of a request without pictures.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The longest body of a request with pictures: 4 MiB of pictures in base64, and the other fields.
pub const MAX_BODY_WITH_PICTURES_BYTES: usize = 4 * 1024 * 1024 + MAX_BODY_BYTES;

/// The body as JSON, with any fields.
///
/// # Errors
/// 413 over [`MAX_BODY_BYTES`], 400 if it is not a JSON object, 422 if it contains a field twice.
pub fn json(request: &Request) -> Result<Value, ApiError> {
    json_up_to(request, MAX_BODY_BYTES)
}

/// As [`json`], with another limit in bytes.
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

/// The body; an empty body of a `POST` counts as an object without fields.
fn text(request: &Request) -> &[u8] {
    match request.body().as_ref() {
        [] if request.method() == Method::POST => b"{}",
        body => body,
    }
}

/// The fields of the body, a JSON object, each as the original text.
///
/// # Errors
/// As [`json`].
pub fn fields(request: &Request) -> Result<BTreeMap<String, RawJson>, ApiError> {
    json(request)?;
    serde_json::from_slice(text(request)).map_err(|_| ApiError::unreadable("The body is not a JSON object."))
}

/// The `Idempotency-Key` of a request.
///
/// # Errors
/// 422 unless it has 1 to 255 printable ASCII characters.
pub fn idempotency_key(request: &Request) -> Result<Option<&str>, ApiError> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    let is_printable = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len())).filter(is_printable);
    key.map(Some).ok_or_else(|| ApiError::invalid_field("Idempotency-Key", "must be 1 to 255 printable characters"))
}
