//! `POST /processes` creates a verification. `POST /uploads` gives a URL for the upload of a picture or an import file.

use std::collections::BTreeMap;

use cotejo::{
    common::Scope,
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope, body,
        response::{self, success},
        view::ProcessView,
    },
    lambda::HttpFunction,
    process::Status,
    workflow::{
        create::CreateProcess,
        upload::{self, CreateUpload},
    },
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    create: CreateProcess,
    upload: CreateUpload,
}

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        Self {
            gate: Gate::new(&deployment.platform),
            create: CreateProcess::new(deployment),
            upload: CreateUpload::new(deployment),
        }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Answers 201, or 202 if the provider has not confirmed the process yet.
    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(self, scope, request).await
    }
}

async fn route(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), request.raw_http_path()) {
        (&Method::POST, "/processes") => create(app, scope, request).await,
        (&Method::POST, "/uploads") => upload(app, scope, request).await,
        _ => Err(ApiError::no_route()),
    }
}

async fn upload(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let body = body::json(request);
    let caller = scope.caller(body.as_ref().map_or(Scope::ProcessesWrite, upload::scope)).await?;
    let upload = app.upload.run(&caller, &body?).await?;
    let headers: BTreeMap<_, _> = upload.headers.into_iter().collect();
    let put = json!({
        "id": upload.id, "method": "PUT", "url": upload.url, "headers": headers, "expires_at": upload.expires_at,
    });
    Ok(success(201, &put))
}

async fn create(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::ProcessesWrite).await?;
    let key = body::idempotency_key(request)?;
    let body = body::json_up_to(request, body::MAX_BODY_WITH_PICTURES_BYTES)?;
    let created = app.create.run(&caller, body, key).await?;
    scope.concerns(created.process.id);
    let status = if created.process.status == Status::Submitting { 202 } else { 201 };
    let location = format!("/processes/{}", created.process.id);
    Ok(response::created(status, &location, created.replayed, &ProcessView::of(&created.process)))
}
