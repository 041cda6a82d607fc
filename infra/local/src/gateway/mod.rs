//! API Gateway in front of the functions: the template's routes, real events and the gateway's limits.

mod event;
mod routes;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use cotejo::{common::raw_json::length, platform::Seams};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};

pub use routes::{Match, Routes};

use crate::functions::{Deployed, InvokeError};
use event::GatewayValues;

/// The longest body that API Gateway itself takes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The longest event that Lambda takes, as JSON. The body in it is an escaped text, or base64.
const EVENT_LIMIT: usize = 6 * 1024 * 1024;
/// The longest answer that Lambda gives, as JSON.
const ANSWER_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// How long API Gateway waits for a function.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Finds a function by its crate's name when a request arrives.
pub type Find = Arc<dyn Fn(&str) -> Result<Deployed, InvokeError> + Send + Sync>;

struct Gateway {
    routes: Routes,
    find: Find,
    seams: Seams,
}

/// The log target of requests; `--log` shows it.
pub const REQUESTS: &str = "cotejo_local::requests";

/// The gateway, to be served with the callers' addresses.
pub fn router(routes: Routes, find: Find, seams: Seams) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(Gateway { routes, find, seams }))
}

async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let request_id = gateway.seams.entropy.uuid().to_string();
    let began = gateway.seams.clock.now();
    let route = gateway.route_of(&request);
    let mut response = gateway.answer(request, &request_id).await;
    let ms = gateway.seams.clock.now().duration_since(began).as_millis();
    // A path may hold ids and numbers of persons, so only the route is logged.
    tracing::info!(target: REQUESTS, "{route} {} in {ms} ms", response.status().as_u16());
    if let Ok(id) = request_id.parse() {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Gateway {
    /// The route that a request takes, as the template names it.
    fn route_of(&self, request: &Request) -> String {
        let (method, path) = (request.method().as_str(), event::decoded_path(request.uri().path()));
        match self.routes.find(method, &path) {
            Some(found) if found.key != "$default" => found.key,
            _ if path == "/health" => format!("{method} /health"),
            _ => format!("{method} (no route)"),
        }
    }

    async fn answer(&self, request: Request, request_id: &str) -> Response {
        let caller = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
        let (parts, body) = request.into_parts();
        let path = event::decoded_path(parts.uri.path());
        let found = self.routes.find(parts.method.as_str(), &path);
        // The gateway's own health answer, unless the template has such a route.
        if path == "/health" && found.as_ref().is_none_or(|found| found.key == "$default") {
            return json_response(StatusCode::OK, &json!({"success": true, "result": {"status": "ok"}}));
        }
        let Some(found) = found else {
            return json_response(StatusCode::NOT_FOUND, &json!({"message": "Not Found"}));
        };
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return too_large(),
            // The caller closed the connection before the body was complete.
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        };
        self.invoke(&parts, &body, &found, request_id, caller.map_or_else(String::new, |ip| ip.to_string())).await
    }

    async fn invoke(
        &self,
        parts: &http::request::Parts,
        body: &Bytes,
        found: &Match,
        request_id: &str,
        source_ip: String,
    ) -> Response {
        let values = GatewayValues { request_id, now: self.seams.clock.now(), source_ip };
        let event = event::event(parts, body, found, &values);
        if length(&event) > EVENT_LIMIT {
            return too_large();
        }
        let function = match (self.find)(&found.function) {
            Ok(function) => function,
            Err(error) => return internal_error(&error),
        };
        // In a task of its own, since a function continues when its caller disconnects or the gateway times out.
        let call = tokio::spawn(async move { function.invoke(event).await });
        match tokio::time::timeout(TIMEOUT, call).await {
            Err(_) => json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({"message": "Service Unavailable"})),
            Ok(Err(error)) => internal_error(&error),
            Ok(Ok(Err(error))) => internal_error(&error),
            Ok(Ok(Ok(answer))) if length(&answer) > ANSWER_LIMIT => {
                internal_error(&"the answer is larger than Lambda gives")
            }
            Ok(Ok(Ok(answer))) => {
                event::response(answer).unwrap_or_else(|| internal_error(&"the answer is not in the gateway's format"))
            }
        }
    }
}

/// API Gateway's answer to a request that is too large for it or for Lambda.
fn too_large() -> Response {
    json_response(StatusCode::PAYLOAD_TOO_LARGE, &json!({"message": "Request Entity Too Large"}))
}

/// API Gateway's answer to a function error. The reason is only in the log.
fn internal_error(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "answered 500");
    json_response(StatusCode::INTERNAL_SERVER_ERROR, &json!({"message": "Internal Server Error"}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests;
