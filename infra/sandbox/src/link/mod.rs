//! LINK Mobility's KYC: tokens, ping, verify (by machine and by hand), certificates and both callbacks, at `/link/…`.
//!
//! Sources: seed `003_b45868d8aecc53ac.txt`, and the part on LINK of `PROVIDERS.md` (the engine's field codes). Where the
//! seed contradicts itself, the examples count; that callbacks are tried again as at Auco is an assumption.
//!
//! `order` reads a request to verify, `script` is what its picture says, `request` is what becomes of it; `fields` are
//! `order` reads a request to verify, `script` reads its picture's script, `request` is its state. `fields` are the
//! machine's findings, `review` the findings of the review by hand, `pdf` draws the certificate. `token`, `verify` and
//! `certificate` are the calls.

mod certificate;
mod fields;
mod order;
mod pdf;
pub(crate) mod picture;
pub(crate) mod request;
mod review;
mod script;
mod token;
pub(crate) mod tokens;
mod verify;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::answers::{Refused, fault};
use crate::dice::Dice;
use crate::faults::{Call, FaultKind};
use crate::sandbox::Sandbox;

use request::Request;

/// The largest body: three pictures of eight megabytes in base64. What LINK itself takes is not known.
const MOST_BYTES: usize = 32 << 20;

pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/link/auth/token", post(token::token))
        .route("/link/ping", post(ping).get(ping))
        .route("/link/identity/verify", post(verify::verify).layer(DefaultBodyLimit::max(MOST_BYTES)))
        .route("/link/certificate/{id}", get(certificate::certificate))
}

/// The certificate of a request, once it is made.
pub(crate) fn certificate_of(request: &Request) -> Option<Bytes> {
    request.is_certified().then(|| pdf::certificate(&request.order.id))
}

/// Answers that the service is available.
async fn ping(State(sandbox): State<Sandbox>) -> Result<Response, Refused> {
    let now = sandbox.now();
    let chance = {
        let mut state = sandbox.state();
        state.calls.pings += 1;
        let call = format!("link ping {}", state.calls.pings);
        state.faults.roll(sandbox.inner.dice, Call::Query, &call).map(|kind| (kind, call))
    };
    if let Some(answer) = chance.and_then(|(kind, call)| by_chance(kind, sandbox.inner.dice, &call, "")) {
        return Err(answer.into());
    }
    let date = now.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string();
    Ok(Json(json!({ "service": "KYC API", "status": "ok", "date": date })).into_response())
}

/// The token of a call, if it is valid.
fn bearer(sandbox: &Sandbox, headers: &HeaderMap) -> Result<String, Refused> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match header.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && token::is_good(sandbox.inner.dice, token, sandbox.now()) =>
        {
            Ok(token.to_owned())
        }
        _ => Err(unauthorized()),
    }
}

/// 401 without a body.
fn unauthorized() -> Refused {
    StatusCode::UNAUTHORIZED.into_response().into()
}

/// An error of a request to verify.
fn refusal(status: StatusCode, id: &str, code: &str, message: &str) -> Response {
    (status, Json(json!({ "id": id, "code": code, "message": message }))).into_response()
}

/// A validation error, in LINK's words.
fn invalid(id: &str, why: &str) -> Response {
    refusal(StatusCode::BAD_REQUEST, id, "003", &format!("Validation Error: {why}"))
}

/// LINK's error for an unknown reason.
fn unknown_error(id: &str) -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, id, "001", "Unknown Error: Error processing request")
}

/// The answer of a fault that stops a call before it does anything, in LINK's form where that is known.
fn by_chance(kind: FaultKind, dice: Dice, label: &str, id: &str) -> Option<Response> {
    match kind {
        FaultKind::ServerError if dice.coin(&format!("500 or 503 {label}")) => Some(unknown_error(id)),
        FaultKind::ServerError => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        _ => fault(kind, dice, label),
    }
}
