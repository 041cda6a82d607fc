//! `POST /processes/{id}/decision`: a customer's reviewer decides what is in review.

use cotejo::{
    api::{
        ApiError, Scope, body,
        caller::Authenticator,
        response::{finish, request_id, success},
        view::ProcessView,
    },
    platform::Platform,
    store::Store,
    workflow::decide::DecideProcess,
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    callers: Authenticator,
    decide: DecideProcess,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let callers = Authenticator::new(Store::new(platform), platform.seams.clock.clone());
        Self { callers, decide: DecideProcess::new(platform) }
    }
}

/// Answers 200 with the process as it stands after the decision.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let id = request_id(&request);
    finish(&id, decide(app, &request).await)
}

async fn decide(app: &App, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let (&Method::POST, ["processes", id, "decision"]) = (request.method(), path.as_slice()) else {
        return Err(ApiError::no_route());
    };
    let caller = app.callers.caller(request.headers(), Scope::ProcessesDecide).await?;
    let id = id.parse().map_err(|_| ApiError::not_found("process"))?;
    let process = app.decide.run(&caller, id, &body::json(request)?).await?;
    Ok(success(200, &ProcessView::of(&process)))
}
