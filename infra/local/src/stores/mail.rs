//! Amazon SES, as far as Cotejo uses it (`SendEmail` of a simple text), and a service for text messages. A mailbox in memory
//! keeps all messages; `GET /mailbox` shows them.

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

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
}

/// A text message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sms {
    pub to: String,
    pub text: String,
}

/// All messages, oldest first.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Mutex<(Vec<Mail>, Vec<Sms>)>>);

impl Mailbox {
    /// The e-mails sent so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// The text messages sent so far.
    #[must_use]
    pub fn sms(&self) -> Vec<Sms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .route("/sms", post(text))
            .route("/mailbox", get(show))
            .with_state(self.clone())
    }
}

/// The part of SES's request that Cotejo sends.
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
