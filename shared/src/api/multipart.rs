//! Reading bodies of `multipart/form-data`: named parts, of which some are files.

use std::{collections::BTreeMap, convert::Infallible};

use bytes::Bytes;
use futures_util::stream;
use lambda_http::{Request, http::header::CONTENT_TYPE};

use super::ApiError;

/// A part. What is in it may be personal, so `Debug` shows its length only.
pub struct Part {
    /// Its bytes.
    pub bytes: Bytes,
}

impl Part {
    /// The part as text; `None` where it is no UTF-8.
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

/// The parts of a body of at most `limit` bytes, by name.
///
/// # Errors
/// 413 over the limit, 400 where it is no such body, 422 where it has a part that is not among `known`, or one twice.
pub async fn read(request: &Request, limit: usize, known: &[&str]) -> Result<BTreeMap<String, Part>, ApiError> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > limit {
        return Err(ApiError::too_large(limit));
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind)
        .map_err(|_| ApiError::unreadable("The body is not multipart/form-data with a boundary."))?;
    let body = Bytes::copy_from_slice(body);
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, Infallible>(body)]), boundary);
    let unreadable = |_| ApiError::unreadable("The body is not valid multipart/form-data.");
    let mut read = BTreeMap::new();
    while let Some(field) = parts.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        if !known.contains(&name.as_str()) {
            return Err(ApiError::invalid_field(&name, "is not a known field"));
        }
        let part = Part { bytes: field.bytes().await.map_err(unreadable)? };
        if read.insert(name.clone(), part).is_some() {
            return Err(ApiError::invalid_field(&name, "is given twice"));
        }
    }
    Ok(read)
}
