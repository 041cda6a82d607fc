//! `GET /processes`, `GET /processes/{id}`, `GET /processes/{id}/evidence/{evidence_id}`,
//! `GET /providers/{provider}/health`, and the answer to every path that does not exist.

use std::sync::Arc;

use cotejo::{
    api::{
        ApiError, Caller, Scope,
        caller::Authenticator,
        page::PageRequest,
        query::Query,
        response::{finish, request_id, see_other, success},
        view::ProcessView,
    },
    platform::Platform,
    process::{ProcessId, Status},
    store::{Store, lists::ProcessFilter},
    workflow::status::QueryStatus,
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
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
        (&Method::GET, ["providers", provider, "health"]) => health(app, request, provider).await,
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

async fn health(app: &App, request: &Request, provider: &str) -> Result<Response<Body>, ApiError> {
    let caller = reader(app, request).await?;
    Ok(success(200, &app.query.ping(&caller, provider).await?))
}

async fn link(app: &App, request: &Request, id: &str, evidence: &str) -> Result<Response<Body>, ApiError> {
    let caller = reader(app, request).await?;
    let query = Query::read(request, &["expires_in_min", "redirect"])?;
    let evidence = evidence.parse().map_err(|_| ApiError::not_found("evidence"))?;
    let link = app.query.link(&caller, process_id(id)?, evidence, query.link_minutes()?).await?;
    let body = json!({
        "id": link.id, "kind": link.kind, "url": link.url, "expires_at": link.expires_at,
    });
    if query.flag("redirect")? { see_other(&link.url, &body) } else { Ok(success(200, &body)) }
}

fn process_id(text: &str) -> Result<ProcessId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("process"))
}
