//! Auco's JSON. Everything that is not needed to know the state is optional: a field that is missing, empty or of
//! another form must not cost the answer.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::options::Platform;
use crate::{
    process::ProcessId,
    providers::wire::{code, lenient},
};

/// Body of `POST /veriface` (seed `004_…`).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creation<'a> {
    pub email: &'a str,
    pub platform: Platform,
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
    pub country: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub identification: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_email: Option<&'a str>,
    pub custom: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_date: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_webhooks: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub tags: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub validation_types: Vec<String>,
}

/// Answer to it.
#[derive(Deserialize)]
pub(super) struct Created {
    pub code: String,
}

/// Answer of `GET /veriface` (seed `001_…`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Veriface {
    #[serde(deserialize_with = "state")]
    pub status: String,
    #[serde(default, deserialize_with = "lenient")]
    pub identification_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub attempts: Vec<Attempt>,
    #[serde(default, deserialize_with = "lenient")]
    pub ocr_data: Map<String, Value>,
}

/// One attempt of the person.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Attempt {
    #[serde(deserialize_with = "lenient")]
    pub identification_card_front: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub identification_card_back: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub photo: Option<String>,
    /// Percent, 0 to 100 (the webhook's is 0 to 1).
    #[serde(deserialize_with = "lenient")]
    pub similarity: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub identification_card_data: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub date: Option<Timestamp>,
    /// Both spellings are seen.
    #[serde(alias = "successful", deserialize_with = "lenient")]
    pub successfull: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    pub error_messages: Vec<ErrorMessage>,
}

/// Why an attempt failed.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ErrorMessage {
    #[serde(deserialize_with = "lenient")]
    pub key: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub error: Option<String>,
}

/// Body of a webhook.
#[derive(Deserialize)]
pub(super) struct Webhook {
    pub code: String,
    #[serde(deserialize_with = "state")]
    pub status: String,
    #[serde(default)]
    custom: Value,
}

impl Webhook {
    /// Our own id, where `custom` comes back: as an object, or as a list that holds it.
    pub(super) fn process_id(&self) -> Option<ProcessId> {
        let find = |value: &Value| value.get("cotejo_id")?.as_str()?.parse().ok();
        match &self.custom {
            Value::Array(items) => items.iter().find_map(find),
            other => find(other),
        }
    }
}

/// The code in the body of a refusal: `{"message": "EXPIRED_DATE_INVALID"}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code(body.get("message")?.as_str()?).map(str::to_owned)
}

/// A state, without the blanks and in the case the documentation uses.
fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().to_ascii_uppercase())
}
