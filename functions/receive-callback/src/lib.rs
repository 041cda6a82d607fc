//! `POST /callbacks/{provider}/{token}`: stores a provider's callback and answers at once.

use cotejo::{
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope,
        response::{source, success},
    },
    lambda::HttpFunction,
    platform::config::IpNet,
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

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        let proxies = deployment.platform.config.trusted_proxies.clone();
        Self { gate: Gate::new(&deployment.platform), callbacks: ReceiveCallback::new(deployment), proxies }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Answers 200 if the callback is stored, or concerns a process that is not Cotejo's. After any other answer the provider
    /// sends it again.
    async fn route(&self, _scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        receive(self, request).await
    }
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
