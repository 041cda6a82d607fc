//! `/people` and below it, and `/people-groups`.

use cotejo::{
    api::{
        ApiError, Gate, Scope, Visit, body,
        response::{self, success},
    },
    people::{Kind, families::GROUPS, person::PEOPLE},
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

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(&app.people, &visit, &request)).await
}

async fn route(people: &People, visit: &Visit<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path = routes::path(request);
    let id = |text| routes::id(Kind::Person, text);
    let path = match path.as_slice() {
        ["people-groups", rest @ ..] => {
            return routes::family(&people.records, &GROUPS, visit, request, rest).await;
        }
        ["people", rest @ ..] => rest,
        _ => return Err(ApiError::no_route()),
    };
    // Looking for persons changes nothing, whatever its method.
    let scope = match path {
        ["search"] | ["external", "search"] => Scope::PeopleRead,
        _ => routes::scope(request),
    };
    let caller = visit.caller(scope).await?;
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
        (&Method::GET, [text]) => Ok(success(200, &people.get(&caller, id(text)?).await?)),
        (&Method::DELETE, [text]) => {
            people.delete(&caller, id(text)?).await?;
            Ok(success(200, &"Ok"))
        }
        (&Method::POST, [text, "restore"]) => {
            let person = people.restore(&caller, id(text)?).await?;
            Ok(success(200, &people.view(&person)))
        }
        (_, rest) => routes::family(&people.records, &PEOPLE, visit, request, rest).await,
    }
}
