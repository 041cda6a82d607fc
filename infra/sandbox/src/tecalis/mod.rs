//! Tecalis: `/tecalis/customer`, and pictures and a video at `/tecalis/files/…`.
//!
//! Source: seed `000_ed50bf7531232d3b.txt`, and the part on Tecalis of `PROVIDERS.md` (operations and states, operations
//! as a list, the override by hand). `authorization` is one of them and what becomes of it; `customer` and `files` are
//! the calls.

pub(crate) mod authorization;
mod customer;
mod files;
mod script;

use axum::Router;
use axum::routing::{get, post};

use crate::errors::TecalisError;
use crate::ids::Id;
use crate::sandbox::Sandbox;
use authorization::Authorization;

pub(crate) fn router() -> Router<Sandbox> {
    Router::new()
        .route("/tecalis/customer", post(customer::customer))
        .route("/tecalis/files/{uuid}/video.mp4", get(files::download_video))
        .route("/tecalis/files/{uuid}/{operation}/{kind}/{file}", get(files::download))
}

/// Creates an authorization, and saves it before its UUID is given out.
pub(crate) fn authorize(sandbox: &Sandbox, script: &str) -> Result<String, TecalisError> {
    let script = script::Script::parse(script).map_err(TecalisError::UnknownWord)?;
    let now = sandbox.now();
    let mut state = sandbox.state();
    let serial = state.tecalis.len() as u64;
    let uuid = sandbox.inner.dice.uuid(&format!("tecalis authorization {serial}"));
    let authorization = Authorization::new(serial, uuid.clone(), script, now, &sandbox.inner.times, sandbox.inner.dice);
    state.tecalis.insert(uuid.clone(), authorization);
    if let Err(error) = state.save(&Id::Tecalis(uuid.clone())) {
        state.tecalis.remove(&uuid);
        return Err(error.into());
    }
    Ok(uuid)
}
