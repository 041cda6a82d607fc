//! Pocket's JSON. Everything but the state and whose it is may be missing, empty or of another form.

use cotejo::providers::wire::{code, lenient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /checks`. Pictures are base64.
#[derive(Serialize)]
pub(super) struct Creation<'a> {
    pub external_id: String,
    pub strict: bool,
    pub country: &'a str,
    pub number: &'a str,
    pub front: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selfie: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<&'a str>,
}

/// Answer to it. Its state is always `pending`.
#[derive(Deserialize)]
pub(super) struct Created {
    pub check_id: String,
}

/// Answer of `GET /checks/{check_id}`.
#[derive(Deserialize)]
pub(super) struct CheckAnswer {
    pub check_id: String,
    /// `pending`, `review`, `pass` or `fail`.
    pub state: String,
    /// Why it is a `fail`.
    #[serde(default, deserialize_with = "lenient")]
    pub cause: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub tests: Vec<Test>,
    #[serde(default, deserialize_with = "lenient")]
    pub holder: Holder,
    #[serde(default, deserialize_with = "lenient")]
    pub photos: Vec<Photo>,
    /// `ready` once there is a report.
    #[serde(default, deserialize_with = "lenient")]
    pub report: Option<String>,
}

/// One test.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Test {
    #[serde(deserialize_with = "lenient")]
    pub code: String,
    #[serde(deserialize_with = "lenient")]
    pub ok: Option<bool>,
}

/// What was read from the document. Dates are ISO 8601.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Holder {
    #[serde(deserialize_with = "lenient")]
    pub number: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub born: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub expires: Option<String>,
}

/// A picture; `place` is `front`, `selfie`, or `frame-` with a number, and no two are the same.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Photo {
    #[serde(deserialize_with = "lenient")]
    pub place: String,
    #[serde(deserialize_with = "lenient")]
    pub url: String,
}

/// Body of a callback.
#[derive(Deserialize)]
pub(super) struct Callback {
    pub check_id: String,
    pub state: String,
}

/// The code in the body of a refusal: `{"error": "…"}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code(body.get("error")?.as_str()?).map(str::to_owned)
}
