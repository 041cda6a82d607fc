//! `/temporary-people`: whoever may become a person, and becoming one.

use cotejo::{
    api::{ApiError, Gate, RequestScope, body, response},
    people::{Kind, person::PEOPLE, temporary::TEMPORARY_PEOPLE},
    platform::Platform,
    workflow::{
        records::{Records, routes},
        temporary_people,
    },
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    records: Records,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), records: Records::new(platform) }
    }
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(&app.records, &visit, &request)).await
}

async fn route(records: &Records, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::POST, ["temporary-people", id, "person"]) => {
            let caller = visit.caller(routes::scope(request)).await?;
            let id = routes::id(Kind::TemporaryPerson, id)?;
            let made = temporary_people::convert(records, &caller, id, &body::fields(request)?).await?;
            let location = format!("{}/{}", PEOPLE.path, made.record.id);
            Ok(response::created(201, &location, made.replayed, &records.view(&PEOPLE, &made.record)))
        }
        (_, ["temporary-people", rest @ ..]) => routes::family(records, &TEMPORARY_PEOPLE, visit, request, rest).await,
        _ => Err(ApiError::no_route()),
    }
}
