//! Amazon SES, as far as Cotejo uses it: `SendEmail` of a simple text; and a service that sends text messages. What is sent
//! stays in a mailbox in memory, which `GET /mailbox` shows.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// A message to a phone that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sms {
    /// To which phone.
    pub to: String,
    /// Its text.
    pub text: String,
}

/// Everything that was sent, the oldest first.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<(Vec<Mail>, Vec<Sms>)>>);

impl Mailbox {
    /// What was sent so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// What was sent to phones so far.
    #[must_use]
    pub fn sms(&self) -> Vec<Sms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The API.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .route("/sms", post(text))
            .route("/mailbox", get(show))
            .with_state(self.clone())
    }
}

/// The part of SES's request that we send.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    from_email_address: String,
    destination: Destination,
    content: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

async fn send(State(mailbox): State<Mailbox>, Json(request): Json<Request>) -> Response {
    let text = |pointer: &str| request.content.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let (Some(subject), Some(text)) = (text("/Simple/Subject/Data"), text("/Simple/Body/Text/Data")) else {
        let refusal = json!({"message": "Content has no simple text, which is all that is known locally."});
        let kind = [(header::HeaderName::from_static("x-amzn-errortype"), "BadRequestException")];
        return (StatusCode::BAD_REQUEST, kind, Json(refusal)).into_response();
    };
    let mails = &mut mailbox.0.lock().unwrap_or_else(PoisonError::into_inner).0;
    mails.push(Mail { from: request.from_email_address, to: request.destination.to_addresses, subject, text });
    Json(json!({"MessageId": format!("local-{}", mails.len())})).into_response()
}

async fn text(State(mailbox): State<Mailbox>, Json(sms): Json<Sms>) -> StatusCode {
    mailbox.0.lock().unwrap_or_else(PoisonError::into_inner).1.push(sms);
    StatusCode::ACCEPTED
}

async fn show(State(mailbox): State<Mailbox>) -> Json<Value> {
    Json(json!({"mails": mailbox.mails(), "sms": mailbox.sms()}))
}
