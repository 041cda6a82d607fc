//! The envelope: `{"success":true,"result":…}` and `{"success":false,"code":…}` (seed `002_62dc5acb5b5aea27`).

use std::net::IpAddr;

use lambda_http::{Body, Request, RequestExt as _, Response, request::RequestContext};
use serde::Serialize;
use serde_json::json;

use super::ApiError;

/// A success with a result.
pub fn success(status: u16, result: &impl Serialize) -> Response<Body> {
    respond(status, &json!({"success": true, "result": result}))
}

/// A success that leads to `url`.
///
/// # Errors
/// 500 where `url` cannot stand in a header.
pub fn see_other(url: &str, result: &impl Serialize) -> Result<Response<Body>, ApiError> {
    let mut response = success(303, result);
    response.headers_mut().insert("location", url.parse().map_err(|_| ApiError::internal())?);
    Ok(response)
}

/// A failure. `request_id` is what a customer tells us when asking about it.
#[must_use]
pub fn failure(error: &ApiError, request_id: &str) -> Response<Body> {
    let mut body = json!({
        "success": false,
        "code": error.status,
        "error": error.message,
        "error_code": error.error_code,
        "request_id": request_id,
    });
    if !error.fields.is_empty() {
        body["fields"] = json!(error.fields);
    }
    let mut response = respond(error.status, &body);
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

/// The address a request came from, as API Gateway saw it.
#[must_use]
pub fn source(request: &Request) -> Option<IpAddr> {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

#[expect(clippy::expect_used, reason = "a status of ours and a JSON value always make a response")]
fn respond(status: u16, body: &serde_json::Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(Body::Text(body.to_string()))
        .expect("the parts are valid")
}
