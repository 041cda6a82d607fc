//! `POST /callbacks/{provider}/{token}`: takes a provider's callback and answers at once.

use cotejo::{
    api::{
        ApiError, Gate,
        response::{source, success},
    },
    platform::{Platform, config::IpNet},
    workflow::callback::{self, ReceiveCallback, Received},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    callbacks: ReceiveCallback,
    proxies: Vec<IpNet>,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let proxies = platform.config.trusted_proxies.clone();
        Self { gate: Gate::new(platform), callbacks: ReceiveCallback::new(platform), proxies }
    }
}

/// Answers 200 where the callback is kept, or is about somebody else's process; anything else makes the provider send it
/// again.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    app.gate.visit(&request).answer(receive(app, &request)).await
}

async fn receive(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let (&Method::POST, ["callbacks", provider, token]) = (request.method(), path.as_slice()) else {
        return Err(ApiError::no_route());
    };
    let callback = callback::Request {
        provider,
        token,
        source: source(request, &app.proxies),
        headers: request.headers(),
        body: request.body().as_ref(),
    };
    let received = app.callbacks.run(&callback).await?;
    Ok(success(200, &json!({"kept": received == Received::Kept})))
}
