//! Submitting a process to its provider, and what the provider's callbacks report.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Event, HeldVerdict, Move, Process, Status, bounded, trouble};

/// How long a caller that holds the lease is the only one to submit.
pub const SUBMIT_LEASE: SignedDuration = SignedDuration::from_secs(60);

/// The provider's refusal of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The provider's own code, or one of ours where it gave none.
    pub code: String,
}

impl Process {
    /// Records that the provider itself confirmed the process under `reference`. The same again changes nothing; another reference,
    /// which a callback claimed before, is corrected.
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

    /// Takes a new lease to submit again. If the caller stops half way, nobody knows whether the submission had an effect.
    pub fn claim_submission(&mut self, now: Timestamp) {
        self.unsent = false;
        self.submit_lease_until = now + SUBMIT_LEASE;
    }

    /// Records that the provider refused the submission.
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

    /// Records a callback; `code` is the provider's own status in it.
    pub fn called_back(&mut self, code: &str, received_at: Timestamp, verdict: Option<HeldVerdict>) {
        let reason = verdict.as_ref().and_then(|verdict| verdict.reason.as_deref());
        self.touch(received_at, "callback_received", Some(trouble::told(code, reason)));
        if let Some(verdict) = verdict {
            self.held_verdict = Some(verdict);
        }
    }

    /// Accepts a reference from a callback, where the provider's own answer never came.
    pub fn adopt_reference(&mut self, reference: &str, now: Timestamp) -> Vec<Event> {
        if self.provider_reference.is_some() { Vec::new() } else { self.submitted(reference, now) }
    }
}
