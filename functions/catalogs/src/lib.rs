//! `/catalogs` and `/catalog-values`, the customer's own; `/nationalities`, `/states`, `/marital-statuses`, `/person-relations`,
//! which are the same for everybody.

use cotejo::{
    api::{ApiError, Gate, Scope, Visit, response::success},
    people::{
        Kind,
        families::{CATALOG_VALUES, CATALOGS},
        lists::{self, Name},
    },
    platform::Platform,
    workflow::records::{Records, routes},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

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

async fn route(records: &Records, visit: &Visit<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path = request.raw_http_path();
    if let Some(list) = Name::ALL.into_iter().find(|list| list.path() == path && request.method() == Method::GET) {
        visit.caller(Scope::PeopleRead).await?;
        return Ok(success(200, &lists::all(list)));
    }
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::GET, ["catalogs", id]) => {
            let caller = visit.caller(Scope::PeopleRead).await?;
            let catalog = records.get(&CATALOGS, &caller, routes::id(Kind::Catalog, id)?).await?;
            let mut view = records.view(&CATALOGS, &catalog);
            view.show("values", &records.owned(&CATALOG_VALUES, &caller, catalog.id).await?);
            Ok(success(200, &view))
        }
        (_, ["catalogs", rest @ ..]) => routes::family(records, &CATALOGS, visit, request, rest).await,
        (_, ["catalog-values", rest @ ..]) => routes::family(records, &CATALOG_VALUES, visit, request, rest).await,
        _ => Err(ApiError::no_route()),
    }
}
