//! Controls for people who use the sandbox by hand. They need no key: every client that reaches the port may use them.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::answers::{Refused, message};
use crate::auco::process::{AucoProcessView, ForcedStatus, StepRefused};
use crate::faults::Faults;
use crate::ids::Id;
use crate::link::picture::LinkPicture;
use crate::link::request::LinkView;
use crate::sandbox::Sandbox;
use crate::tecalis::authorization::TecalisView;

pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/_sandbox/faults", post(faults))
        .route("/_sandbox/auco/processes", get(processes))
        .route("/_sandbox/auco/{code}/act", post(act))
        .route("/_sandbox/link/picture", get(link_picture))
        .route("/_sandbox/link/requests", get(link_requests))
        .route("/_sandbox/tecalis/authorizations", post(authorize).get(authorizations))
}

async fn faults(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Json<Faults>, Refused> {
    let faults: Faults = serde_json::from_slice(&body).map_err(bad_request)?;
    sandbox.set_faults(faults.clone());
    Ok(Json(faults))
}

async fn processes(State(sandbox): State<Sandbox>) -> Json<Vec<AucoProcessView>> {
    Json(sandbox.auco_processes())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    status: Option<ForcedStatus>,
}

/// The state changes now; webhooks leave with the next tick.
async fn act(State(sandbox): State<Sandbox>, Path(code): Path<String>, body: Bytes) -> Result<Response, Refused> {
    let wanted: Act =
        if body.is_empty() { Act::default() } else { serde_json::from_slice(&body).map_err(bad_request)? };
    let now = sandbox.now();
    let mut state = sandbox.state();
    let Some(process) = state.auco.get_mut(&code) else {
        return Err(message(StatusCode::NOT_FOUND, "there is no such process").into());
    };
    process
        .force(wanted.status, now, sandbox.inner.dice)
        .map_err(|StepRefused(why)| message(StatusCode::CONFLICT, why))?;
    let view = process.view();
    state.save_or_warn(&Id::Auco(code));
    Ok(Json(view).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedPicture {
    kind: LinkPicture,
    #[serde(default)]
    script: String,
}

async fn link_picture(
    State(sandbox): State<Sandbox>,
    Query(wanted): Query<WantedPicture>,
) -> Result<Response, Refused> {
    let picture = sandbox.link_picture(wanted.kind, &wanted.script);
    let picture = picture.map_err(|error| message(StatusCode::BAD_REQUEST, &error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], picture).into_response())
}

async fn link_requests(State(sandbox): State<Sandbox>) -> Json<Vec<LinkView>> {
    Json(sandbox.link_requests())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Authorize {
    script: String,
}

/// What Tecalis's own API for it would answer is not documented; this is the sandbox's.
async fn authorize(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, Refused> {
    let order: Authorize =
        if body.is_empty() { Authorize::default() } else { serde_json::from_slice(&body).map_err(bad_request)? };
    let uuid = sandbox.tecalis_authorize(&order.script);
    let uuid = uuid.map_err(|error| message(StatusCode::BAD_REQUEST, &error.to_string()))?;
    Ok(Json(json!({ "auth_uuid": uuid })).into_response())
}

async fn authorizations(State(sandbox): State<Sandbox>) -> Json<Vec<TecalisView>> {
    Json(sandbox.tecalis_authorizations())
}

fn bad_request(error: serde_json::Error) -> Response {
    message(StatusCode::BAD_REQUEST, &error.to_string())
}
