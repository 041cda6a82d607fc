//! `POST /processes/{id}/decision`: a customer's reviewer decides a process in review. `POST /processes/{id}/redact`: deletes
//! the person's data. `PUT /processes/{id}/legal-hold`: prevents the redaction.

use cotejo::{
    common::Scope,
    deployment::Deployment,
    http::{ApiError, Gate, RequestScope, body, response::success, view::ProcessView},
    lambda::HttpFunction,
    workflow::{decide::DecideProcess, redact::RedactProcess},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    decide: DecideProcess,
    redact: RedactProcess,
}

impl HttpFunction for App {
    const NEEDS_KEYS: bool = false;

    fn new(deployment: &Deployment) -> Self {
        Self {
            gate: Gate::new(&deployment.platform),
            decide: DecideProcess::new(deployment),
            redact: RedactProcess::new(deployment),
        }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Answers 200 with the process as it stands afterwards.
    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(self, scope, request).await
    }
}

async fn route(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let (id, needed, action) = match (request.method(), path.as_slice()) {
        (&Method::POST, ["processes", id, "decision"]) => (id, Scope::ProcessesDecide, Action::Decide),
        (&Method::POST, ["processes", id, "redact"]) => (id, Scope::ProcessesRedact, Action::Redact),
        (&Method::PUT, ["processes", id, "legal-hold"]) => (id, Scope::ProcessesRedact, Action::Hold),
        _ => return Err(ApiError::no_route()),
    };
    let caller = scope.caller(needed).await?;
    let id = scope.process(id)?;
    let process = match action {
        Action::Decide => app.decide.run(&caller, id, &body::json(request)?).await?,
        Action::Redact => app.redact.run(&caller, id).await?,
        Action::Hold => app.redact.hold(&caller, id, &body::json(request)?).await?,
    };
    Ok(success(200, &ProcessView::of(&process)))
}

enum Action {
    Decide,
    Redact,
    Hold,
}
