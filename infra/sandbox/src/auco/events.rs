//! Auco's webhooks. None says that a process continues or has expired.
//!
//! Its language is not the query's: similarity is 0–1, error codes are in upper case, a reviewer's acceptance is called
//! VALIDATED, and `finish` is true even for BLOCKED, although a decision may follow.

use serde_json::{Map, Value, json};

use super::process::Process;
use crate::dice::Dice;

/// A state change worth telling.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    Approved,
    Blocked,
    Validated,
    Invalidated,
}

impl Event {
    /// The body. Half of the processes show their similarity.
    pub fn body(self, process: &Process, dice: Dice) -> Value {
        let last = process.attempts.last();
        let flaw = last.and_then(|attempt| attempt.flaw).map(|flaw| flaw.key_and_error().1.to_uppercase());
        let (status, message) = match self {
            Event::Approved => ("APPROVED", "PROCESS_APPROVED".to_owned()),
            Event::Blocked => ("BLOCKED", flaw.unwrap_or_default()),
            Event::Validated => ("VALIDATED", "MANUALLY_VALIDATED".to_owned()),
            Event::Invalidated if process.reviewer.is_some() => ("INVALIDATED", "MANUALLY_INVALIDATED".to_owned()),
            Event::Invalidated => ("INVALIDATED", flaw.unwrap_or_default()),
        };
        let mut body = Map::new();
        body.insert("code".to_owned(), process.code.clone().into());
        body.insert("type".to_owned(), "veriface".into());
        body.insert("finish".to_owned(), true.into());
        body.insert("status".to_owned(), status.into());
        body.insert("message".to_owned(), message.into());
        body.insert("data".to_owned(), json!({ "name": process.order.name, "documentName": process.order.document }));
        if let Some(attempt) = last.filter(|_| dice.coin(&format!("webhook similarity {}", process.code))) {
            body.insert("similarity".to_owned(), (attempt.similarity / 100.0).into());
        }
        if let Some(custom) = process.order.custom.clone().filter(|_| !process.script.no_custom) {
            body.insert("custom".to_owned(), custom.into());
        }
        if let Some(tags) = process.order.tags.clone() {
            body.insert("tags".to_owned(), tags.into());
        }
        Value::Object(body)
    }
}
