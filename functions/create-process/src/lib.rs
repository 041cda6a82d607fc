//! `POST /processes`: creates a verification. `POST /uploads`: gives a place for a picture of one.

use std::collections::BTreeMap;

use cotejo::{
    api::{ApiError, Gate, RequestScope, Scope, body, response::success, view::ProcessView},
    platform::Platform,
    process::Status,
    workflow::{
        create::CreateProcess,
        upload::{self, CreateUpload},
    },
};
use lambda_http::{
    Body, Request, RequestExt as _, Response,
    http::{HeaderValue, Method},
};
use serde_json::json;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    create: CreateProcess,
    upload: CreateUpload,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), create: CreateProcess::new(platform), upload: CreateUpload::new(platform) }
    }
}

/// Answers one of the routes: 201, or 202 where the provider has not confirmed yet.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(app, &visit, &request)).await
}

async fn route(app: &App, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    match (request.method(), request.raw_http_path()) {
        (&Method::POST, "/processes") => create(app, visit, request).await,
        (&Method::POST, "/uploads") => upload(app, visit, request).await,
        _ => Err(ApiError::no_route()),
    }
}

async fn upload(app: &App, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let body = body::json(request);
    let caller = visit.caller(body.as_ref().map_or(Scope::ProcessesWrite, upload::scope)).await?;
    let upload = app.upload.run(&caller, &body?).await?;
    let headers: BTreeMap<_, _> = upload.headers.into_iter().collect();
    let put = json!({
        "id": upload.id, "method": "PUT", "url": upload.url, "headers": headers, "expires_at": upload.expires_at,
    });
    Ok(success(201, &put))
}

async fn create(app: &App, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = visit.caller(Scope::ProcessesWrite).await?;
    let key = match request.headers().get("idempotency-key") {
        None => None,
        Some(key) => {
            let printable =
                key.to_str().map_err(|_| ApiError::invalid_field("Idempotency-Key", "must be printable ASCII"));
            Some(printable?)
        }
    };
    let body = body::json_up_to(request, body::MAX_BODY_WITH_PICTURES_BYTES)?;
    let created = app.create.run(&caller, body, key).await?;
    visit.concerns(created.process.id);
    let status = if created.process.status == Status::Submitting { 202 } else { 201 };
    let mut response = success(status, &ProcessView::of(&created.process));
    if let Ok(location) = HeaderValue::try_from(format!("/processes/{}", created.process.id)) {
        response.headers_mut().insert("location", location);
    }
    if created.replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}
