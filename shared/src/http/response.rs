//! The envelope: `{"success":true,"result":…}` and `{"success":false,"code":…}` (seed `002_62dc5acb5b5aea27`).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use lambda_http::{
    Body, Request, RequestExt as _, Response,
    http::{HeaderValue, StatusCode},
    request::RequestContext,
};
use serde::Serialize;
use serde_json::json;

use super::ApiError;

/// A success with a result.
pub fn success(status: u16, result: &impl Serialize) -> Response<Body> {
    #[derive(Serialize)]
    struct Success<'a, T> {
        success: bool,
        result: &'a T,
    }
    // Serialised directly: a `Value` would round long numbers.
    let body = serde_json::to_string(&Success { success: true, result });
    body.map_or_else(|_| failure(&ApiError::internal(), ""), |body| respond(status, body))
}

/// The response to a creation at `location`. `replayed` if an earlier request created it.
pub fn created(status: u16, location: &str, replayed: bool, result: &impl Serialize) -> Response<Body> {
    let mut response = success(status, result);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert("location", location);
    }
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// A response without a body.
#[must_use]
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A redirect (303) to `url`.
///
/// # Errors
/// 500 if `url` is not a valid header value.
pub fn see_other(url: &str, result: &impl Serialize) -> Result<Response<Body>, ApiError> {
    let mut response = success(303, result);
    response.headers_mut().insert("location", url.parse().map_err(|_| ApiError::internal())?);
    Ok(response)
}

/// An error response. Customers quote `request_id` when they ask about it.
#[must_use]
pub fn failure(error: &ApiError, request_id: &str) -> Response<Body> {
    let mut body = json!({
        "success": false,
        "code": error.status(),
        "error": error.message,
        "error_code": error.code.as_str(),
        "request_id": request_id,
    });
    if !error.fields.is_empty() {
        body["fields"] = json!(error.fields);
    }
    if let Some(process) = error.process {
        body["process_id"] = json!(process);
    }
    let mut response = respond(error.status(), body.to_string());
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

/// The client address of a request: the address that API Gateway saw, or, if that is one of the `proxies`, the address in
/// `X-Forwarded-For`. Each proxy appends the address of its own client, so the last address that is not a proxy counts. The
/// addresses before it prove nothing.
#[must_use]
pub fn source(request: &Request, proxies: &[IpNet]) -> Option<IpAddr> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else { return None };
    let is_proxy = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let connected: IpAddr = context.http.source_ip.as_deref()?.parse().ok()?;
    if !is_proxy(&connected) {
        return Some(connected);
    }
    let told: Vec<&str> = request.headers().get_all("x-forwarded-for").iter().flat_map(|line| line.to_str()).collect();
    for address in told.iter().flat_map(|line| line.split(',')).rev() {
        // An invalid entry is not an address, and a client may invent the entries before it.
        let address = address.trim();
        let address = address.parse().or_else(|_| address.parse().map(|socket: SocketAddr| socket.ip())).ok()?;
        if !is_proxy(&address) {
            return Some(address);
        }
    }
    Some(connected)
}

#[expect(clippy::expect_used, reason = "a status of ours and a text always make a response")]
fn respond(status: u16, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(Body::Text(body))
        .expect("the parts are valid")
}
