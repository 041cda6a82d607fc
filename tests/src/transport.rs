//! The functions' way to DynamoDB, S3 and Secrets Manager, watched and disturbed.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

/// On which side of a request's effect something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The request never leaves.
    Before,
    /// The request has its effect and nobody hears the answer.
    After,
}

enum Disturbance {
    Crash(When),
    Fail(When),
    LoseAnswer,
    Interleave(Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>),
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<String>>,
    planned: Mutex<Vec<(String, Disturbance)>>,
    crashed: Notify,
}

/// An HTTP client for the AWS SDK that notes every request and disturbs those it is told to.
#[derive(Clone)]
pub struct Transport {
    inner: SharedHttpClient,
    shared: Arc<Shared>,
}

impl Transport {
    /// Watches the transport that is deployed.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: cotejo::platform::aws::transport(), shared: Arc::default() }
    }

    /// The requests since the last call of this, by operation: `PutItem`, `Query`, …, `S3 PUT`, `S3 GET`, ….
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.calls))
    }

    /// The next request of `operation` never returns; [`Self::crashed`] tells when it is reached.
    pub fn crash(&self, operation: &str, when: When) {
        self.plan(operation, Disturbance::Crash(when));
    }

    /// The next request of `operation` fails, and the SDK does not try again.
    pub fn fail(&self, operation: &str, when: When) {
        self.plan(operation, Disturbance::Fail(when));
    }

    /// The next request of `operation` has its effect and its connection breaks, so that the SDK tries again.
    pub fn lose_answer(&self, operation: &str) {
        self.plan(operation, Disturbance::LoseAnswer);
    }

    /// Just before the next request of `operation` is sent, `what` happens.
    pub fn interleave(&self, operation: &str, what: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static) {
        self.plan(operation, Disturbance::Interleave(Box::new(what)));
    }

    /// Returns once a planned crash was reached.
    pub async fn crashed(&self) {
        self.shared.crashed.notified().await;
    }

    /// Whether every planned disturbance has happened.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        lock(&self.shared.planned).is_empty()
    }

    fn plan(&self, operation: &str, disturbance: Disturbance) {
        lock(&self.shared.planned).push((operation.to_owned(), disturbance));
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Watched { inner, shared: Arc::clone(&self.shared) })
    }
}

struct Watched {
    inner: SharedHttpConnector,
    shared: Arc<Shared>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, shared) = (self.inner.clone(), Arc::clone(&self.shared));
        HttpConnectorFuture::new(async move {
            let operation = operation_of(&request);
            lock(&shared.calls).push(operation.clone());
            let disturbance = {
                let mut planned = lock(&shared.planned);
                let position = planned.iter().position(|(name, _)| *name == operation);
                position.map(|position| planned.remove(position).1)
            };
            match disturbance {
                None => inner.call(request).await,
                Some(Disturbance::Interleave(what)) => {
                    what().await;
                    inner.call(request).await
                }
                Some(Disturbance::Fail(when)) => {
                    if when == When::After {
                        inner.call(request).await?;
                    }
                    Err(ConnectorError::user("disturbed".into()))
                }
                Some(Disturbance::LoseAnswer) => {
                    inner.call(request).await?;
                    Err(ConnectorError::io("connection reset".into()))
                }
                Some(Disturbance::Crash(when)) => {
                    if when == When::After {
                        inner.call(request).await?;
                    }
                    shared.crashed.notify_one();
                    std::future::pending().await
                }
            }
        })
    }
}

fn operation_of(request: &HttpRequest) -> String {
    match request.headers().get("x-amz-target") {
        Some(target) => target.rsplit('.').next().unwrap_or(target).to_owned(),
        None => format!("S3 {}", request.method()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
