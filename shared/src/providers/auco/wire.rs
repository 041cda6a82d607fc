//! Auco's JSON, read field by field: one that is missing, empty or of another type affects nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::options::Platform;
use crate::{
    process::ProcessId,
    providers::{
        repair::mended,
        wire::{Document, Place, code, code_in},
    },
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

/// The code of the created process. The rest of the answer is not needed.
pub(super) fn created_code(body: &[u8]) -> Option<String> {
    Document::read(body).ok()?.root().field("code").code()
}

/// Answer of `GET /veriface` (seed `001_…`).
pub(super) struct Veriface {
    /// A state, in the case the documentation uses; empty where one is there and could not be read.
    pub status: String,
    pub identification_type: Option<String>,
    /// In order, including those that could not be read.
    pub attempts: Vec<Attempt>,
    pub ocr_data: Read,
    /// The fields that could not be read.
    pub unread: Vec<String>,
}

/// The data extracted from a document, by Auco's names.
pub(super) type Read = BTreeMap<String, String>;

/// One attempt of the person.
#[derive(Default)]
pub(super) struct Attempt {
    /// Whether it could be read at all.
    pub is_read: bool,
    /// Links to its pictures with their positions, since there may be several of a kind.
    pub identification_card_front: Vec<(usize, String)>,
    pub identification_card_back: Vec<(usize, String)>,
    pub photo: Vec<(usize, String)>,
    /// Percent, 0 to 100 (the webhook's is 0 to 1).
    pub similarity: Option<f64>,
    pub identification_card_data: Read,
    pub date: Option<Timestamp>,
    pub successful: Option<bool>,
    pub error_messages: Vec<ErrorMessage>,
}

pub(super) struct ErrorMessage {
    pub key: Option<String>,
    pub error: Option<String>,
}

/// The fields of an attempt (seed `001_…`, "Información de intentos"), the flag in both spellings that are seen.
const FRONT: &str = "identificationCardFront";
const BACK: &str = "identificationCardBack";
const PHOTO: &str = "photo";
/// The most attempts of one answer that are read.
const MAX_ATTEMPTS: usize = 60;

/// Reads an answer; `None` where it has no status.
pub(super) fn veriface(body: &[u8]) -> Option<Veriface> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    let status = root.field("status");
    if !root.is_map() || !status.is_there() {
        return None;
    }
    let attempts = root.field("attempts");
    let items = attempts.items();
    if items.len() > MAX_ATTEMPTS {
        attempts.note();
    }
    Some(Veriface {
        status: status.code().unwrap_or_default().to_ascii_uppercase(),
        identification_type: root.field("identificationType").text(),
        attempts: items.iter().take(MAX_ATTEMPTS).map(attempt).collect(),
        ocr_data: read(&root.field("ocrData")),
        unread: document.unread(),
    })
}

fn attempt(attempt: &Place<'_>) -> Attempt {
    attempt.note_links_beside(&[FRONT, BACK, PHOTO]);
    let similarity = attempt.field("similarity");
    Attempt {
        is_read: attempt.is_map(),
        identification_card_front: attempt.field(FRONT).links(),
        identification_card_back: attempt.field(BACK).links(),
        photo: attempt.field(PHOTO).links(),
        similarity: similarity.number().filter(|percent| {
            let is_percent = (0.0..=100.0).contains(percent);
            if !is_percent {
                similarity.note();
            }
            is_percent
        }),
        identification_card_data: read(&attempt.field("identificationCardData")),
        date: attempt.field("date").moment(),
        successful: attempt.any_of(&["successfull", "successful"]).flag(),
        error_messages: attempt.field("errorMessages").items().iter().map(error_message).collect(),
    }
}

/// A message that is only a text is an error.
fn error_message(message: &Place<'_>) -> ErrorMessage {
    match message.is_map() {
        true => ErrorMessage { key: message.field("key").text(), error: message.field("error").text() },
        false => ErrorMessage { key: None, error: message.text() },
    }
}

fn read(data: &Place<'_>) -> Read {
    data.entries().into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.text()?))).collect()
}

/// Body of a webhook.
pub(super) struct Webhook {
    pub code: String,
    pub status: String,
    /// Our own id, where `custom` comes back: as an object, or as a list that holds it.
    pub process_id: Option<ProcessId>,
    /// The reason, where it is a code, spelled as in the query.
    pub reason: Option<String>,
    /// Whether there is a reason, a code or not.
    pub says_why: bool,
}

/// Reads a webhook.
pub(super) fn webhook(body: &[u8]) -> Result<Webhook, &'static str> {
    let body = mended(body);
    let document = Document::read(&body).map_err(|_| "code and status are needed")?;
    let root = document.root();
    let message = root.field("message").text();
    let text = |name| root.field(name).text().ok_or("code and status are needed");
    let is_code = |text: &str| code(text).map(str::to_owned);
    let (reference, status) = (text("code")?, text("status")?);
    Ok(Webhook {
        code: is_code(&reference).ok_or("code is not a code")?,
        status: is_code(&status).ok_or("status is not a code")?.to_ascii_uppercase(),
        process_id: root.field("custom").field("cotejo_id").text().and_then(|id| id.parse().ok()),
        reason: message.as_deref().and_then(reason),
        says_why: message.is_some_and(|message| !message.trim().is_empty()),
    })
}

/// An upper-case code of several words. A single word may be a reviewer's text, or a name.
fn reason(message: &str) -> Option<String> {
    let code = code(message)?;
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_reason = code.starts_with(|first: char| first.is_ascii_uppercase()) && code.contains('_');
    (is_reason && code.bytes().all(is_code)).then(|| code.to_ascii_lowercase())
}

/// The code in the body of a refusal: `{"message": "EXPIRED_DATE_INVALID"}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code_in(&body, &["message", "code", "error"])
}
