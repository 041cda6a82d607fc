//! The records of a person: `/addresses`, `/contacts`, `/references`, `/employments`, `/bank-accounts`, `/financials`,
//! `/biometric-results`, and `/people/{id}/biometric-results`.

use cotejo::{
    common::page::MAX_PAGE_BYTES,
    deployment::Deployment,
    http::{ApiError, Gate, RequestScope, response::success, routes},
    lambda::HttpFunction,
    people::{
        Kind,
        families::{BIOMETRIC_RESULTS, FAMILIES, PEOPLE},
    },
    workflow::people::People,
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    people: People,
}

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        Self { gate: Gate::new(&deployment.platform), people: People::new(deployment) }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(&self.people, scope, request).await
    }
}

async fn route(people: &People, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::GET, ["people", id, "biometric-results"]) => {
            let caller = scope.caller(routes::scope_of(request)).await?;
            let id = routes::id(Kind::Person, id)?;
            people.records.get(&PEOPLE, &caller, id).await?;
            Ok(success(200, &people.records.owned(&BIOMETRIC_RESULTS, &caller, id, MAX_PAGE_BYTES).await?.data))
        }
        (_, [list, rest @ ..]) => {
            let is_list = |path: &str| path.strip_prefix('/') == Some(list);
            let family = FAMILIES.into_iter().find(|family| is_list(family.path) && family.belongs_to(Kind::Person));
            routes::family(&people.records, family.ok_or_else(ApiError::no_route)?, scope, request, rest).await
        }
        _ => Err(ApiError::no_route()),
    }
}
