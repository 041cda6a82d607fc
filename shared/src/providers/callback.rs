//! What a company calls back with, before it is believed.

use std::net::IpAddr;

use ::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::process::{CertificateNews, HeldVerdict, ProcessId, Status};

/// What a callback URL of ours is for. One made for one purpose serves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything about a whole account, at a company that has one URL for all of it.
    Webhook,
    /// The result of one process.
    Result,
    /// The certificate of one process.
    Certificate,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Result, Self::Certificate];
}

/// A callback as it came in, at a URL whose token was checked.
pub struct IncomingCallback<'a> {
    /// What the URL was made for.
    pub purpose: Purpose,
    /// The process that the URL was made for; `None` for a whole account.
    pub process: Option<ProcessId>,
    /// The address it came from, where that is known.
    pub source: Option<IpAddr>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

#[cfg(test)]
impl<'a> IncomingCallback<'a> {
    /// One at the URL of a whole account.
    pub(crate) fn webhook(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { purpose: Purpose::Webhook, process: None, source: None, headers, body }
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
    /// What it says of the certificate.
    pub certificate: Option<CertificateNews>,
    /// Whether its body is itself the answer, since the provider cannot be asked for it.
    pub is_result: bool,
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
