//! `POST /processes/{id}/decision`: a customer's reviewer decides what is in review. `POST /processes/{id}/redact`: removes
//! everything about the person. `PUT /processes/{id}/legal-hold`: keeps that from happening.

use cotejo::{
    api::{ApiError, Gate, RequestScope, Scope, body, response::success, view::ProcessView},
    platform::Platform,
    workflow::{decide::DecideProcess, redact::RedactProcess},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    decide: DecideProcess,
    redact: RedactProcess,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), decide: DecideProcess::new(platform), redact: RedactProcess::new(platform) }
    }
}

/// Answers 200 with the process as it stands afterwards.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(app, &visit, &request)).await
}

async fn route(app: &App, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let (id, scope, action) = match (request.method(), path.as_slice()) {
        (&Method::POST, ["processes", id, "decision"]) => (id, Scope::ProcessesDecide, Action::Decide),
        (&Method::POST, ["processes", id, "redact"]) => (id, Scope::ProcessesRedact, Action::Redact),
        (&Method::PUT, ["processes", id, "legal-hold"]) => (id, Scope::ProcessesRedact, Action::Hold),
        _ => return Err(ApiError::no_route()),
    };
    let caller = visit.caller(scope).await?;
    let id = visit.process(id)?;
    let process = match action {
        Action::Decide => app.decide.run(&caller, id, &body::json(request)?).await?,
        Action::Redact => app.redact.run(&caller, id).await?,
        Action::Hold => app.redact.hold(&caller, id, &body::json(request)?).await?,
    };
    Ok(success(200, &ProcessView::of(&process)))
}

/// What a route does.
enum Action {
    Decide,
    Redact,
    Hold,
}
