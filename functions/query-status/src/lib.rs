//! `GET /processes`, `GET /processes/{id}`, `GET /processes/{id}/evidence/{evidence_id}`, and the answer to every path
//! that does not exist.

use std::sync::Arc;

use cotejo::{
    api::{
        ApiError, Caller, Scope,
        caller::Authenticator,
        page::PageRequest,
        response::{finish, request_id, success},
        view::ProcessView,
    },
    platform::Platform,
    process::{ProcessId, Status},
    store::{Store, lists::ProcessFilter},
    workflow::status::{DEFAULT_LINK_MINUTES, QueryStatus},
};
use lambda_http::{
    Body, Request, RequestExt as _, Response,
    http::{HeaderValue, Method},
};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    callers: Authenticator,
    query: QueryStatus,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let callers = Authenticator::new(Store::new(platform), platform.seams.clock.clone());
        Self { callers, query: QueryStatus::new(platform) }
    }
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let id = request_id(&request);
    finish(&id, route(app, &request).await)
}

async fn route(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    match (request.method(), path.as_slice()) {
        (&Method::GET, ["processes"]) => list(app, request).await,
        (&Method::GET, ["processes", id]) => get(app, request, id).await,
        (&Method::GET, ["processes", id, "evidence", evidence]) => link(app, request, id, evidence).await,
        _ => Err(ApiError::no_route()),
    }
}

async fn reader(app: &App, request: &Request) -> Result<Arc<Caller>, ApiError> {
    app.callers.caller(request.headers(), Scope::ProcessesRead).await
}

async fn list(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = reader(app, request).await?;
    let query = Query::read(request, &["status", "provider", "page", "per_page", "cursor"])?;
    let status = query.get("status").map(|name| {
        Status::from_name(name).ok_or_else(|| ApiError::invalid_field("status", "is not a status of processes"))
    });
    let filter = ProcessFilter { status: status.transpose()?, provider: query.get("provider").map(str::to_owned) };
    let page = PageRequest::read(|name| query.get(name))?;
    Ok(success(200, &app.query.list(&caller, &filter, &page).await?))
}

async fn get(app: &App, request: &Request, id: &str) -> Result<Response<Body>, ApiError> {
    let caller = reader(app, request).await?;
    let refresh = Query::read(request, &["refresh"])?.flag("refresh")?;
    if refresh {
        // Asking the provider is more than reading.
        app.callers.caller(request.headers(), Scope::ProcessesWrite).await?;
    }
    let process = app.query.get(&caller, process_id(id)?, refresh).await?;
    Ok(success(200, &ProcessView::of(&process)))
}

async fn link(app: &App, request: &Request, id: &str, evidence: &str) -> Result<Response<Body>, ApiError> {
    let caller = reader(app, request).await?;
    let query = Query::read(request, &["expires_in_min", "redirect"])?;
    let minutes = match query.get("expires_in_min") {
        None => DEFAULT_LINK_MINUTES,
        Some(text) => text
            .parse()
            .ok()
            .filter(|minutes| (1..=60).contains(minutes))
            .ok_or_else(|| ApiError::invalid_field("expires_in_min", "must be a number from 1 to 60"))?,
    };
    let evidence = evidence.parse().map_err(|_| ApiError::not_found("evidence"))?;
    let link = app.query.link(&caller, process_id(id)?, evidence, minutes).await?;
    let body = json!({
        "id": link.id, "kind": link.kind, "url": link.url, "expires_at": link.expires_at,
    });
    if !query.flag("redirect")? {
        return Ok(success(200, &body));
    }
    let mut response = success(303, &body);
    let location = HeaderValue::try_from(&link.url).map_err(|_| ApiError::internal())?;
    response.headers_mut().insert("location", location);
    Ok(response)
}

fn process_id(text: &str) -> Result<ProcessId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("process"))
}

/// The query string, every parameter of which is known.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let parameters = request.query_string_parameters();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ApiError::invalid_field(name, "is not a known parameter")),
            None => Ok(Self(pairs)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::invalid_field(name, "must be true or false")),
        }
    }
}
