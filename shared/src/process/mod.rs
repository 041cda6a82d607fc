//! The domain of a verification: what a process is and how it may change. No I/O, no clock, no randomness.
//!
//! A [`Process`] changes only through its methods. Each takes the current time and returns the events that the change made. The
//! caller stores process and events in one write.
//!
//! | file | subject |
//! | --- | --- |
//! | `status` | the states and their legal moves |
//! | `submission` | submitting to the provider, and what its callbacks report |
//! | `observation` | the provider's answers, and how they change a process |
//! | `decision` | the decision of the customer's own reviewer |
//! | `conclusion` | what only time can conclude: deadlines |
//! | `evidence` | a piece of evidence, and the state of its copy |
//! | `copying` | which pieces are copied when, and how often a copy is tried |
//! | `certificate` | the certificate, and how often fetching it is tried |
//! | `findings` | the one shape of results |
//! | `bounded` | how much of a provider's answer a process keeps |
//! | `computed` | checks of our own on what was read |
//! | `escalation` | the second submission: to the provider's reviewers |
//! | `unread` | which parts of a provider's answers could not be read |
//! | `redaction` | removing everything about the person |
//! | `hold` | legal hold, and the locks on objects |
//! | `timeline` | what happened, bounded |
//! | `trouble` | repeated failures, reported once per kind |
//! | `event` | the events that customers are notified of |
//! | `request` | the body of the request |
//! | `summary` | what a list shows of a process |

pub mod bounded;
pub mod certificate;
pub mod computed;
mod conclusion;
mod copying;
mod decision;
pub mod escalation;
pub mod event;
pub mod evidence;
pub mod findings;
pub mod hold;
mod id;
mod observation;
pub mod redaction;
pub mod request;
pub mod status;
mod submission;
pub mod summary;
pub mod timeline;
pub mod trouble;
pub mod unread;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::{Actor, TenantId};
pub use certificate::{Certificate, CertificateFetch, CertificateNews, CertificateProgress, CertificateState};
pub use conclusion::SUBMISSION_GRACE;
pub use copying::MAX_PIECES;
pub use decision::{Decision, MAX_REASON_CHARS, NotInReview, Verdict};
pub use escalation::{Escalation, EscalationOutcome};
pub use event::{Event, EventName};
pub use evidence::{Copy, CopyOutcome, Evidence, EvidenceKind, EvidenceState, ObservedMedia, StoredCopy};
pub use findings::Findings;
pub use hold::{LockStep, ObjectLocks};
pub use id::ProcessId;
pub use observation::{HeldVerdict, Observation};
pub use redaction::{OnHold, Redaction};
pub use request::ProcessRequest;
pub use status::{Inference, Move, Status};
pub use submission::{Refusal, SUBMIT_LEASE};
pub use timeline::Timeline;
pub use trouble::TroubleSeries;
pub use unread::Unread;

/// How long a process may stay open where the request sets no `expires_at`.
pub const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One verification, from its creation on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub id: ProcessId,
    pub tenant: TenantId,
    pub provider: String,
    /// The provider's own id of the process, once known.
    pub provider_reference: Option<String>,
    pub status: Status,
    /// A stable code, where the status alone does not say why.
    pub status_reason: Option<String>,
    /// Set where the terminal status is only our own conclusion.
    pub inference: Option<Inference>,
    pub request: ProcessRequest,
    pub findings: Findings,
    pub evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Unread::is_empty")]
    pub unread: Unread,
    pub timeline: Timeline,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it reached its current terminal status.
    pub ended_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// Until when only the holder of the lease may submit it.
    pub submit_lease_until: Timestamp,
    /// Whether the last submission certainly had no effect at the provider, so that it may be repeated.
    pub unsent: bool,
    pub refusal: Option<Refusal>,
    /// When the newest applied answer was requested.
    pub observed_at: Option<Timestamp>,
    /// When the provider was last asked, whether it answered or not.
    pub asked_at: Option<Timestamp>,
    /// Failed calls to the provider since the last successful one.
    pub failures: u32,
    /// The kinds of these failures.
    #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
    pub trouble: TroubleSeries,
    /// The kinds of failures of copies that are still being tried.
    #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
    pub copy_trouble: TroubleSeries,
    /// A reviewer's verdict that a callback reported and the provider's own answer does not show yet.
    pub held_verdict: Option<HeldVerdict>,
    #[serde(default)]
    pub decision: Option<Decision>,
    #[serde(default)]
    pub certificate: Option<Certificate>,
    #[serde(default)]
    pub escalation: Option<Escalation>,
    /// The uploads that the pictures came from.
    #[serde(default)]
    pub uploads: Vec<Uuid>,
    #[serde(default)]
    pub legal_hold_until: Option<Timestamp>,
    /// The locks on its objects; set as soon as any may exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locks: Option<ObjectLocks>,
    #[serde(default)]
    pub redaction: Option<Redaction>,
    /// The number of events so far.
    pub events: u32,
}

impl Process {
    /// A process that is about to be submitted to its provider.
    #[must_use]
    pub fn new(id: ProcessId, tenant: TenantId, request: ProcessRequest, now: Timestamp) -> Self {
        let legal_hold_until = request.legal_hold_until;
        let mut process = Self {
            id,
            tenant,
            provider: request.provider.clone(),
            provider_reference: None,
            status: Status::Submitting,
            status_reason: None,
            inference: None,
            expires_at: request.expires_at.unwrap_or(now + DEFAULT_LIFE),
            request,
            findings: Findings::default(),
            evidence: Vec::new(),
            unread: Unread::default(),
            timeline: Timeline::default(),
            created_at: now,
            updated_at: now,
            ended_at: None,
            submit_lease_until: now + SUBMIT_LEASE,
            unsent: false,
            refusal: None,
            observed_at: None,
            asked_at: None,
            failures: 0,
            trouble: TroubleSeries::default(),
            copy_trouble: TroubleSeries::default(),
            held_verdict: None,
            decision: None,
            certificate: None,
            escalation: None,
            uploads: Vec::new(),
            legal_hold_until,
            locks: legal_hold_until.map(|_| ObjectLocks::default()),
            redaction: None,
            events: 0,
        };
        process.timeline.push(now, "created", None, None);
        process
    }

    /// Whether the process has ended, and whether copies are pending.
    pub(super) fn stage(&self) -> (bool, bool) {
        (self.status.is_terminal(), self.evidence_state() == EvidenceState::Pending)
    }

    /// The event that an ended process has nothing left to copy, if that was not so `before`.
    pub(super) fn settled_since(&mut self, before: (bool, bool), now: Timestamp) -> Option<Event> {
        let settled = (true, false);
        let is_new = self.stage() == settled && before != settled && !self.evidence.is_empty();
        is_new.then(|| self.event(EventName::ProcessEvidenceSettled, self.status, now))
    }

    pub(super) fn enter(
        &mut self,
        step: Move,
        reason: Option<String>,
        inference: Option<Inference>,
        now: Timestamp,
    ) -> Option<Event> {
        let (status, amended) = match step {
            Move::Stay => return None,
            Move::Advance(status) => (status, false),
            Move::Amend(status) => (status, true),
        };
        let previous = std::mem::replace(&mut self.status, status);
        self.status_reason = reason.as_deref().map(bounded::code);
        self.inference = inference;
        self.ended_at = status.is_terminal().then_some(now);
        let name = if amended { EventName::ProcessAmended } else { EventName::of(status) };
        let entry = if amended { "amended" } else { "status_changed" };
        self.touch(now, entry, Some(format!("{} -> {}", previous.as_str(), status.as_str())));
        Some(self.event(name, previous, now))
    }

    pub(super) fn event(&mut self, name: EventName, previous: Status, now: Timestamp) -> Event {
        self.events += 1;
        Event::new(self.id, self.events, name, now, previous, self.status)
    }

    pub(super) fn touch(&mut self, now: Timestamp, event: &str, detail: Option<String>) {
        self.note(now, event, detail, None);
    }

    /// Records in the timeline what an actor did.
    pub(super) fn done_by(&mut self, by: &Actor, event: &str, now: Timestamp) {
        self.note(now, event, None, Some(by.clone()));
    }

    fn note(&mut self, now: Timestamp, event: &str, detail: Option<String>, by: Option<Actor>) {
        self.timeline.push(now, event, detail, by);
        self.updated_at = self.updated_at.max(now);
    }
}

#[cfg(test)]
mod tests;
