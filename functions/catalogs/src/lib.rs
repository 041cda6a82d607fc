//! `/catalogs` and `/catalog-values` of the customer; `/dynamic-properties` and their values; and the fixed lists
//! `/nationalities`, `/states`, `/marital-statuses` and `/person-relations`.

use cotejo::{
    common::{
        Scope,
        page::{MAX_PAGE_BYTES, PageRequest},
    },
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope, body, multipart,
        query::Query,
        response::{self, success},
        routes,
    },
    lambda::HttpFunction,
    people::{
        Kind,
        families::{CATALOG_VALUES, CATALOGS, DYNAMIC_PROPERTIES, DYNAMIC_VALUES},
        lists::{self, Name},
    },
    workflow::{catalog_values, dynamic_values::DynamicValues, records::Records},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

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
    let path = request.raw_http_path();
    if let Some(list) = Name::ALL.into_iter().find(|list| list.path() == path && request.method() == Method::GET) {
        scope.caller(Scope::PeopleRead).await?;
        return Ok(success(200, &lists::all(list)));
    }
    let caller = scope.caller(routes::scope_of(request)).await?;
    match (request.method(), routes::path(request).as_slice()) {
        (&Method::GET, ["catalogs", id]) => {
            let catalog = records.get(&CATALOGS, &caller, routes::id(Kind::Catalog, id)?).await?;
            let mut view = records.view(&CATALOGS, &catalog);
            let values = records.owned(&CATALOG_VALUES, &caller, catalog.id, MAX_PAGE_BYTES).await?;
            view.show("values", &values.data);
            view.show("values_next_page_url", &values.next_page_url);
            Ok(success(200, &view))
        }
        (&Method::POST, ["catalog-values", "bulk"]) => {
            let parts = multipart::read(request, body::MAX_BODY_BYTES, &["custom_catalog_id", "csv_file"]).await?;
            let catalog = parts.get("custom_catalog_id").and_then(|part| part.text()?.parse().ok());
            let catalog = catalog.ok_or_else(|| ApiError::invalid_field("custom_catalog_id", "must be a UUID"))?;
            let file = parts.get("csv_file").ok_or_else(|| ApiError::invalid_field("csv_file", "is required"))?;
            catalog_values::add(records, &caller, catalog, &file.bytes).await?;
            Ok(success(201, &"Ok"))
        }
        (&Method::POST, ["dynamic-properties", id, "values"]) => {
            let (id, key) = (routes::id(Kind::DynamicProperty, id)?, body::idempotency_key(request)?);
            let made = DynamicValues(records).save(&caller, id, &body::fields(request)?, key).await?;
            let location = format!("{}/{}", DYNAMIC_VALUES.path, made.record.id);
            Ok(response::created(201, &location, made.replayed, &records.view(&DYNAMIC_VALUES, &made.record)))
        }
        (&Method::GET, ["dynamic-values"]) => {
            let query = Query::read(request, &["page", "per_page", "cursor", "person_id", "descriptor_id"])?;
            let page = PageRequest::read(|name| query.get(name))?;
            let (person, property) = (query.id("person_id")?, query.id("descriptor_id")?);
            Ok(success(200, &DynamicValues(records).list(&caller, person, property, &page).await?))
        }
        (&Method::GET, ["people", person, "dynamic-values"]) => {
            let query = Query::read(request, &["page", "per_page", "cursor", "all", "descriptor_id"])?;
            let page = PageRequest::read(|name| query.get(name))?;
            let (person, property) = (routes::id(Kind::Person, person)?, query.id("descriptor_id")?);
            let values = DynamicValues(records);
            let page = values.of_person(&caller, person, query.flag("all")?, property, &page).await?;
            Ok(success(200, &page))
        }
        (_, ["catalogs", rest @ ..]) => routes::family(records, &CATALOGS, scope, request, rest).await,
        (_, ["catalog-values", rest @ ..]) => routes::family(records, &CATALOG_VALUES, scope, request, rest).await,
        (_, ["dynamic-properties", rest @ ..]) => {
            routes::family(records, &DYNAMIC_PROPERTIES, scope, request, rest).await
        }
        (&Method::GET, ["dynamic-values", rest @ ..]) => {
            routes::family(records, &DYNAMIC_VALUES, scope, request, rest).await
        }
        _ => Err(ApiError::no_route()),
    }
}
