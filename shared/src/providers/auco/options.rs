//! The options that only Auco has, and everything that can be validated before Auco is called.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::AucoAccount;
use crate::{common::FieldError, process::ProcessRequest, providers::contact};

/// Auco refuses a deadline that is not more than this far ahead (seed `004_…`, `expiredDate`).
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// `options` of a process at Auco.
#[derive(Debug, Deserialize)]
pub(super) struct AucoOptions {
    /// Where the person is verified.
    pub platform: Platform,
    /// E-mail of the Auco user who creates the process; the account's own where absent.
    pub email: Option<String>,
    /// Data that Auco's webhooks repeat.
    #[serde(default)]
    pub custom: Map<String, Value>,
    /// Ids of further webhooks at Auco.
    #[serde(default)]
    pub target_webhooks: Vec<String>,
    /// What to validate (web only).
    #[serde(default)]
    pub validation_types: Vec<String>,
}

/// Where the person is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Platform {
    /// By WhatsApp message.
    Whatsapp,
    /// In the customer's own page.
    Web,
}

/// Reads the options.
pub(super) fn read(options: &Value) -> Result<AucoOptions, FieldError> {
    crate::common::shape::shape(options, "options")
}

/// Validates a request for Auco.
pub(super) fn check(request: &ProcessRequest, account: &AucoAccount, now: Timestamp) -> Vec<FieldError> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: &str| problems.push(FieldError::new(field, message));
    let options = read(request.options.expose());
    if let Ok(options) = &options {
        match &options.email {
            Some(email) if !contact::is_email(email) => wrong("options.email", "must be an e-mail address"),
            None if account.creator_email.is_none() => wrong("options.email", "is required"),
            _ => {}
        }
        if options.custom.contains_key("cotejo_id") {
            wrong("options.custom.cotejo_id", "is reserved");
        }
        if !options.target_webhooks.is_empty() && account.webhook_id.is_none() {
            wrong("options.target_webhooks", "needs the id of our own webhook in the account");
        }
        if options.platform == Platform::Whatsapp && request.person.phone.is_none() {
            wrong("person.phone", "is required for platform whatsapp");
        }
        if options.platform != Platform::Web && !options.validation_types.is_empty() {
            wrong("options.validation_types", "is for platform web only");
        }
    }
    if let Some(documents) = &account.documents {
        match documents.get(&request.document.country) {
            None => wrong("document.country", "is not among the account's countries"),
            Some(kinds) if !kinds.contains(&request.document.kind) => {
                wrong("document.type", "is not among the account's documents of this country");
            }
            Some(_) => {}
        }
    }
    if request.expires_at.is_some_and(|end| end <= now + SHORTEST_LIFE) {
        wrong("expires_at", "must be more than 3 days ahead");
    }
    problems.extend(contact::check_contact(&request.person));
    problems.extend(options.err());
    problems
}
