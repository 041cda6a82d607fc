//! Lambda, as far as Cotejo uses it: `Invoke` of a function of the template that nobody waits for. What is taken waits until
//! whoever runs the system runs it; a kill forgets it, as Lambda may.

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

use crate::{
    functions::{Deployed, InvokeError},
    runtime::Running,
};

/// Functions that are to be run, with their events, in the order in which they were started.
#[derive(Clone)]
pub struct Started {
    running: Running,
    waiting: Arc<Mutex<Vec<(Deployed, Value)>>>,
    news: Arc<Notify>,
}

impl Started {
    /// Nothing is started yet.
    #[must_use]
    pub(crate) fn of(running: Running) -> Self {
        Self { running, waiting: Arc::default(), news: Arc::default() }
    }

    /// What was started since the last call of this.
    pub fn take(&self) -> Vec<(Deployed, Value)> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once something was started, or was since the last call of this.
    pub async fn wait(&self) {
        self.news.notified().await;
    }

    /// The API.
    pub fn router(&self) -> Router {
        Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke)).with_state(self.clone())
    }
}

async fn invoke(
    State(started): State<Started>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    let Ok(event) = serde_json::from_slice(&event) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestContentException", "the event is no JSON");
    };
    if headers.get("x-amz-invocation-type").is_none_or(|kind| kind != "Event") {
        return refuse(StatusCode::BAD_REQUEST, "InvalidParameterValueException", "only Event is known locally");
    }
    match started.running.deployed(&name) {
        Ok(function) => {
            started.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((function, event));
            started.news.notify_one();
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
