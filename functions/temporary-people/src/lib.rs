//! `/temporary-people`: people before their registration, and their conversion into persons.

use cotejo::{
    deployment::Deployment,
    http::{ApiError, Gate, RequestScope, body, response, routes},
    lambda::HttpFunction,
    people::{
        Kind,
        families::{PEOPLE, TEMPORARY_PEOPLE},
    },
    workflow::{records::Records, temporary_people},
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    records: Records,
}

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        Self { gate: Gate::new(&deployment.platform), records: Records::new(deployment) }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(&self.records, scope, request).await
    }
}

async fn route(records: &Records, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::POST, ["temporary-people", id, "person"]) => {
            let caller = scope.caller(routes::scope_of(request)).await?;
            let id = routes::id(Kind::TemporaryPerson, id)?;
            let made = temporary_people::convert(records, &caller, id, &body::fields(request)?).await?;
            let location = format!("{}/{}", PEOPLE.path, made.record.id);
            Ok(response::created(201, &location, made.replayed, &records.view(&PEOPLE, &made.record)))
        }
        (_, ["temporary-people", rest @ ..]) => routes::family(records, &TEMPORARY_PEOPLE, scope, request, rest).await,
        _ => Err(ApiError::no_route()),
    }
}
