//! The domain of a verification: what a process is and how it may change. No I/O, no clock, no randomness.
//!
//! A [`Process`] changes only through its methods, each of which takes the present moment and returns the events that
//! the change made. The caller stores process and events in one write.
//!
//! | file | subject |
//! | --- | --- |
//! | `status` | the states and their legal moves |
//! | `evidence` | pictures and raw answers, and how often a copy is tried |
//! | `certificate` | the certificate, and how often fetching it is tried |
//! | `findings` | the one shape of results |
//! | `bounded` | how much is kept of what companies say |
//! | `computed` | checks of our own on what was read |
//! | `escalation` | the second submission, to the provider's reviewers |
//! | `unread` | what of the provider's answers could not be read |
//! | `redaction` | removing everything about the person |
//! | `hold` | keeping that from happening, and what of it is locked meanwhile |
//! | `timeline` | what happened, bounded |
//! | `trouble` | what goes wrong again and again, told by its kinds |
//! | `event` | what the customer is told |
//! | `request` | what the customer asked for |
//! | `summary` | what a list shows of a process |

pub mod bounded;
pub mod certificate;
pub mod computed;
pub mod escalation;
pub mod event;
pub mod evidence;
pub mod findings;
pub mod hold;
mod id;
pub mod redaction;
pub mod request;
pub mod status;
pub mod summary;
pub mod timeline;
pub mod trouble;
pub mod unread;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::{Actor, Private, TenantId};
pub use certificate::{Certificate, CertificateFetch, CertificateNews, CertificateProgress, CertificateState};
pub use escalation::{Escalation, EscalationOutcome};
pub use event::{Event, EventName};
pub use evidence::{Copy, CopyOutcome, Evidence, EvidenceKind, EvidenceState, ObservedMedia, StoredCopy};
pub use findings::Findings;
pub use hold::{LockStep, ObjectLocks};
pub use id::ProcessId;
pub use redaction::{OnHold, Redaction};
pub use request::ProcessRequest;
pub use status::{Inference, Move, Status};
pub use timeline::Timeline;
pub use trouble::TroubleSeries;
pub use unread::Unread;

/// How long a create call may keep the right to be the only one submitting.
pub const SUBMIT_LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long an unconfirmed submission may stay unconfirmed where it must not be repeated.
pub const SUBMISSION_GRACE: SignedDuration = SignedDuration::from_hours(1);
/// How long the provider may stay unreachable after the deadline before we conclude without it.
const DEADLINE_GRACE: SignedDuration = SignedDuration::from_hours(24);
/// How long after its end a process's pictures are still asked for.
const EVIDENCE_GRACE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a process may stay open where the request names no end.
pub const DEFAULT_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One verification, from its creation on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Name of the verification company.
    pub provider: String,
    /// The company's own id of it, once known.
    pub provider_reference: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Why, as a stable code, where the state alone does not say.
    pub status_reason: Option<String>,
    /// Set where the terminal state is only our own conclusion.
    pub inference: Option<Inference>,
    /// What was asked for.
    pub request: ProcessRequest,
    /// What was found out.
    pub findings: Findings,
    /// Pictures and raw answers.
    pub evidence: Vec<Evidence>,
    /// What of the provider's answers could not be read.
    #[serde(default, skip_serializing_if = "Unread::is_empty")]
    pub unread: Unread,
    /// What happened.
    pub timeline: Timeline,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it reached its present terminal state.
    pub ended_at: Option<Timestamp>,
    /// Until when the person may finish it.
    pub expires_at: Timestamp,
    /// Until when the create call alone may submit it.
    pub submit_lease_until: Timestamp,
    /// Whether the last try to submit it surely had no effect at the provider, so that it may be tried again.
    pub unsent: bool,
    /// What the provider said when it refused to take it.
    pub refusal: Option<Refusal>,
    /// When the newest answer that was applied had been asked for.
    pub observed_at: Option<Timestamp>,
    /// When the provider was last asked, with or without an answer.
    pub looked_at: Option<Timestamp>,
    /// Calls to the provider that failed since the last one that did not.
    pub failures: u32,
    /// What kinds of failures these were.
    #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
    pub trouble: TroubleSeries,
    /// Likewise for copies that are still being tried.
    #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
    pub copy_trouble: TroubleSeries,
    /// A reviewer's decision that came by callback and that the provider's own answer does not show yet.
    pub held_verdict: Option<HeldVerdict>,
    /// What the customer's own reviewer decided.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// The certificate, where one was asked for.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// The second submission, where the first answer asked for one.
    #[serde(default)]
    pub escalation: Option<Escalation>,
    /// Uploads that the pictures came from.
    #[serde(default)]
    pub uploads: Vec<Uuid>,
    /// Until when it must not be redacted.
    #[serde(default)]
    pub legal_hold_until: Option<Timestamp>,
    /// Which of its objects are locked for that, if any may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locks: Option<ObjectLocks>,
    /// Set once everything about the person was removed.
    #[serde(default)]
    pub redaction: Option<Redaction>,
    /// Number of events made so far.
    pub events: u32,
}

/// Characters of a reviewer's reason.
pub const MAX_REASON_CHARS: usize = 500;

/// The decision of a customer's own reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// Why, in the reviewer's words.
    pub reason: Private<String>,
    /// Who decided.
    pub decided_by: Actor,
    /// When.
    pub decided_at: Timestamp,
}

/// What a reviewer can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The identity is confirmed.
    Approved,
    /// It is not.
    Rejected,
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::Rejected => Self::Rejected,
        }
    }
}

/// Only what is in review can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process is not in review")]
pub struct NotInReview;

/// The provider's refusal to take a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The provider's own code, or one of ours where it gave none.
    pub code: String,
}

/// A decision known by callback only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldVerdict {
    /// The decision.
    pub status: Status,
    /// The provider's code of it.
    pub code: String,
    /// Why, as a code, where the callback said.
    #[serde(default)]
    pub reason: Option<String>,
    /// From when on it counts although the provider's answer still says "in review".
    pub usable_at: Timestamp,
}

/// What a provider's answer says about a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// When the question was asked.
    pub observed_at: Timestamp,
    /// Its state in our terms.
    pub status: Status,
    /// Why, as a stable code.
    pub reason: Option<String>,
    /// What was found out.
    pub findings: Findings,
    /// Every picture the answer shows.
    pub media: Vec<ObservedMedia>,
    /// What it says of the certificate.
    pub certificate: Option<CertificateNews>,
    /// Whether the process should be handed over once more, to the provider's reviewers.
    pub escalate: bool,
    /// The places of the answer that could not be read. Names of ours or of the provider's documentation, never what it
    /// sent.
    pub unread: Vec<String>,
}

impl Process {
    /// A process that is about to be submitted.
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
            looked_at: None,
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

    /// The provider itself says that it has the process under `reference`. Learning the same again changes nothing; what
    /// a callback had claimed before is corrected.
    pub fn submitted(&mut self, reference: &str, now: Timestamp) -> Vec<Event> {
        if self.provider_reference.as_deref() == Some(reference) {
            return Vec::new();
        }
        self.provider_reference = Some(reference.to_owned());
        self.unsent = false;
        self.answered();
        self.touch(now, "submitted", None);
        self.enter(Move::between(self.status, self.inference, Status::InProgress), None, None, now)
            .into_iter()
            .collect()
    }

    /// Takes the right to submit once more: until a new lease ends nobody else does, and should this one stop half way,
    /// nobody knows whether it had its effect.
    pub fn claim_submission(&mut self, now: Timestamp) {
        self.unsent = false;
        self.submit_lease_until = now + SUBMIT_LEASE;
    }

    /// The provider refuses it.
    pub fn refused(&mut self, refusal: Refusal, now: Timestamp) -> Vec<Event> {
        if self.status != Status::Submitting {
            return Vec::new();
        }
        let refusal = Refusal { code: bounded::code(&refusal.code) };
        self.touch(now, "refused", Some(refusal.code.clone()));
        self.refusal = Some(refusal);
        let reason = Some("refused_by_provider".to_owned());
        self.enter(Move::Advance(Status::Failed), reason, None, now).into_iter().collect()
    }

    /// A callback came; `code` is the provider's state in it.
    pub fn called_back(&mut self, code: &str, received_at: Timestamp, verdict: Option<HeldVerdict>) {
        let reason = verdict.as_ref().and_then(|verdict| verdict.reason.as_deref());
        self.touch(received_at, "callback_received", Some(trouble::told(code, reason)));
        if let Some(verdict) = verdict {
            self.held_verdict = Some(verdict);
        }
    }

    /// Believes a callback's word for the reference, where the provider's own answer never came.
    pub fn adopt_reference(&mut self, reference: &str, now: Timestamp) -> Vec<Event> {
        if self.provider_reference.is_some() { Vec::new() } else { self.submitted(reference, now) }
    }

    /// Applies a provider's answer and says what is new in it. Answers may come twice, late and in any order.
    pub fn apply(&mut self, observation: &Observation, now: Timestamp) -> Vec<Event> {
        self.answered();
        self.looked_at = Some(now);
        let (before, given_up) = (self.stage(), self.given_up());
        let stale = self.observed_at.is_some_and(|newest| observation.observed_at < newest);
        if !stale {
            self.note_unread(&observation.unread, now);
            self.miss_media(&observation.media, now);
        }
        for media in &observation.media {
            self.note_media(media, now);
        }
        self.tell_copies(&given_up, now);
        let mut events = Vec::new();
        if !stale {
            let findings = self.findings_of(observation);
            self.observed_at = Some(observation.observed_at);
            if self.findings != findings {
                self.findings = findings;
                self.updated_at = now;
            }
            let (status, reason) = self.verdict_of(observation, now);
            self.learn_reason(status, reason.as_deref(), now);
            events.extend(self.enter(Move::between(self.status, self.inference, status), reason, None, now));
            if status == self.status && self.status.is_terminal() {
                // The provider itself now says what we had inferred.
                self.inference = None;
            }
            if observation.escalate {
                self.want_escalation(now);
            }
        }
        let known = |news: &&CertificateNews| news.reference.len() <= bounded::MAX_REFERENCE;
        if let Some(news) = observation.certificate.as_ref().filter(known) {
            self.certificate_told(news, now);
        }
        events.extend(self.settled_since(before, now));
        events
    }

    /// There was nobody to ask: all there is to know comes by itself.
    pub fn looked(&mut self, now: Timestamp) {
        self.looked_at = Some(now);
    }

    /// Takes the decision of a customer's own reviewer. The same verdict again changes nothing.
    ///
    /// # Errors
    /// There is nothing to decide, or it was decided otherwise.
    pub fn decide(&mut self, decision: Decision) -> Result<Vec<Event>, NotInReview> {
        if self.decision.as_ref().is_some_and(|taken| taken.verdict == decision.verdict) {
            return Ok(Vec::new());
        }
        if self.status != Status::InReview {
            return Err(NotInReview);
        }
        let (verdict, now) = (decision.verdict.into(), decision.decided_at);
        let before = self.stage();
        // What a callback said before is older than this.
        self.held_verdict = None;
        self.done_by(&decision.decided_by, "decided", now);
        self.decision = Some(decision);
        let reason = Some("decided_by_reviewer".to_owned());
        let step = Move::between(self.status, self.inference, verdict);
        let mut events: Vec<_> = self.enter(step, reason, None, now).into_iter().collect();
        events.extend(self.settled_since(before, now));
        Ok(events)
    }

    /// Concludes what only time can conclude: a deadline that passed, a submission that nobody ever confirmed, pictures
    /// that a provider out of reach never showed again.
    pub fn conclude(&mut self, now: Timestamp) -> Vec<Event> {
        let (before, given_up) = (self.stage(), self.given_up());
        if self.ended_at.is_some_and(|ended| now >= ended + EVIDENCE_GRACE)
            && self.evidence_state() == EvidenceState::Pending
        {
            for piece in &mut self.evidence {
                piece.give_up("provider_unavailable");
            }
            self.updated_at = self.updated_at.max(now);
            self.tell_copies(&given_up, now);
        }
        let asked_since = |moment| self.looked_at.is_some_and(|at| at >= moment) && self.failures == 0;
        let overdue = self.status == Status::InProgress
            && now >= self.expires_at
            && (asked_since(self.expires_at) || now >= self.expires_at + DEADLINE_GRACE);
        let unknown = self.status == Status::Submitting
            && self.provider_reference.is_none()
            && now >= self.created_at + SUBMISSION_GRACE;
        let event = if overdue {
            let reason = Some("deadline_passed".to_owned());
            self.enter(Move::Advance(Status::Expired), reason, Some(Inference::Deadline), now)
        } else if unknown {
            let reason = Some("submission_unknown".to_owned());
            self.enter(Move::Advance(Status::Failed), reason, Some(Inference::SubmissionUnknown), now)
        } else {
            None
        };
        event.into_iter().chain(self.settled_since(before, now)).collect()
    }

    /// Whether a reviewer's decision that is known by callback only has still to take its effect.
    #[must_use]
    pub fn awaits_held_verdict(&self) -> bool {
        self.held_verdict.as_ref().is_some_and(|held| held.status != self.status)
    }

    /// What an answer found, with our own checks behind the provider's.
    ///
    /// Ours depend on the request, on what was read and on the day. They are made on the day a reading is first seen, and
    /// stay until something else is read: a document that was valid when it was shown does not fail because somebody asks
    /// again after it expired. What a process that ended shows later was still read before its end, unless that end was
    /// only inferred.
    fn findings_of(&self, observation: &Observation) -> Findings {
        let mut findings = observation.findings.clone().bounded();
        if self.observed_at.is_some() && self.findings.extracted == findings.extracted {
            let ours = self.findings.checks.iter().filter(|check| check.source == findings::Source::Computed);
            findings.checks.extend(ours.cloned());
        } else {
            let ended = self.ended_at.filter(|_| self.inference.is_none());
            let read_at = ended.map_or(observation.observed_at, |ended| ended.min(observation.observed_at));
            let day = read_at.to_zoned(TimeZone::UTC).date();
            findings.checks.extend(computed::checks(&self.request, &findings.extracted, day));
        }
        findings
    }

    /// The state an answer means, with the held verdict in place of an "in review" that outlived it, and with its reason where
    /// the answer shows the same and gives none. An end that says otherwise counts, but it may be from before the verdict: only
    /// what is answered after the verdict's time settles it.
    fn verdict_of(&mut self, observation: &Observation, now: Timestamp) -> (Status, Option<String>) {
        let (status, reason) = (observation.status, observation.reason.clone());
        let Some(held) = self.held_verdict.take() else { return (status, reason) };
        let is_usable = held.usable_at <= now;
        if status == held.status {
            return (status, reason.or(held.reason).or(Some(held.code)));
        }
        if status == Status::InReview && is_usable {
            return (held.status, held.reason.or(Some(held.code)));
        }
        if !(status.is_terminal() && is_usable) {
            self.held_verdict = Some(held);
        }
        (status, reason)
    }

    /// The reason of an end may come later than the end itself.
    fn learn_reason(&mut self, status: Status, reason: Option<&str>, now: Timestamp) {
        if status == self.status && status.is_terminal() && self.status_reason.is_none() && reason.is_some() {
            self.status_reason = reason.map(bounded::code);
            self.touch(now, "reason_learnt", self.status_reason.clone());
        }
    }

    /// What settling evidence depends on.
    pub(super) fn stage(&self) -> (bool, bool) {
        (self.status.is_terminal(), self.evidence_state() == EvidenceState::Pending)
    }

    /// The event of an ended process having nothing left to copy, if that was not so `before`.
    pub(super) fn settled_since(&mut self, before: (bool, bool), now: Timestamp) -> Option<Event> {
        let settled = (true, false);
        let news = self.stage() == settled && before != settled && !self.evidence.is_empty();
        news.then(|| self.event(EventName::ProcessEvidenceSettled, self.status, now))
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
        self.timeline.push(now, event, detail, None);
        self.updated_at = self.updated_at.max(now);
    }

    /// Notes what somebody did.
    pub(super) fn done_by(&mut self, by: &Actor, event: &str, now: Timestamp) {
        self.timeline.push(now, event, None, Some(by.clone()));
        self.updated_at = self.updated_at.max(now);
    }
}

#[cfg(test)]
mod tests;
