//! Answers that several calls share: errors in JSON, a bucket's errors in XML, and the answers of faults.

use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;

use crate::dice::Dice;
use crate::faults::FaultKind;

/// An answer that ends the call, so that handlers can use `?`. Boxed because answers are large.
pub(crate) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(answer: Response) -> Refused {
        Refused(Box::new(answer))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// `{"message": …}`, Auco's form of an error.
pub(crate) fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "message": text }))).into_response()
}

/// The answer of an overloaded service.
pub(crate) fn unavailable() -> Response {
    message(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
}

/// A bucket's error.
pub(crate) fn xml(status: StatusCode, code: &str, text: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

/// An HTML page instead of the expected answer.
pub(crate) fn page() -> Html<&'static str> {
    Html(
        "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>We will be right back</h1></body></html>\n",
    )
}

/// The answer of a fault that stops a JSON call before it does anything; `None` for the other kinds.
pub(crate) fn fault(kind: FaultKind, dice: Dice, label: &str) -> Option<Response> {
    match kind {
        FaultKind::ServerError if dice.coin(&format!("500 or 503 {label}")) => {
            Some(message(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR"))
        }
        FaultKind::ServerError => Some(unavailable()),
        FaultKind::RateLimited => {
            let answer = message(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS");
            Some(([(header::RETRY_AFTER, "2")], answer).into_response())
        }
        FaultKind::NotJson => Some(page().into_response()),
        _ => None,
    }
}
