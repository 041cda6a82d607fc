//! `/people` and below it, exports and imports among them, and `/people-groups`.

use cotejo::{
    common::{Caller, Scope},
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope, body, multipart,
        response::{self, success},
        routes,
    },
    lambda::HttpFunction,
    people::{Kind, families::GROUPS, job::Task, person::PEOPLE},
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
    let path = routes::path(request);
    let id = |text| routes::id(Kind::Person, text);
    let path = match path.as_slice() {
        ["people-groups", rest @ ..] => {
            return routes::family(&people.records, &GROUPS, scope, request, rest).await;
        }
        ["people", rest @ ..] => rest,
        _ => return Err(ApiError::no_route()),
    };
    // Looking for persons changes nothing, whatever its method.
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
        (&Method::POST, ["from-curp"]) => {
            let key = body::idempotency_key(request)?;
            let made = people.from_curp(&caller, &body::fields(request)?, key).await?;
            let location = format!("/people/{}", made.record.id);
            Ok(response::created(201, &location, made.replayed, &people.view(&made.record)))
        }
        (&Method::POST, ["external", _, .., "restore"]) => {
            let external_id = routes::parameter(request, "external_id")?;
            Ok(success(200, &people.view(&people.restore_external(&caller, &external_id).await?)))
        }
        (&Method::GET, ["external", _, ..]) => {
            let person = people.find(&caller, "external_ref_id", &routes::parameter(request, "external_id")?).await?;
            Ok(success(200, &people.view(&person)))
        }
        (&Method::GET, ["facetec", _, ..]) => {
            let person = people.find(&caller, "facetec_ref_id", &routes::parameter(request, "facetec_id")?).await?;
            Ok(success(200, &people.view(&person)))
        }
        (&Method::GET, ["national-id", _, ..]) => {
            let person = people.find(&caller, "national_id", &routes::parameter(request, "national_id")?).await?;
            Ok(success(200, &people.whole(&caller, &person).await?))
        }
        (&Method::PUT, ["national-id", _, ..]) => {
            let person =
                people.upsert(&caller, &routes::parameter(request, "national_id")?, &body::fields(request)?).await?;
            Ok(success(200, &people.whole(&caller, &person).await?))
        }
        (&Method::POST, ["from-process"]) => {
            let filled = from_process::fill(people, &caller, &body::fields(request)?).await?;
            let status = if filled.is_new { 201 } else { 200 };
            let location = format!("/people/{}", filled.person.id);
            Ok(response::created(status, &location, false, &people.view(&filled.person)))
        }
        (&Method::POST, ["export"]) => {
            let key = body::idempotency_key(request)?;
            Ok(asked(jobs.export(&caller, &body::fields(request)?, key).await?))
        }
        (&Method::POST, ["import"]) => import(jobs, &caller, request).await,
        (&Method::GET, ["exports", text]) => {
            let id = routes::job_id(text)?;
            Ok(success(200, &jobs.get(&caller, id, |task| matches!(task, Task::Export(_))).await?))
        }
        (&Method::GET, ["imports", text]) => {
            let id = routes::job_id(text)?;
            Ok(success(200, &jobs.get(&caller, id, |task| matches!(task, Task::Import(_))).await?))
        }
        (&Method::GET, [text]) => Ok(success(200, &people.get(&caller, id(text)?).await?)),
        (&Method::DELETE, [text]) => {
            people.delete(&caller, id(text)?).await?;
            Ok(success(200, &"Ok"))
        }
        (&Method::POST, [text, "restore"]) => {
            let person = people.restore(&caller, id(text)?).await?;
            Ok(success(200, &people.view(&person)))
        }
        (_, rest) => routes::family(&people.records, &PEOPLE, scope, request, rest).await,
    }
}

/// Asks for the import of a file, which is a part of the body or was uploaded.
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
    Ok(asked(jobs.import(caller, file, key).await?))
}

/// The answer to whoever asked for a job: it is on its way.
fn asked(asked: JobAccepted) -> Response<Body> {
    response::created(202, &asked.view.location(), asked.replayed, &asked.view)
}
