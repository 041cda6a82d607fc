//! The gate in front of every HTTP function: it authenticates the caller, checks the scope and the rate limit, and logs one
//! line for each request.
//!
//! A handler opens a [`RequestScope`], asks it for the [`Caller`], and lets it answer. Log lines in the scope carry the
//! request's id, tenant, key and process. The route is logged as in the template; path and query are never logged.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use jiff::Timestamp;
use lambda_http::{Body, Request, RequestExt as _, Response, request::RequestContext};
use tracing::{Instrument as _, Span, field};

use super::{
    ApiError,
    authenticator::Authenticator,
    limit::{Limits, Standing},
    response,
};
use crate::{
    common::{Authority as _, Caller, Scope},
    platform::{Clock, Platform, panics::catch_panic},
    process::ProcessId,
    store::Store,
};

/// The gate of one execution environment.
pub struct Gate {
    authenticator: Authenticator,
    limits: Limits,
    clock: Arc<dyn Clock>,
    is_cold: AtomicBool,
}

impl Gate {
    /// Built once for each execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        let store = Store::new(platform);
        Self {
            authenticator: Authenticator::new(store.clone()),
            limits: Limits::new(store),
            clock: Arc::clone(&platform.seams.clock),
            is_cold: AtomicBool::new(true),
        }
    }

    /// Opens the scope of a request, without any check.
    #[must_use]
    pub fn open<'a>(&'a self, request: &'a Request) -> RequestScope<'a> {
        let (request_id, route) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => (context.request_id.clone(), context.route_key.clone()),
            _ => (None, None),
        };
        let request_id = request_id.unwrap_or_default();
        let span = tracing::info_span!(
            "request",
            request_id,
            route = route.unwrap_or_default(),
            method = request.method().as_str(),
            tenant = field::Empty,
            key_id = field::Empty,
            process = field::Empty,
        );
        RequestScope {
            gate: self,
            request,
            request_id,
            span,
            began: self.clock.now(),
            cold_start: self.is_cold.swap(false, Ordering::Relaxed),
            known: Mutex::default(),
        }
    }
}

/// A request in a function.
pub struct RequestScope<'a> {
    gate: &'a Gate,
    request: &'a Request,
    request_id: String,
    span: Span,
    began: Timestamp,
    cold_start: bool,
    known: Mutex<Known>,
}

/// Facts about the request that are known so far.
#[derive(Default)]
struct Known {
    caller: Option<Arc<Caller>>,
    standing: Option<Standing>,
}

impl RequestScope<'_> {
    /// The caller, if its key has `scope`. The first call counts against the tenant's limit; a further call, for another
    /// scope, only checks the key.
    ///
    /// # Errors
    /// 401 without a valid key, 429 beyond the limit, 403 without the scope, 503 if the key or the counter cannot be read.
    pub async fn caller(&self, scope: Scope) -> Result<Arc<Caller>, ApiError> {
        let known = self.known().caller.clone();
        let caller = match known {
            Some(caller) => caller,
            None => self.identify().await?,
        };
        if caller.may(scope) { Ok(caller) } else { Err(ApiError::forbidden(scope.as_str())) }
    }

    async fn identify(&self) -> Result<Arc<Caller>, ApiError> {
        let caller = self.gate.authenticator.caller(self.request.headers(), self.began).await?;
        self.span.record("tenant", field::display(caller.tenant()));
        self.span.record("key_id", caller.key_id());
        let standing = self.gate.limits.count(&caller, self.began).await?;
        self.known().standing = Some(standing);
        if !standing.granted {
            return Err(ApiError::rate_limited(standing.reset));
        }
        self.known().caller = Some(Arc::clone(&caller));
        Ok(caller)
    }

    /// Parses a process id from the path. Log lines carry the id from here on.
    ///
    /// # Errors
    /// 404 if it is not a valid id.
    pub fn process(&self, id: &str) -> Result<ProcessId, ApiError> {
        let id = id.parse().map_err(|_| ApiError::not_found("process"))?;
        self.concerns(id);
        Ok(id)
    }

    /// Sets the process of the request, if the path does not contain it.
    pub fn concerns(&self, process: ProcessId) {
        self.span.record("process", field::display(process));
    }

    /// Runs `work` and turns its result into a response with the request's id and the rate limit.
    pub async fn answer(&self, work: impl Future<Output = Result<Response<Body>, ApiError>>) -> Response<Body> {
        let outcome =
            catch_panic(work.instrument(self.span.clone())).await.unwrap_or_else(|_| Err(ApiError::internal()));
        let error_code = outcome.as_ref().err().map(|error| error.code.as_str());
        let mut response = outcome.unwrap_or_else(|error| response::failure(&error, &self.request_id));
        if let Ok(id) = self.request_id.parse() {
            response.headers_mut().insert("x-request-id", id);
        }
        if let Some(standing) = self.known().standing {
            standing.write(response.headers_mut());
        }
        let duration_ms = self.gate.clock.now().duration_since(self.began).as_millis();
        self.span.in_scope(|| {
            tracing::info!(
                status = response.status().as_u16(),
                error_code,
                duration_ms = u64::try_from(duration_ms).unwrap_or_default(),
                cold_start = self.cold_start,
                "answered"
            );
        });
        response
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
