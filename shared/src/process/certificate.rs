//! The certificate of a verification: a PDF that some providers make after the end, fetched and kept.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Event, EventName, Process, TroubleSeries,
    evidence::{StoredCopy, retry_after},
    trouble::told,
};

/// Bytes of a certificate: 10 MiB.
pub const MAX_CERTIFICATE_BYTES: usize = 10 << 20;

/// How often a certificate that the provider announced is fetched before it is given up.
const MAX_TRIES: u32 = 20;
/// How long a certificate may be in the making before it is given up.
const LONGEST_MAKING: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a certificate in the making is left alone at first.
const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait between two looks at one in the making.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);

/// What a provider says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNews {
    /// What to fetch it by.
    pub reference: String,
    /// Where it stands at the provider.
    pub progress: CertificateProgress,
}

/// Where a certificate stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateProgress {
    /// It is being made.
    Making,
    /// It can be fetched.
    Ready,
    /// It will never be.
    Failed,
}

/// The certificate of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// What to fetch it by.
    pub reference: String,
    /// When it was first heard of.
    pub since: Timestamp,
    pub state: CertificateState,
    /// What kinds of failures there were in fetching it.
    #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
    pub trouble: TroubleSeries,
}

/// Where our copy of a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CertificateState {
    Pending {
        /// Whether the provider says that it can be fetched.
        announced: bool,
        /// Failed tries so far.
        tries: u32,
        /// When to try again.
        next_try_at: Timestamp,
    },
    Stored(StoredCopy),
    /// Never to be had.
    Failed {
        /// Stable code of the reason.
        reason: String,
    },
    /// Was in our bucket, until its process was redacted.
    Redacted {
        bytes: u64,
        /// Its SHA-256, in hex.
        sha256: String,
    },
}

impl CertificateState {
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Stored(_) => "stored",
            Self::Failed { .. } => "failed",
            Self::Redacted { .. } => "redacted",
        }
    }
}

/// What became of one try to fetch a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFetch {
    Stored(StoredCopy),
    /// The provider does not have it yet.
    NotYet,
    /// It could not be fetched, or is no certificate.
    Failed {
        /// Stable code of the reason.
        reason: String,
        /// The provider's own code, if there is one.
        provider_code: Option<String>,
    },
}

impl Certificate {
    /// Keeps the proof that it existed, and drops its key.
    pub(super) fn redact(&mut self) {
        self.state = match &self.state {
            CertificateState::Stored(copy) => {
                CertificateState::Redacted { bytes: copy.bytes, sha256: copy.sha256.clone() }
            }
            _ => CertificateState::Failed { reason: "redacted".to_owned() },
        };
    }

    /// Takes what the provider says into account; `known` is what was known before. News of another certificate
    /// replaces one that is not stored.
    #[must_use]
    pub(super) fn told(known: Option<&Self>, news: &CertificateNews, now: Timestamp) -> Self {
        let known = known.filter(|known| known.reference == news.reference);
        let since = known.map_or(now, |known| known.since);
        let trouble = known.map(|known| known.trouble.clone()).unwrap_or_default();
        let state = match (known.map(|known| &known.state), news.progress) {
            (Some(stored @ CertificateState::Stored(_)), _) => stored.clone(),
            (Some(known), CertificateProgress::Making) => known.clone(),
            (Some(known @ CertificateState::Pending { announced: true, .. }), CertificateProgress::Ready) => {
                known.clone()
            }
            (_, CertificateProgress::Ready) => {
                CertificateState::Pending { announced: true, tries: 0, next_try_at: now }
            }
            (None, CertificateProgress::Making) => {
                CertificateState::Pending { announced: false, tries: 0, next_try_at: now + FIRST_LOOK }
            }
            (_, CertificateProgress::Failed) => CertificateState::Failed { reason: "provider_failed".to_owned() },
        };
        Self { reference: news.reference.clone(), since, state, trouble }
    }

    /// Whether a try is due at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_try_at().is_some_and(|at| at <= now)
    }

    /// When the next try is due, while there is one.
    #[must_use]
    pub fn next_try_at(&self) -> Option<Timestamp> {
        match self.state {
            CertificateState::Pending { next_try_at, .. } => Some(next_try_at),
            _ => None,
        }
    }

    /// Records one try. What is stored or given up stays as it is.
    pub(super) fn record(&mut self, fetch: &CertificateFetch, now: Timestamp) {
        let CertificateState::Pending { announced, tries, .. } = self.state else { return };
        let again = |tries| CertificateState::Pending { announced, tries, next_try_at: now + retry_after(tries) };
        self.state = match fetch {
            CertificateFetch::Stored(copy) => CertificateState::Stored(copy.clone()),
            CertificateFetch::NotYet if !announced && now < self.since + LONGEST_MAKING => {
                let wait = now.duration_since(self.since).max(FIRST_LOOK).min(LONGEST_WAIT);
                CertificateState::Pending { announced, tries, next_try_at: now + wait }
            }
            CertificateFetch::NotYet if !announced || tries + 1 >= MAX_TRIES => {
                CertificateState::Failed { reason: "never_made".to_owned() }
            }
            CertificateFetch::Failed { reason, .. } if tries + 1 >= MAX_TRIES => {
                CertificateState::Failed { reason: reason.clone() }
            }
            CertificateFetch::NotYet | CertificateFetch::Failed { .. } => again(tries + 1),
        };
    }

    /// What the timeline says of a try that failed. One that is being made is not missed.
    fn trouble_of(&self, fetch: &CertificateFetch) -> Option<String> {
        match (fetch, &self.state) {
            (CertificateFetch::Failed { reason, provider_code }, _) => Some(told(reason, provider_code.as_deref())),
            (CertificateFetch::NotYet, CertificateState::Pending { announced: true, .. }) => {
                Some("not_found".to_owned())
            }
            _ => None,
        }
    }
}

impl Process {
    /// Takes what the provider says of the certificate into account.
    pub fn certificate_told(&mut self, news: &CertificateNews, now: Timestamp) {
        let told = Certificate::told(self.certificate.as_ref(), news, now);
        if self.certificate.as_ref() != Some(&told) {
            if news.progress != CertificateProgress::Making {
                let entry = match news.progress {
                    CertificateProgress::Failed => "certificate_failed",
                    _ => "certificate_ready",
                };
                self.touch(now, entry, None);
            }
            self.updated_at = self.updated_at.max(now);
            self.certificate = Some(told);
        }
    }

    /// Records one try to fetch the certificate `reference`.
    pub fn certificate_fetched(&mut self, reference: &str, fetch: &CertificateFetch, now: Timestamp) -> Option<Event> {
        let certificate = self.certificate.as_mut().filter(|certificate| certificate.reference == reference)?;
        // What is stored or given up stays as it is.
        certificate.next_try_at()?;
        let trouble = certificate.trouble_of(fetch).filter(|trouble| certificate.trouble.note(trouble));
        certificate.record(fetch, now);
        let after = certificate.state.clone();
        if let Some(trouble) = trouble {
            self.touch(now, "certificate_trouble", Some(trouble));
        }
        match after {
            CertificateState::Stored(_) => {
                self.touch(now, "certificate_stored", None);
                Some(self.event(EventName::ProcessCertificateStored, self.status, now))
            }
            CertificateState::Failed { reason } => {
                self.touch(now, "certificate_given_up", Some(reason));
                None
            }
            CertificateState::Pending { .. } | CertificateState::Redacted { .. } => None,
        }
    }
}
