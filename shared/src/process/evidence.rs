//! Evidence: the pictures, videos and raw answers kept for whoever must be shown later what was checked.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ids::{ProcessId, uuid_of};

/// How often a copy is tried, each time with fresh links, before the picture is given up.
pub const MAX_TRIES: u32 = 12;
/// The most pieces of evidence a process keeps.
pub const MAX_PIECES: usize = 100;

/// What a piece of evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The document's front.
    DocumentFront,
    /// The document's back.
    DocumentBack,
    /// The person's face.
    Selfie,
    /// A frame of what the camera saw while a document or a face was being taken.
    Frame,
    /// The recording of the person's session.
    Video,
    /// A picture of a kind that the provider does not explain.
    Other,
    /// The provider's answer, untouched.
    ProviderResponse,
}

impl EvidenceKind {
    /// The name used in answers and object keys.
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

/// One picture or answer of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Follows from the process and `source`, so that one picture can have one entry only.
    pub id: Uuid,
    /// The provider's own identity of it, stable over fresh links.
    pub source: String,
    /// What it shows.
    pub kind: EvidenceKind,
    /// The person's attempt it belongs to, from 1; 0 where it belongs to none.
    pub attempt: u32,
    /// Where the copy stands.
    pub copy: Copy,
    /// When the provider says it was taken.
    pub captured_at: Option<Timestamp>,
}

/// Where the copy of a piece of evidence stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Copy {
    /// Not yet in our bucket.
    Pending {
        /// Failed tries so far.
        tries: u32,
        /// When to try again.
        next_try_at: Timestamp,
        /// Why the last try failed.
        reason: Option<String>,
    },
    /// In our bucket.
    Stored(StoredCopy),
    /// Given up.
    Incomplete {
        /// Why the last try failed.
        reason: String,
    },
}

/// An object in our bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCopy {
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// What its first bytes say it is.
    pub content_type: String,
}

/// A piece of evidence as the provider's answer shows it, and what became of copying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedMedia {
    /// The provider's own identity of it, stable over fresh links.
    pub source: String,
    /// What it shows.
    pub kind: EvidenceKind,
    /// The person's attempt, from 1; 0 where it belongs to none.
    pub attempt: u32,
    /// When the provider says it was taken.
    pub captured_at: Option<Timestamp>,
    /// What became of copying it.
    pub outcome: CopyOutcome,
}

/// What became of one try to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// It was not its turn.
    NotTried,
    /// It is in our bucket.
    Stored(StoredCopy),
    /// It is not, and may be later.
    Failed {
        /// Stable code of the reason.
        reason: String,
    },
    /// It is not and never will be.
    Hopeless {
        /// Stable code of the reason.
        reason: String,
    },
}

/// Whether everything the provider showed us is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceState {
    /// Every piece is stored.
    Complete,
    /// Some pieces are still to be copied.
    Pending,
    /// Some pieces were given up.
    Incomplete,
}

impl EvidenceState {
    /// The name used in answers.
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

    /// Ends the tries of what is still pending.
    pub(super) fn give_up(&mut self, otherwise: &str) {
        if let Copy::Pending { reason, .. } = &self.copy {
            self.copy = Copy::Incomplete { reason: reason.clone().unwrap_or_else(|| otherwise.to_owned()) };
        }
    }

    /// Records one try. What is stored or given up stays as it is.
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

/// How long to wait after `tries` failed tries to copy or fetch something: 15 s, doubled each time, at most 2 hours.
pub(super) fn retry_after(tries: u32) -> SignedDuration {
    SignedDuration::from_secs((15_i64 << tries.min(10)).min(7200))
}
