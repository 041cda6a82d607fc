//! Evidence: pictures, videos and raw answers that prove later what was checked. This file says what a piece is and how its copy
//! stands; `copying` says which pieces of a process are copied when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ProcessId;
use crate::common::ids::uuid_of;

/// How often a copy is tried, each time with fresh links.
pub const MAX_TRIES: u32 = 12;

/// The prefix of the sources of pictures that the customer submitted.
pub(super) const SUBMITTED: &str = "submitted/";
/// The prefix of the sources of refusals and unreadable answers.
pub(super) const SAID: &str = "said/";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    DocumentFront,
    DocumentBack,
    Selfie,
    /// A camera frame from the capture of a document or a face.
    Frame,
    /// A recording of the session.
    Video,
    /// A picture that the provider does not explain.
    Other,
    /// The provider's raw answer.
    ProviderResponse,
}

impl EvidenceKind {
    /// The source of the picture of this kind that the customer submitted.
    #[must_use]
    pub fn submitted_source(self) -> String {
        format!("{SUBMITTED}{}", self.as_str())
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentFront => "document_front",
            Self::DocumentBack => "document_back",
            Self::Selfie => "selfie",
            Self::Frame => "frame",
            Self::Video => "video",
            Self::Other => "other",
            Self::ProviderResponse => "provider_response",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Derived from the process and `source`, so that a picture has only one entry.
    pub id: Uuid,
    /// The provider's own identity of the picture; fresh links do not change it.
    pub source: String,
    pub kind: EvidenceKind,
    /// The person's attempt, from 1; 0 where it belongs to none.
    pub attempt: u32,
    pub copy: Copy,
    /// When the provider says it was taken.
    pub captured_at: Option<Timestamp>,
}

/// The state of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Copy {
    Pending {
        /// Failed tries so far.
        tries: u32,
        next_try_at: Timestamp,
        /// A stable code: why the last try failed.
        reason: Option<String>,
    },
    Stored(StoredCopy),
    /// Given up.
    Incomplete {
        /// A stable code: why the last try failed.
        reason: String,
    },
    /// Deleted with the redaction of the process.
    Redacted {
        bytes: u64,
        /// Lower-case hex.
        sha256: String,
        /// From its first bytes.
        content_type: String,
    },
}

/// An object in our bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCopy {
    pub key: String,
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// From its first bytes.
    pub content_type: String,
}

/// A piece of evidence in a provider's answer, and the outcome of copying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedMedia {
    /// The provider's own identity of the picture; fresh links do not change it.
    pub source: String,
    pub kind: EvidenceKind,
    /// The person's attempt, from 1; 0 where it belongs to none.
    pub attempt: u32,
    /// When the provider says it was taken.
    pub captured_at: Option<Timestamp>,
    pub outcome: CopyOutcome,
}

impl ObservedMedia {
    /// A refusal or an unreadable answer, received at `now`. `sha256` is its hash, so that the same text again is the same piece.
    #[must_use]
    pub fn said(sha256: &str, outcome: CopyOutcome, now: Timestamp) -> Self {
        let (source, kind) = (format!("{SAID}{sha256}"), EvidenceKind::ProviderResponse);
        Self { source, kind, attempt: 0, captured_at: Some(now), outcome }
    }
}

/// The outcome of one try to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    NotTried,
    Stored(StoredCopy),
    /// The copy is tried again.
    Failed {
        /// A stable code.
        reason: String,
    },
    /// The copy is given up.
    Hopeless {
        /// A stable code.
        reason: String,
    },
}

/// Whether everything that the provider showed is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceState {
    Complete,
    Pending,
    /// Some pieces were given up, or part of an answer could not be read and may contain more.
    Incomplete,
}

impl EvidenceState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pending => "pending",
            Self::Incomplete => "incomplete",
        }
    }

    /// The state of a list of evidence.
    #[must_use]
    pub fn of(evidence: &[Evidence]) -> Self {
        if evidence.iter().any(|piece| matches!(piece.copy, Copy::Pending { .. })) {
            Self::Pending
        } else if evidence.iter().any(|piece| matches!(piece.copy, Copy::Incomplete { .. })) {
            Self::Incomplete
        } else {
            Self::Complete
        }
    }
}

impl Evidence {
    pub(super) fn first_seen(process: ProcessId, media: &ObservedMedia, now: Timestamp) -> Self {
        Self {
            id: uuid_of(&["evidence", &process.to_string(), &media.source]),
            source: media.source.clone(),
            kind: media.kind,
            attempt: media.attempt,
            copy: Copy::Pending { tries: 0, next_try_at: now, reason: None },
            captured_at: media.captured_at,
        }
    }

    /// Whether a try is due at `now`.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.copy, Copy::Pending { next_try_at, .. } if next_try_at <= now)
    }

    #[must_use]
    pub fn is_untried(&self) -> bool {
        matches!(self.copy, Copy::Pending { tries: 0, .. })
    }

    /// Gives up a pending copy, with the reason of its last try or `otherwise`.
    pub(super) fn give_up(&mut self, otherwise: &str) {
        if let Copy::Pending { reason, .. } = &self.copy {
            self.copy = Copy::Incomplete { reason: reason.clone().unwrap_or_else(|| otherwise.to_owned()) };
        }
    }

    /// Keeps the proof that the piece existed, and drops its key.
    pub(super) fn redact(&mut self) {
        self.copy = match std::mem::replace(&mut self.copy, Copy::Incomplete { reason: "redacted".to_owned() }) {
            Copy::Stored(StoredCopy { bytes, sha256, content_type, .. }) => {
                Copy::Redacted { bytes, sha256, content_type }
            }
            Copy::Pending { .. } => return,
            other => other,
        };
    }

    /// Records one try. A copy that is stored or given up stays as it is.
    pub(super) fn record(&mut self, outcome: &CopyOutcome, now: Timestamp) {
        let Copy::Pending { tries, .. } = self.copy else { return };
        self.copy = match outcome {
            CopyOutcome::NotTried => return,
            CopyOutcome::Stored(stored) => Copy::Stored(stored.clone()),
            CopyOutcome::Hopeless { reason } => Copy::Incomplete { reason: reason.clone() },
            CopyOutcome::Failed { reason } if tries + 1 >= MAX_TRIES => Copy::Incomplete { reason: reason.clone() },
            CopyOutcome::Failed { reason } => {
                Copy::Pending { tries: tries + 1, next_try_at: now + retry_after(tries), reason: Some(reason.clone()) }
            }
        };
    }
}

/// The wait after `tries` failed tries to copy or fetch: 15 s, doubled each time, at most 2 hours.
pub(super) fn retry_after(tries: u32) -> SignedDuration {
    SignedDuration::from_secs((15_i64 << tries.min(10)).min(7200))
}
