//! Auco's "AucoFace": create and query at `/auco/v1.5/ext/veriface`, pictures at `/auco/files/…`, webhooks.
//!
//! Sources: seed `004_71dfcc1ae7a32405.txt` (create), seed `001_2c6c5cd1839b43f7.txt` (query), and the part on Auco of
//! `PROVIDERS.md` (keys, webhooks, newer spellings). `order` reads a create request, `process` is what becomes of it,
//! `events` are the webhooks it causes; `create`, `query` and `files` are the three calls.

mod create;
mod events;
mod files;
mod order;
pub(crate) mod process;
mod query;
mod script;

use axum::Router;
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode, header};

use crate::answers::{Refused, message};
use crate::sandbox::Sandbox;

pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/auco/v1.5/ext/veriface", post(create::create).get(query::query))
        .route("/auco/files/{code}/{attempt}/{file}", get(files::download))
}

/// The key stands in the header as it is, without `Bearer`; the other kind of key is as wrong as none.
fn authorize(headers: &HeaderMap, key: &str) -> Result<(), Refused> {
    match headers.get(header::AUTHORIZATION) {
        Some(given) if given.as_bytes() == key.as_bytes() => Ok(()),
        _ => Err(message(StatusCode::UNAUTHORIZED, "UNAUTHORIZED").into()),
    }
}
