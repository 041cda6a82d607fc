//! The routes of every family: list, create, get, change.

use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use uuid::Uuid;

use crate::{
    common::{
        Scope,
        page::{DEFAULT_PER_PAGE, PageRequest},
    },
    http::{
        ApiError, RequestScope, body,
        query::Query,
        response::{self, success},
    },
    people::{Family, Kind, families},
    workflow::records::Records,
};

/// The parts of a request's path.
#[must_use]
pub fn path(request: &Request) -> Vec<&str> {
    request.raw_http_path().split('/').skip(1).collect()
}

/// The id of a record of that kind, from a path.
///
/// # Errors
/// 404 if it is not a valid id.
pub fn id(kind: Kind, text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(families::of(kind).noun))
}

/// The id of a job, from a path.
///
/// # Errors
/// 404 if it is not a valid id.
pub fn job_id(text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("job"))
}

/// The scope that a request to the registry needs: read or write.
#[must_use]
pub fn scope_of(request: &Request) -> Scope {
    if request.method() == Method::GET { Scope::PeopleRead } else { Scope::PeopleWrite }
}

/// Answers a request to a family's list or one of its records; `path` is the part after the list's own path.
///
/// # Errors
/// The errors of the use case; 404 for any other route.
pub async fn family(
    records: &Records,
    family: &'static Family,
    scope: &RequestScope<'_>,
    request: &Request,
    path: &[&str],
) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(scope_of(request)).await?;
    match (request.method(), path) {
        (&Method::GET, []) => {
            let owner_field = family.owner.as_ref().map(|owner| owner.field);
            let known: Vec<_> = ["page", "per_page", "cursor"].into_iter().chain(owner_field).collect();
            let query = Query::read(request, &known)?;
            let owner = owner_field.map(|field| query.id(field)).transpose()?.flatten();
            let page = PageRequest::read_of(family.per_page.unwrap_or(DEFAULT_PER_PAGE), |name| query.get(name))?;
            Ok(success(200, &records.list(family, &caller, owner, &page).await?))
        }
        (&Method::POST, []) => {
            let key = body::idempotency_key(request)?;
            let made = records.create(family, &caller, &body::fields(request)?, key).await?;
            let location = format!("{}/{}", family.path, made.record.id);
            Ok(response::created(created(family.kind), &location, made.replayed, &records.view(family, &made.record)))
        }
        (&Method::GET, [text]) => {
            let record = records.get(family, &caller, id(family.kind, text)?).await?;
            Ok(success(200, &records.view(family, &record)))
        }
        (&Method::PUT, [text]) => {
            let record = records.update(family, &caller, id(family.kind, text)?, &body::fields(request)?).await?;
            Ok(success(200, &records.view(family, &record)))
        }
        _ => Err(ApiError::no_route()),
    }
}

/// The status of a creation. Seed `002_62dc5acb5b5aea27` uses 200 for two families.
fn created(kind: Kind) -> u16 {
    match kind {
        Kind::BankAccount | Kind::Employment => 200,
        _ => 201,
    }
}

/// A path parameter, decoded.
///
/// # Errors
/// 404 if the route has no such parameter.
pub fn parameter(request: &Request, name: &str) -> Result<String, ApiError> {
    request.path_parameters().first(name).map(str::to_owned).ok_or_else(ApiError::no_route)
}
