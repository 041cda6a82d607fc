//! `/nationalities`, `/states`, `/marital-statuses`, `/person-relations`: lists that are the same for everybody.

use cotejo::{
    api::{ApiError, Gate, Scope, Visit, response::success},
    people::lists::{self, Name},
    platform::Platform,
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform) }
    }
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(&visit, &request)).await
}

async fn route(visit: &Visit<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    visit.caller(Scope::PeopleRead).await?;
    match Name::ALL.into_iter().find(|list| list.path() == request.raw_http_path()) {
        Some(list) if request.method() == Method::GET => Ok(success(200, &lists::all(list))),
        _ => Err(ApiError::no_route()),
    }
}
