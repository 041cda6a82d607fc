//! Calling a provider's API: one client, one limit of concurrent calls per provider, and one mapping of answers to
//! errors.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::{common::Private, platform::http::provider_client, process::trouble::told};

/// Concurrent calls to one provider from one execution environment.
const CONCURRENT_CALLS: usize = 8;
/// Bytes of an answer.
const MAX_ANSWER_BYTES: usize = 5 * 1024 * 1024;
/// Bytes of a refusal's body that are kept.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// The longest `Retry-After` of a provider that counts.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// The timeout of a query.
pub const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout of a submission; the gateway gives up after 30 seconds.
pub const SUBMIT_TIMEOUT: Duration = Duration::from_secs(24);

/// Why a call to a provider failed, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider refuses; repeating the request is useless.
    #[error("the provider refuses with {code}")]
    Rejected {
        code: String,
        /// The body, for diagnosis; `None` where the refusal is ours.
        body: RefusalBody,
    },
    /// The account's credentials are refused.
    #[error("the provider does not accept the account's keys")]
    Unauthorized { body: RefusalBody },
    /// The provider does not know the process.
    #[error("the provider does not know the process")]
    NotFound { body: RefusalBody },
    /// Too many calls; nothing was done.
    #[error("the provider limits the rate of calls")]
    RateLimited {
        /// The provider's `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The provider could not answer.
    #[error("the provider is unavailable")]
    Unavailable {
        /// Whether the request may have had an effect all the same.
        maybe_done: bool,
    },
    /// The answer cannot be read.
    #[error("the provider's answer is unreadable")]
    Unreadable {
        /// The answer, for diagnosis.
        raw: Bytes,
    },
}

/// The kept part of a refusal's body. It may contain the person's data, so it cannot be printed.
pub type RefusalBody = Private<Bytes>;

/// Cuts `body`.
#[must_use]
pub fn refusal_body(body: &Bytes) -> RefusalBody {
    Private::new(body.slice(..body.len().min(MAX_REFUSAL_BYTES)))
}

impl ProviderError {
    /// A refusal of our own, before anything was sent.
    #[must_use]
    pub fn rejected(code: &str) -> Self {
        Self::Rejected { code: code.to_owned(), body: RefusalBody::default() }
    }

    /// A "not found" of our own.
    #[must_use]
    pub fn not_found() -> Self {
        Self::NotFound { body: RefusalBody::default() }
    }

    /// The provider's text, where it is worth keeping: a refusal, or an unreadable answer.
    #[must_use]
    pub fn said(&self) -> Option<Bytes> {
        let said = match self {
            Self::Rejected { body, .. } | Self::Unauthorized { body } | Self::NotFound { body } => body.expose(),
            Self::Unreadable { raw } => raw,
            Self::RateLimited { .. } | Self::Unavailable { .. } => return None,
        };
        (!said.is_empty()).then(|| said.clone())
    }

    /// The provider's own code, if there is one.
    #[must_use]
    pub fn provider_code(&self) -> Option<&str> {
        match self {
            Self::Rejected { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The text for the timeline: the kind of failure, and the provider's own code.
    #[must_use]
    pub fn detail(&self) -> String {
        told(self.code(), self.provider_code())
    }

    /// A stable code for metrics and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Unauthorized { .. } => "unauthorized",
            Self::NotFound { .. } => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// The client for one provider.
#[derive(Clone)]
pub struct ApiClient {
    provider: &'static str,
    most_bytes: usize,
    client: Arc<OnceLock<reqwest::Client>>,
    calls: Arc<Semaphore>,
}

/// A provider's answer with a status below 400.
pub struct ApiAnswer {
    /// The raw body.
    pub body: Bytes,
}

impl ApiAnswer {
    /// Parses the body as JSON.
    ///
    /// # Errors
    /// [`ProviderError::Unreadable`] with the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|_| ProviderError::Unreadable { raw: self.body.clone() })
    }
}

impl ApiClient {
    /// A client for `provider`; the HTTP client is built on first use.
    #[must_use]
    pub fn new(provider: &'static str) -> Self {
        let calls = Arc::new(Semaphore::new(CONCURRENT_CALLS));
        Self { provider, most_bytes: MAX_ANSWER_BYTES, client: Arc::default(), calls }
    }

    /// The same client, for answers of up to `bytes`.
    #[must_use]
    pub fn reading_up_to(&self, bytes: usize) -> Self {
        Self { most_bytes: bytes, ..self.clone() }
    }

    /// The HTTP client to build requests with.
    pub fn http(&self) -> &reqwest::Client {
        self.client.get_or_init(provider_client)
    }

    /// Sends a request and reads the answer. `refusal` finds the provider's own code in the body of a 4xx.
    ///
    /// # Errors
    /// Anything but a status below 400 with a complete body.
    pub async fn call(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        refusal: fn(&[u8]) -> Option<String>,
    ) -> Result<ApiAnswer, ProviderError> {
        self.logged(async { self.exchange(request, timeout).await?.read(refusal) }).await
    }

    /// Like [`Self::call`], for fetching a token: a provider may refuse user and password with a server error, which
    /// `refused` recognizes by its body; `refusal` finds the code in any other refusal.
    ///
    /// # Errors
    /// Likewise.
    pub async fn log_in(
        &self,
        request: RequestBuilder,
        timeout: Duration,
        refused: fn(&[u8]) -> bool,
        refusal: fn(&[u8]) -> Option<String>,
    ) -> Result<ApiAnswer, ProviderError> {
        let log_in = async {
            let said = self.exchange(request, timeout).await?;
            if said.status.is_server_error() && refused(&said.body) {
                return Err(ProviderError::Unauthorized { body: refusal_body(&said.body) });
            }
            said.read(refusal)
        };
        self.logged(log_in).await
    }

    async fn logged(
        &self,
        call: impl Future<Output = Result<ApiAnswer, ProviderError>>,
    ) -> Result<ApiAnswer, ProviderError> {
        let started = tokio::time::Instant::now();
        let result = call.await;
        let outcome = result.as_ref().err().map_or("ok", ProviderError::code);
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(provider = self.provider, outcome, elapsed_ms, "provider call");
        result
    }

    async fn exchange(&self, request: RequestBuilder, timeout: Duration) -> Result<Said, ProviderError> {
        // Waiting for a free slot counts against the caller's timeout.
        let started = tokio::time::Instant::now();
        let Ok(Ok(_place)) = tokio::time::timeout(timeout, self.calls.acquire()).await else {
            return Err(ProviderError::Unavailable { maybe_done: false });
        };
        let timeout = timeout.saturating_sub(started.elapsed());
        let mut response =
            request.timeout(timeout).send().await.map_err(|error| ProviderError::Unavailable {
                maybe_done: !(error.is_connect() || error.is_builder()),
            })?;
        let status = response.status();
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.most_bytes => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(ProviderError::Unreadable { raw: body.freeze() }),
                Ok(None) => break,
                Err(_) => return Err(ProviderError::Unavailable { maybe_done: true }),
            }
        }
        Ok(Said { status, retry_after, body: body.freeze() })
    }
}

/// An answer, not yet mapped to an error.
struct Said {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

impl Said {
    fn read(self, refusal: fn(&[u8]) -> Option<String>) -> Result<ApiAnswer, ProviderError> {
        let Self { status, retry_after, body } = self;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(ProviderError::Unauthorized { body: refusal_body(&body) })
            }
            StatusCode::NOT_FOUND => Err(ProviderError::NotFound { body: refusal_body(&body) }),
            StatusCode::TOO_MANY_REQUESTS => Err(ProviderError::RateLimited { retry_after }),
            StatusCode::REQUEST_TIMEOUT => Err(ProviderError::Unavailable { maybe_done: true }),
            status if status.is_client_error() => {
                let code = refusal(&body).unwrap_or_else(|| format!("http_{}", status.as_u16()));
                Err(ProviderError::Rejected { code, body: refusal_body(&body) })
            }
            status if status.is_success() => Ok(ApiAnswer { body }),
            // A redirect is not an answer either.
            _ => Err(ProviderError::Unavailable { maybe_done: true }),
        }
    }
}
