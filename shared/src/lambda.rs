//! How Lambda builds and serves the functions. Each function is one type that implements one of these traits.

use lambda_http::{Body, Request, Response};
pub use lambda_runtime::Error;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    deployment::Deployment,
    http::{ApiError, Gate, RequestScope},
    platform::{Config, telemetry},
};

/// A function behind API Gateway.
pub trait HttpFunction: Sized + Send + Sync + 'static {
    /// Whether most requests need the deployment's keys, so that they are read at the start.
    const NEEDS_KEYS: bool = true;

    /// Built once for each execution environment.
    fn new(deployment: &Deployment) -> Self;

    /// The gate that every request passes first.
    fn gate(&self) -> &Gate;

    /// Answers a request to one of the routes.
    fn route(
        &self,
        scope: &RequestScope<'_>,
        request: &Request,
    ) -> impl Future<Output = Result<Response<Body>, ApiError>> + Send;
}

/// A function for any other event.
pub trait EventFunction: Sized + Send + Sync + 'static {
    type Event: DeserializeOwned + Send;
    type Answer: Serialize;

    /// Whether most events need the deployment's keys, so that they are read at the start.
    const NEEDS_KEYS: bool = false;

    /// Built once for each execution environment.
    fn new(deployment: &Deployment) -> Self;

    /// Handles one event. An error is a failed invocation, which Lambda repeats as the template says.
    fn handle(&self, event: Self::Event) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// Answers one request to `function`, through the gate.
pub async fn answer<F: HttpFunction>(function: &F, request: Request) -> Response<Body> {
    let scope = function.gate().open(&request);
    scope.answer(function.route(&scope, &request)).await
}

/// Serves an [`HttpFunction`] for the life of the execution environment.
///
/// # Errors
/// The settings or the deployment's keys cannot be read.
pub async fn serve_http<F: HttpFunction>() -> Result<(), Error> {
    let function = F::new(&start(F::NEEDS_KEYS).await?);
    lambda_http::run(service_fn(async |request| Ok::<_, Error>(answer(&function, request).await))).await
}

/// Serves an [`EventFunction`] for the life of the execution environment.
///
/// # Errors
/// The settings or the deployment's keys cannot be read.
pub async fn serve_events<F: EventFunction>() -> Result<(), Error> {
    let function = F::new(&start(F::NEEDS_KEYS).await?);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<F::Event>| function.handle(event.payload).await)).await
}

async fn start(needs_keys: bool) -> Result<Deployment, Error> {
    telemetry::init();
    let deployment = Deployment::real(Config::from_env()?);
    if needs_keys {
        deployment.platform.warm().await?;
    }
    Ok(deployment)
}
