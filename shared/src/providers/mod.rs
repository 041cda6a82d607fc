//! The providers.
//!
//! A provider is one folder and one line in [`PROVIDERS`]. It is a stateless translator between Cotejo's terms and the
//! provider's: it never touches the store, S3 or the clock. Each folder holds the same files:
//!
//! | file | subject |
//! | --- | --- |
//! | `mod` | the account and the connector: requests, and the errors of answers |
//! | `wire` | the provider's JSON, as documented and as seen |
//! | `options` | the options that only this provider has, and their validation |
//! | `mapping` | from Cotejo's terms to the provider's and back |
//! | `tests`, `fixtures/` | the provider's own sample bodies, named by their seed |
//!
//! Shared code is beside the folders: `registry` (the list of providers, and a tenant's account), `http` (calling
//! their APIs), `token` (access tokens), `callback` and `callback_token` (their callbacks), `wire` (reading their
//! JSON), `repair` (invalid JSON), `contact` (phone and e-mail).

pub mod auco;
pub mod callback;
pub mod callback_token;
pub mod contact;
pub mod http;
pub mod link;
pub mod registry;
pub mod repair;
pub mod tecalis;
pub mod token;
pub mod wire;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::{
    common::FieldError,
    process::{EvidenceKind, Observation, ProcessId, ProcessRequest, Status},
};

pub use callback::{Callback, CallbackRefused, IncomingCallback, Mentions, Purpose, Verdict};
pub use http::{ApiClient, ProviderError, RefusalBody};
pub use registry::{AccessError, Connection, NoProvider, ProviderFactories, ProviderFactory, Providers};

/// Every provider that Cotejo supports. A new one is one line here.
pub const PROVIDERS: ProviderFactories = &[&auco::Factory, &link::Factory, &tecalis::Factory];

/// What a provider does for Cotejo. Optional operations have a default that says that they are not supported.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The supported operations.
    fn capabilities(&self) -> Capabilities;

    /// Validates a request before anything is stored or sent; returns every problem with its field's path.
    fn check(&self, request: &ProcessRequest, now: Timestamp) -> Vec<FieldError>;

    /// Submits a process.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError>;

    /// Queries the state of a process. Only with [`Capabilities::query`].
    async fn query(&self, _reference: &str, _now: Timestamp) -> Result<Answer, ProviderError> {
        Err(ProviderError::not_found())
    }

    /// Reads a callback. Only its authenticity and form are checked here.
    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused>;

    /// The processes that a malformed callback at the URL of a whole account may be about.
    fn mentions(&self, _body: &[u8]) -> Mentions {
        Mentions::default()
    }

    /// The answer in a callback's body, where [`Callback::is_result`] is set.
    fn read_result(&self, _request: &ProcessRequest, _body: &Bytes, _received_at: Timestamp) -> Option<Answer> {
        None
    }

    /// Fetches a certificate by its reference ([`crate::process::CertificateNews`]), unchecked. `NotFound` while it
    /// is being made.
    async fn certificate(&self, _reference: &str, _now: Timestamp) -> Result<Bytes, ProviderError> {
        Err(ProviderError::not_found())
    }

    /// Checks that the provider answers and accepts the account. Only with [`Capabilities::ping`].
    async fn ping(&self, _now: Timestamp) -> Result<(), ProviderError> {
        Err(ProviderError::not_found())
    }

    /// How long to wait before asking again about a process in `status` that is `age` old.
    fn poll_after(&self, status: Status, age: SignedDuration) -> SignedDuration;

    /// Exact hosts that media may come from.
    fn media_hosts(&self) -> &[String];

    /// How long a picture's link lives from the moment of the answer.
    fn link_life(&self) -> SignedDuration;
}

/// The operations that a provider supports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Submitting a process twice leaves one process there.
    pub repeatable_submission: bool,
    /// The state of a process can be queried; otherwise everything comes by callback.
    pub query: bool,
    /// The customer submits pictures.
    pub pictures: bool,
    /// It has a health check.
    pub ping: bool,
}

/// A process to submit.
pub struct Submission<'a> {
    /// Our id, which is sent along so that a callback can contain it.
    pub id: ProcessId,
    /// Which submission of the process this is.
    pub round: Round,
    pub request: &'a ProcessRequest,
    /// The pictures that the customer submitted.
    pub pictures: &'a [Picture],
    /// The callback URLs of this process.
    pub callbacks: &'a CallbackUrls,
    pub now: Timestamp,
}

/// The round of a submission: a second one goes to reviewers where the first one went to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// As the customer asked.
    First,
    /// To the provider's reviewers, because the first answer asked for it.
    Escalated,
}

/// A submitted picture. It cannot be printed.
#[derive(Clone)]
pub struct Picture {
    pub kind: EvidenceKind,
    /// A complete JPEG, PNG or PDF.
    pub bytes: Bytes,
}

/// Callback URLs with a token for one process. They cannot be printed, and are absent where our own address is not
/// configured.
#[derive(Default)]
pub struct CallbackUrls {
    /// For [`Purpose::Result`].
    pub result: Option<String>,
    /// For [`Purpose::Certificate`].
    pub certificate: Option<String>,
}

/// A provider's confirmation of a submission.
#[derive(Debug)]
pub struct Submitted {
    /// The provider's own id of the process.
    pub reference: String,
    /// The first answer, where it is there at once.
    pub answer: Option<Answer>,
}

/// A provider's answer about a process.
#[derive(Debug)]
pub struct Answer {
    pub observation: Observation,
    /// Links to the pictures in `observation.media`, by their `source`. They are secrets with a short life.
    pub links: Vec<MediaLink>,
    /// The raw answer.
    pub raw: Bytes,
}

/// A short-lived link to one picture. `Debug` does not show the link.
pub struct MediaLink {
    pub source: String,
    pub url: String,
}

impl std::fmt::Debug for MediaLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaLink").field("source", &self.source).finish_non_exhaustive()
    }
}
