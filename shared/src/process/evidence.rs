//! Evidence: the pictures, videos and raw answers kept for whoever must be shown later what was checked.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, Process, ProcessId, bounded::MAX_SOURCE};
use crate::common::ids::uuid_of;

/// How often a copy is tried, each time with fresh links, before the picture is given up.
pub const MAX_TRIES: u32 = 12;
/// The most pieces of evidence a process keeps.
pub const MAX_PIECES: usize = 100;

/// The most pieces among them that a provider said and that are no answer.
pub const MAX_SAID: usize = 10;

/// What the identities of submitted pictures begin with.
const SUBMITTED: &str = "submitted/";
/// What the identities of refusals, and of what nobody could read, begin with.
const SAID: &str = "said/";

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
    /// The identity of the picture of this kind that the customer submitted.
    #[must_use]
    pub fn submitted_source(self) -> String {
        format!("{SUBMITTED}{}", self.as_str())
    }

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
    /// It was in our bucket, until the process was redacted.
    Redacted {
        /// Its length.
        bytes: u64,
        /// Its SHA-256, lower-case hex.
        sha256: String,
        /// What its first bytes said it was.
        content_type: String,
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

impl ObservedMedia {
    /// Something that a provider said at `now` and that is no answer: a refusal, or what nobody could read. `sha256` is its
    /// hash, so that the same words again are the same piece.
    #[must_use]
    pub fn said(sha256: &str, outcome: CopyOutcome, now: Timestamp) -> Self {
        let (source, kind) = (format!("{SAID}{sha256}"), EvidenceKind::ProviderResponse);
        Self { source, kind, attempt: 0, captured_at: Some(now), outcome }
    }
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
    /// Some pieces were given up, or something of the provider's answer could not be read and may be more of them.
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

    /// Whether nobody has tried to copy it yet.
    #[must_use]
    pub fn is_untried(&self) -> bool {
        matches!(self.copy, Copy::Pending { tries: 0, .. })
    }

    /// Ends the tries of what is still pending.
    pub(super) fn give_up(&mut self, otherwise: &str) {
        if let Copy::Pending { reason, .. } = &self.copy {
            self.copy = Copy::Incomplete { reason: reason.clone().unwrap_or_else(|| otherwise.to_owned()) };
        }
    }

    /// Keeps what proves that it was there, and forgets where.
    pub(super) fn redact(&mut self) {
        self.copy = match std::mem::replace(&mut self.copy, Copy::Incomplete { reason: "redacted".to_owned() }) {
            Copy::Stored(StoredCopy { bytes, sha256, content_type, .. }) => {
                Copy::Redacted { bytes, sha256, content_type }
            }
            Copy::Pending { .. } => return,
            other => other,
        };
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

impl Process {
    /// Whether every piece of evidence is kept.
    #[must_use]
    pub fn evidence_state(&self) -> EvidenceState {
        match EvidenceState::of(&self.evidence) {
            EvidenceState::Complete if !self.unread.present.is_empty() => EvidenceState::Incomplete,
            state => state,
        }
    }

    /// The positions of what should be copied at `now`: each piece once that is new and will have an entry, or whose next
    /// try is due.
    #[must_use]
    pub fn wanted_copies(&self, shown: &[ObservedMedia], now: Timestamp) -> Vec<usize> {
        let known: HashMap<&str, &Evidence> =
            self.evidence.iter().map(|piece| (piece.source.as_str(), piece)).collect();
        let (mut seen, mut wanted) = (HashSet::new(), Vec::new());
        let mut room = MAX_PIECES.saturating_sub(self.evidence.len());
        for (at, media) in shown.iter().enumerate() {
            if !seen.insert(media.source.as_str()) {
                continue;
            }
            let is_wanted = match known.get(media.source.as_str()) {
                Some(piece) => piece.is_due(now),
                None if room == 0 || media.source.len() > MAX_SOURCE => false,
                None => {
                    room -= 1;
                    true
                }
            };
            if is_wanted && media.outcome == CopyOutcome::NotTried {
                wanted.push(at);
            }
        }
        wanted
    }

    /// When the next try to copy a picture is due. A video is copied beside the process, by work of its own.
    #[must_use]
    pub fn next_copy_at(&self) -> Option<Timestamp> {
        let pending = |piece: &Evidence| match piece.copy {
            Copy::Pending { next_try_at, .. } => Some(next_try_at),
            Copy::Stored(_) | Copy::Incomplete { .. } | Copy::Redacted { .. } => None,
        };
        self.evidence.iter().filter(|piece| piece.kind != EvidenceKind::Video).filter_map(pending).min()
    }

    /// Takes what the customer submitted among the evidence: it is stored already.
    pub fn take_submitted(&mut self, pictures: &[ObservedMedia], now: Timestamp) {
        for picture in pictures {
            self.note_media(picture, now);
        }
    }

    /// Takes something among the evidence that a provider said and that is no answer. Beyond [`MAX_SAID`] of them only the
    /// timeline tells of more.
    pub fn keep_said(&mut self, said: &ObservedMedia, now: Timestamp) {
        let is_said = |piece: &&Evidence| piece.source.starts_with(SAID);
        let is_known = self.evidence.iter().any(|piece| piece.source == said.source);
        if is_known || self.evidence.iter().filter(is_said).count() < MAX_SAID {
            self.note_media(said, now);
        }
    }

    /// The pictures that the customer submitted, with their copies.
    pub fn submitted_pictures(&self) -> impl Iterator<Item = (EvidenceKind, &StoredCopy)> {
        self.evidence.iter().filter(|piece| piece.source.starts_with(SUBMITTED)).filter_map(|piece| match &piece.copy {
            Copy::Stored(copy) => Some((piece.kind, copy)),
            _ => None,
        })
    }

    /// Records what became of one try to copy the piece `id` beside the process.
    pub fn copied(&mut self, id: Uuid, outcome: &CopyOutcome, now: Timestamp) -> Vec<Event> {
        let (before, given_up) = (self.stage(), self.given_up());
        if let Some(piece) = self.evidence.iter_mut().find(|piece| piece.id == id) {
            piece.record(outcome, now);
            self.updated_at = self.updated_at.max(now);
        }
        self.tell_copies(&given_up, now);
        self.settled_since(before, now).into_iter().collect()
    }

    /// Why pieces were given up, so far.
    pub(super) fn given_up(&self) -> BTreeSet<String> {
        let reason = |piece: &Evidence| match &piece.copy {
            Copy::Incomplete { reason } => Some(reason.clone()),
            _ => None,
        };
        self.evidence.iter().filter_map(reason).collect()
    }

    /// Puts into the timeline what is new about copies that fail: each change of the kinds of trouble, and each kind of
    /// reason for which pieces were given up and that is not among `given_up`.
    pub(super) fn tell_copies(&mut self, given_up: &BTreeSet<String>, now: Timestamp) {
        let reason = |piece: &Evidence| match &piece.copy {
            Copy::Pending { reason, .. } => reason.clone(),
            _ => None,
        };
        let failing: BTreeSet<String> = self.evidence.iter().filter_map(reason).collect();
        if failing.is_empty() {
            self.copy_trouble.end();
        } else {
            let kinds = failing.into_iter().collect::<Vec<_>>().join(", ");
            if self.copy_trouble.note(&kinds) {
                self.touch(now, "copy_trouble", Some(kinds));
            }
        }
        for reason in self.given_up().difference(given_up) {
            self.touch(now, "copy_given_up", Some(reason.clone()));
        }
    }

    /// What waits for its next try and is not in the answer at all has had that try.
    pub(super) fn miss_media(&mut self, shown: &[ObservedMedia], now: Timestamp) {
        let missed =
            |piece: &&mut Evidence| piece.is_due(now) && shown.iter().all(|media| media.source != piece.source);
        for piece in self.evidence.iter_mut().filter(missed) {
            piece.record(&CopyOutcome::Failed { reason: "not_shown".to_owned() }, now);
            self.updated_at = now;
        }
    }

    pub(super) fn note_media(&mut self, media: &ObservedMedia, now: Timestamp) {
        let known = self.evidence.iter().position(|piece| piece.source == media.source);
        let position = match known {
            Some(position) => position,
            None if self.evidence.len() < MAX_PIECES && media.source.len() <= MAX_SOURCE => {
                self.evidence.push(Evidence::first_seen(self.id, media, now));
                self.evidence.len() - 1
            }
            None => return self.note_limit(now),
        };
        let piece = &mut self.evidence[position];
        let before = piece.clone();
        piece.record(&media.outcome, now);
        if *piece != before {
            self.updated_at = now;
        }
    }
}

/// How long to wait after `tries` failed tries to copy or fetch something: 15 s, doubled each time, at most 2 hours.
pub(super) fn retry_after(tries: u32) -> SignedDuration {
    SignedDuration::from_secs((15_i64 << tries.min(10)).min(7200))
}
