//! `GET /processes`, `GET /processes/{id}`, `GET /processes/{id}/evidence/{evidence_id}`,
//! `GET /providers/{provider}/health`, and the answer to every path that does not exist and to every `OPTIONS`.

use cotejo::{
    common::{Scope, page::PageRequest},
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope,
        query::Query,
        response::{no_content, see_other, success},
        view::ProcessView,
    },
    lambda::HttpFunction,
    process::Status,
    store::lists::ProcessFilter,
    workflow::status::QueryStatus,
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    query: QueryStatus,
}

impl HttpFunction for App {
    const NEEDS_KEYS: bool = false;

    fn new(deployment: &Deployment) -> Self {
        Self { gate: Gate::new(&deployment.platform), query: QueryStatus::new(deployment) }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(self, scope, request).await
    }
}

async fn route(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    match (request.method(), path.as_slice()) {
        (&Method::GET, ["processes"]) => list(app, scope, request).await,
        (&Method::GET, ["processes", id]) => get(app, scope, request, id).await,
        (&Method::GET, ["processes", id, "evidence", evidence]) => link(app, scope, request, id, evidence).await,
        (&Method::GET, ["providers", provider, "health"]) => health(app, scope, provider).await,
        // A browser's preflight request. If the stack has `AllowedOrigins`, API Gateway adds the CORS headers to this answer.
        (&Method::OPTIONS, _) => Ok(no_content()),
        _ => Err(ApiError::no_route()),
    }
}

async fn list(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::ProcessesRead).await?;
    let query = Query::read(request, &["status", "provider", "page", "per_page", "cursor"])?;
    let status = query.get("status").map(|name| {
        Status::from_name(name).ok_or_else(|| ApiError::invalid_field("status", "is not a status of processes"))
    });
    let filter = ProcessFilter { status: status.transpose()?, provider: query.get("provider").map(str::to_owned) };
    let page = PageRequest::read(|name| query.get(name))?;
    Ok(success(200, &app.query.list(&caller, &filter, &page).await?))
}

async fn get(app: &App, scope: &RequestScope<'_>, request: &Request, id: &str) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::ProcessesRead).await?;
    let refresh = Query::read(request, &["refresh"])?.flag("refresh")?;
    if refresh {
        // A refresh calls the provider, so reading rights are not enough.
        scope.caller(Scope::ProcessesWrite).await?;
    }
    let process = app.query.get(&caller, scope.process(id)?, refresh).await?;
    Ok(success(200, &ProcessView::of(&process)))
}

async fn health(app: &App, scope: &RequestScope<'_>, provider: &str) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::ProcessesRead).await?;
    Ok(success(200, &app.query.ping(&caller, provider).await?))
}

async fn link(
    app: &App,
    scope: &RequestScope<'_>,
    request: &Request,
    id: &str,
    evidence: &str,
) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::ProcessesRead).await?;
    let query = Query::read(request, &["expires_in_min", "redirect"])?;
    let evidence = evidence.parse().map_err(|_| ApiError::not_found("evidence"))?;
    let link = app.query.link(&caller, scope.process(id)?, evidence, query.link_minutes()?).await?;
    let body = json!({
        "id": link.id, "kind": link.kind, "url": link.url, "expires_at": link.expires_at,
    });
    if query.flag("redirect")? { see_other(&link.url, &body) } else { Ok(success(200, &body)) }
}
