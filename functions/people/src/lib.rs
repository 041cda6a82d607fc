//! `/people` with exports and imports, and `/people-groups`.

use cotejo::{
    common::{Caller, Scope},
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope, body, multipart,
        response::{self, success},
        routes,
    },
    lambda::HttpFunction,
    people::{
        Kind,
        families::{GROUPS, PEOPLE},
        job::Task,
    },
    workflow::{
        from_process,
        jobs::{ImportFile, JobAccepted, Jobs},
        people::People,
    },
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    people: People,
    jobs: Jobs,
}

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        let people = People::new(deployment);
        Self { gate: Gate::new(&deployment.platform), jobs: Jobs::beside(&people), people }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(self, scope, request).await
    }
}

async fn route(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let (people, jobs) = (&app.people, &app.jobs);
    let person_id = |text: &str| routes::id(Kind::Person, text);
    let path = routes::path(request);
    let path = match path.as_slice() {
        ["people-groups", rest @ ..] => {
            return routes::family(&people.records, &GROUPS, scope, request, rest).await;
        }
        ["people", rest @ ..] => rest,
        _ => return Err(ApiError::no_route()),
    };
    // A search reads, whatever its method.
    let needed = match path {
        ["search"] | ["external", "search"] | ["export"] => Scope::PeopleRead,
        _ => routes::scope_of(request),
    };
    let caller = scope.caller(needed).await?;
    match (request.method(), path) {
        (&Method::POST, ["search"]) => Ok(success(200, &people.search(&caller, &body::fields(request)?).await?)),
        (&Method::POST, ["external", "search"]) => {
            Ok(success(200, &people.search_external(&caller, &body::fields(request)?).await?))
        }
        (&Method::POST, ["from-curp"]) => from_curp(people, &caller, request).await,
        (&Method::POST, ["from-process"]) => fill_from_process(people, &caller, request).await,
        (&Method::POST, ["external", _, .., "restore"]) => restore_external(people, &caller, request).await,
        (&Method::GET, ["external" | "facetec" | "national-id", _, ..]) => find(people, &caller, request, path).await,
        (&Method::PUT, ["national-id", _, ..]) => upsert(people, &caller, request).await,
        (&Method::POST, ["export"]) => export(jobs, &caller, request).await,
        (&Method::POST, ["import"]) => import(jobs, &caller, request).await,
        (&Method::GET, ["exports", id]) => job(jobs, &caller, id, |task| matches!(task, Task::Export(_))).await,
        (&Method::GET, ["imports", id]) => job(jobs, &caller, id, |task| matches!(task, Task::Import(_))).await,
        (&Method::GET, [id]) => Ok(success(200, &people.get(&caller, person_id(id)?).await?)),
        (&Method::DELETE, [id]) => {
            people.delete(&caller, person_id(id)?).await?;
            Ok(success(200, &"Ok"))
        }
        (&Method::POST, [id, "restore"]) => {
            let person = people.restore(&caller, person_id(id)?).await?;
            Ok(success(200, &people.view(&person)))
        }
        (_, rest) => routes::family(&people.records, &PEOPLE, scope, request, rest).await,
    }
}

async fn from_curp(people: &People, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let key = body::idempotency_key(request)?;
    let made = people.from_curp(caller, &body::fields(request)?, key).await?;
    let location = format!("/people/{}", made.record.id);
    Ok(response::created(201, &location, made.replayed, &people.view(&made.record)))
}

async fn fill_from_process(people: &People, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let filled = from_process::fill(people, caller, &body::fields(request)?).await?;
    let status = if filled.is_new { 201 } else { 200 };
    let location = format!("/people/{}", filled.person.id);
    Ok(response::created(status, &location, false, &people.view(&filled.person)))
}

async fn restore_external(people: &People, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let external_id = routes::parameter(request, "external_id")?;
    Ok(success(200, &people.view(&people.restore_external(caller, &external_id).await?)))
}

/// Finds a person by an external reference.
async fn find(people: &People, caller: &Caller, request: &Request, path: &[&str]) -> Result<Response<Body>, ApiError> {
    let (field, parameter) = match path.first() {
        Some(&"external") => ("external_ref_id", "external_id"),
        Some(&"facetec") => ("facetec_ref_id", "facetec_id"),
        _ => ("national_id", "national_id"),
    };
    let person = people.find(caller, field, &routes::parameter(request, parameter)?).await?;
    if field == "national_id" {
        Ok(success(200, &people.whole(caller, &person).await?))
    } else {
        Ok(success(200, &people.view(&person)))
    }
}

async fn upsert(people: &People, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let national_id = routes::parameter(request, "national_id")?;
    let person = people.upsert(caller, &national_id, &body::fields(request)?).await?;
    Ok(success(200, &people.whole(caller, &person).await?))
}

async fn export(jobs: &Jobs, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let key = body::idempotency_key(request)?;
    Ok(accepted(jobs.export(caller, &body::fields(request)?, key).await?))
}

async fn job(jobs: &Jobs, caller: &Caller, id: &str, is_wanted: fn(&Task) -> bool) -> Result<Response<Body>, ApiError> {
    Ok(success(200, &jobs.get(caller, routes::job_id(id)?, is_wanted).await?))
}

/// Starts the import of a file, which is a part of the body or was uploaded before.
async fn import(jobs: &Jobs, caller: &Caller, request: &Request) -> Result<Response<Body>, ApiError> {
    let key = body::idempotency_key(request)?;
    let limit = body::MAX_BODY_WITH_PICTURES_BYTES;
    let mut parts = multipart::read(request, limit, &["file", "tmp_file_id"]).await?;
    let upload = parts.get("tmp_file_id").map(|part| part.text().and_then(|text| text.parse().ok()));
    let file = match (parts.remove("file"), upload) {
        (Some(file), None) => ImportFile::Bytes(file.bytes),
        (None, Some(Some(upload))) => ImportFile::Upload(upload),
        (None, Some(None)) => return Err(ApiError::invalid_field("tmp_file_id", "must be a UUID")),
        _ => return Err(ApiError::invalid_field("file", "is required, or tmp_file_id, and not both")),
    };
    Ok(accepted(jobs.import(caller, file, key).await?))
}

/// The answer to a request that started a job: 202.
fn accepted(job: JobAccepted) -> Response<Body> {
    response::created(202, &job.view.location(), job.replayed, &job.view)
}
