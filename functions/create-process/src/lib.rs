//! `POST /processes`: creates a verification.

use cotejo::{
    api::{
        ApiError, Scope, body,
        caller::Authenticator,
        response::{finish, request_id, success},
        view::ProcessView,
    },
    platform::Platform,
    process::Status,
    store::Store,
    workflow::create::CreateProcess,
};
use lambda_http::{
    Body, Request, RequestExt as _, Response,
    http::{HeaderValue, Method},
};

/// What the function needs, built once.
pub struct App {
    callers: Authenticator,
    create: CreateProcess,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let callers = Authenticator::new(Store::new(platform), platform.seams.clock.clone());
        Self { callers, create: CreateProcess::new(platform) }
    }
}

/// Answers 201, or 202 where the provider has not confirmed yet.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let id = request_id(&request);
    finish(&id, create(app, &request).await)
}

async fn create(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    if (request.method(), request.raw_http_path()) != (&Method::POST, "/processes") {
        return Err(ApiError::no_route());
    }
    let caller = app.callers.caller(request.headers(), Scope::ProcessesWrite).await?;
    let key = match request.headers().get("idempotency-key") {
        None => None,
        Some(key) => {
            let printable =
                key.to_str().map_err(|_| ApiError::invalid_field("Idempotency-Key", "must be printable ASCII"));
            Some(printable?)
        }
    };
    let created = app.create.run(&caller, &body::json(request)?, key).await?;
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
