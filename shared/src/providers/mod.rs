//! The verification companies.
//!
//! A provider is one folder and one line in [`Providers::of_tenant`]. It is a stateless translator between Cotejo's
//! terms and the company's: it never touches the store, S3 or the clock. Each folder holds the same files:
//!
//! | file | subject |
//! | --- | --- |
//! | `mod` | the connector: requests, and which answer means which error |
//! | `wire` | the company's JSON, as documented and as really seen |
//! | `options` | what a customer may say only to this company, and its checks |
//! | `mapping` | from wire to [`crate::process::Observation`] |
//! | `tests`, `fixtures/` | the company's own sample bodies, named by their seed |
//!
//! What companies have in common is beside the folders: `http` (calling them), `wire` (reading their JSON), `forms`
//! (what customers type).

pub mod auco;
mod forms;
pub mod http;
pub mod tecalis;
mod wire;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    platform::{Config, secrets::SecretDocument},
    process::{HeldVerdict, Observation, ProcessId, ProcessRequest, Status, TenantId},
};

pub use http::{ApiClient, ProviderError};

/// What Cotejo asks of a verification company.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Checks a request before anything is stored or sent; every problem is listed, each under the field's path.
    fn check(&self, request: &ProcessRequest, now: Timestamp) -> Vec<FieldProblem>;

    /// Hands a process over. `id` travels along so that a callback can name it.
    async fn submit(&self, id: ProcessId, request: &ProcessRequest) -> Result<Submitted, ProviderError>;

    /// Asks how a process stands.
    async fn query(&self, reference: &str, now: Timestamp) -> Result<Answer, ProviderError>;

    /// Reads a callback. Nothing but its authenticity and form is judged here.
    fn read_callback(&self, headers: &::http::HeaderMap, body: &[u8]) -> Result<Callback, CallbackRefused>;

    /// How long to wait before asking again about a process in `status` that is `age` old.
    fn poll_after(&self, status: Status, age: SignedDuration) -> SignedDuration;

    /// Exact hosts that media may come from.
    fn media_hosts(&self) -> &[String];

    /// How long a picture's link lives from the moment of the answer.
    fn link_life(&self) -> SignedDuration;

    /// Whether handing the same process over twice leaves one process at the company.
    fn submit_is_repeatable(&self) -> bool;
}

/// The provider has taken a process.
#[derive(Debug)]
pub struct Submitted {
    /// The provider's own id of it.
    pub reference: String,
}

/// An answer to a query.
#[derive(Debug)]
pub struct Answer {
    /// What it means.
    pub observation: Observation,
    /// Links to the pictures in `observation.media`, by their `source`. They are secrets with a short life.
    pub links: Vec<MediaLink>,
    /// The answer, untouched.
    pub raw: Bytes,
}

/// A short-lived link to one picture. `Debug` does not show the link.
pub struct MediaLink {
    /// The provider's identity of the picture.
    pub source: String,
    /// Where to fetch it.
    pub url: String,
}

impl std::fmt::Debug for MediaLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaLink").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What a callback says.
#[derive(Debug, PartialEq, Eq)]
pub struct Callback {
    /// The provider's own id of the process.
    pub reference: String,
    /// Our id of the process, where the callback echoes it.
    pub process: Option<ProcessId>,
    /// The provider's state in it.
    pub code: String,
    /// What it decides, where the provider's own answer may never show it.
    pub verdict: Option<Verdict>,
}

/// A decision that comes by callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub status: Status,
    /// How long the provider's own answer gets to show it first.
    pub patience: SignedDuration,
}

impl Callback {
    /// The decision in the domain's terms, for a callback received at `received_at`.
    #[must_use]
    pub fn held_verdict(&self, received_at: Timestamp) -> Option<HeldVerdict> {
        self.verdict.as_ref().map(|verdict| HeldVerdict {
            status: verdict.status,
            code: self.code.clone(),
            usable_at: received_at + verdict.patience,
        })
    }
}

/// A callback that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// It does not prove that it comes from the provider.
    #[error("the callback is not authenticated")]
    Unauthenticated,
    /// It is not what the provider documents; the field that is missing or wrong.
    #[error("the callback is malformed: {0}")]
    Malformed(&'static str),
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// Path of the field, such as `person.phone`.
    pub field: String,
    /// What it must be. Never contains the value.
    pub message: String,
}

impl FieldProblem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A provider cannot be used by a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProvider {
    /// There is no company of that name.
    #[error("is not a provider that Cotejo knows")]
    Unknown,
    /// The tenant has no account there.
    #[error("is not set up for this account")]
    NoAccount,
}

/// Every provider, ready to be bound to a tenant's account.
pub struct Providers {
    auco: ApiClient,
    auco_url: String,
    tecalis: ApiClient,
    tecalis_url: Option<String>,
}

/// The names of all companies.
pub const NAMES: [&str; 2] = [auco::NAME, tecalis::NAME];

impl Providers {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            auco: ApiClient::new(auco::NAME),
            auco_url: config.auco_url.clone().unwrap_or_else(|| auco::PRODUCTION.to_owned()),
            tecalis: ApiClient::new(tecalis::NAME),
            tecalis_url: config.tecalis_url.clone(),
        }
    }

    /// The provider called `name`, speaking for `tenant`.
    ///
    /// # Errors
    /// There is no such provider, or the tenant has no account there.
    pub fn of_tenant(
        &self,
        name: &str,
        tenant: &TenantId,
        secrets: &SecretDocument,
    ) -> Result<Box<dyn Provider>, NoProvider> {
        let accounts = secrets.tenants.get(tenant.as_str()).ok_or(NoProvider::NoAccount);
        match name {
            auco::NAME => {
                let account = accounts?.auco.clone().ok_or(NoProvider::NoAccount)?;
                let url = account.url.clone().unwrap_or_else(|| self.auco_url.clone());
                Ok(Box::new(auco::Auco::new(self.auco.clone(), url, account)))
            }
            tecalis::NAME => {
                let account = accounts?.tecalis.clone().ok_or(NoProvider::NoAccount)?;
                let url = account.url.clone().or_else(|| self.tecalis_url.clone()).ok_or(NoProvider::NoAccount)?;
                Ok(Box::new(tecalis::Tecalis::new(self.tecalis.clone(), &url, account)))
            }
            _ => Err(NoProvider::Unknown),
        }
    }
}
