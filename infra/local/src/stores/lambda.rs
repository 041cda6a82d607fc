//! Lambda, as far as Cotejo uses it: asynchronous `Invoke` of a function of the template. An accepted invocation waits in memory
//! until the system runs it; a kill loses it, as Lambda may.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::functions::{Deployed, InvokeError, RunningFunctions};

/// The accepted invocations that did not run yet, oldest first.
#[derive(Clone)]
pub struct Invocations {
    functions: RunningFunctions,
    queue: Arc<Mutex<Vec<(Deployed, Value)>>>,
    accepted: Arc<Notify>,
}

impl Invocations {
    #[must_use]
    pub(crate) fn new(functions: RunningFunctions) -> Self {
        Self { functions, queue: Arc::default(), accepted: Arc::default() }
    }

    /// Takes all invocations out of the queue.
    pub fn take(&self) -> Vec<(Deployed, Value)> {
        std::mem::take(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns as soon as an invocation was accepted since the last call.
    pub async fn wait(&self) {
        self.accepted.notified().await;
    }

    pub fn router(&self) -> Router {
        Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke)).with_state(self.clone())
    }
}

async fn invoke(
    State(invocations): State<Invocations>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    let Ok(event) = serde_json::from_slice(&event) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestContentException", "the event is not JSON");
    };
    if headers.get("x-amz-invocation-type").is_none_or(|kind| kind != "Event") {
        return refuse(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            "only the invocation type Event works locally",
        );
    }
    match invocations.functions.deployed(&name) {
        Ok(function) => {
            invocations.queue.lock().unwrap_or_else(PoisonError::into_inner).push((function, event));
            invocations.accepted.notify_one();
            StatusCode::ACCEPTED.into_response()
        }
        Err(InvokeError::Unknown(_)) => {
            refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException", "there is no such function")
        }
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", &error.to_string()),
    }
}

fn refuse(status: StatusCode, code: &'static str, message: &str) -> Response {
    let kind = [(HeaderName::from_static("x-amzn-errortype"), code)];
    (status, kind, Json(json!({"Type": "User", "Message": message}))).into_response()
}
