//! What is recorded about persons: `/addresses`, `/contacts`, `/references`, `/employments`, `/bank-accounts`, `/financials`,
//! `/biometric-results`, and `/people/{id}/biometric-results`.

use cotejo::{
    api::{ApiError, Gate, RequestScope, page::MAX_PAGE_BYTES, response::success},
    people::{
        Family, Kind,
        families::{BIOMETRIC_RESULTS, FAMILIES},
        person::PEOPLE,
    },
    platform::Platform,
    workflow::{people::People, records::routes},
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    people: People,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), people: People::new(platform) }
    }
}

/// Whether records of a family belong to a person.
fn is_a_person_s(family: &Family) -> bool {
    family.owner.as_ref().is_some_and(|owner| owner.kind == Kind::Person)
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(&app.people, &visit, &request)).await
}

async fn route(people: &People, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::GET, ["people", id, "biometric-results"]) => {
            let caller = visit.caller(routes::scope(request)).await?;
            let id = routes::id(Kind::Person, id)?;
            people.records.get(&PEOPLE, &caller, id).await?;
            Ok(success(200, &people.records.owned(&BIOMETRIC_RESULTS, &caller, id, MAX_PAGE_BYTES).await?.data))
        }
        (_, [list, rest @ ..]) => {
            let is_list = |path: &str| path.strip_prefix('/') == Some(list);
            let family = FAMILIES.into_iter().find(|family| is_list(family.path) && is_a_person_s(family));
            routes::family(&people.records, family.ok_or_else(ApiError::no_route)?, visit, request, rest).await
        }
        _ => Err(ApiError::no_route()),
    }
}
