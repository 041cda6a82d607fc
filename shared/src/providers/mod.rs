//! The verification companies.
//!
//! A provider is one folder and one line in [`PROVIDERS`]. It is a stateless translator between Cotejo's terms and the
//! company's: it never touches the store, S3 or the clock. Each folder holds the same files:
//!
//! | file | subject |
//! | --- | --- |
//! | `mod` | the account, and the connector: requests, and which answer means which error |
//! | `wire` | the company's JSON, as documented and as really seen |
//! | `options` | what a customer may say only to this company, and its checks |
//! | `mapping` | from Cotejo's terms to the company's and back |
//! | `tests`, `fixtures/` | the company's own sample bodies, named by their seed |
//!
//! What companies have in common is beside the folders: `registry` (which there are, and a tenant's account at one),
//! `http` (calling them), `token` (access tokens), `callback` (what they call back with), `wire` (reading their JSON),
//! `repair` (JSON that is none), `contact` (how a person is reached).

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
pub use registry::{ConnectError, Connection, NoProvider, ProviderFactories, ProviderFactory, Providers};

/// Every provider that Cotejo connects. A new one is one line here.
pub const PROVIDERS: ProviderFactories = &[&auco::Factory, &link::Factory, &tecalis::Factory];

/// What Cotejo asks of a verification company. What not every company can do has a default that says so.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What can be asked of it at all.
    fn capabilities(&self) -> Capabilities;

    /// Checks a request before anything is stored or sent; every problem is listed, each under the field's path.
    fn check(&self, request: &ProcessRequest, now: Timestamp) -> Vec<FieldError>;

    /// Hands a process over.
    async fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, ProviderError>;

    /// Asks how a process stands. Only where [`Capabilities::query`] says so.
    async fn query(&self, _reference: &str, _now: Timestamp) -> Result<Answer, ProviderError> {
        Err(ProviderError::not_found())
    }

    /// Reads a callback. Nothing but its authenticity and form is judged here.
    fn read_callback(&self, callback: &IncomingCallback<'_>) -> Result<Callback, CallbackRefused>;

    /// Which processes a callback may be about that [`Self::read_callback`] found malformed, at the URL of a whole account.
    fn mentions(&self, _body: &[u8]) -> Mentions {
        Mentions::default()
    }

    /// The answer that a callback's body is, where [`Callback::is_result`] said that it is one.
    fn read_result(&self, _request: &ProcessRequest, _body: &Bytes, _received_at: Timestamp) -> Option<Answer> {
        None
    }

    /// Fetches a certificate by the reference that [`crate::process::CertificateNews`] named, as it comes. `NotFound`
    /// while it is being made.
    async fn certificate(&self, _reference: &str, _now: Timestamp) -> Result<Bytes, ProviderError> {
        Err(ProviderError::not_found())
    }

    /// Whether the company answers and knows the account. Only where [`Capabilities::ping`] says so.
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

/// What can be asked of a company.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Handing the same process over twice leaves one process there.
    pub repeatable_submission: bool,
    /// It says how a process stands when it is asked; otherwise all there is to know comes by itself.
    pub query: bool,
    /// It takes pictures from the customer.
    pub pictures: bool,
    /// It can be asked whether it is well.
    pub ping: bool,
}

/// A process to be handed over.
pub struct Submission<'a> {
    /// Our id of it, which travels along so that a callback can name it.
    pub id: ProcessId,
    /// Which submission of the process this is.
    pub round: Round,
    /// What was asked for.
    pub request: &'a ProcessRequest,
    /// The pictures that the customer submitted.
    pub pictures: &'a [Picture],
    /// Where the company may call back about this process alone.
    pub callbacks: &'a CallbackUrls,
    /// The present moment.
    pub now: Timestamp,
}

/// A process may be handed over a second time, to people where the first time was to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// As the customer asked.
    First,
    /// To the company's reviewers, because the first answer asked for it.
    Escalated,
}

/// A picture that the customer submitted. Cannot be printed.
#[derive(Clone)]
pub struct Picture {
    /// What it shows.
    pub kind: EvidenceKind,
    /// Its bytes: a whole JPEG, PNG or PDF.
    pub bytes: Bytes,
}

/// URLs of ours that end in a token for one process. Cannot be printed; absent where our own address is not known.
#[derive(Default)]
pub struct CallbackUrls {
    /// For [`Purpose::Result`].
    pub result: Option<String>,
    /// For [`Purpose::Certificate`].
    pub certificate: Option<String>,
}

/// The provider has taken a process.
#[derive(Debug)]
pub struct Submitted {
    /// The provider's own id of it.
    pub reference: String,
    /// What it says of it already.
    pub answer: Option<Answer>,
}

/// What a provider says about a process.
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
