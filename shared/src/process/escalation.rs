//! The second submission: the provider's machine was not sure, and the customer wants its reviewers to decide.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Process, Status, TroubleSeries, evidence::retry_after};

/// The state of the second submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Escalation {
    /// It is due.
    Wanted {
        /// Failed tries so far.
        tries: u32,
        next_try_at: Timestamp,
        /// The kinds of these failures.
        #[serde(default, skip_serializing_if = "TroubleSeries::is_over")]
        trouble: TroubleSeries,
    },
    /// The provider's reviewers have it.
    Sent,
    /// The provider refused it: the customer's own reviewer has to decide.
    Refused { code: String },
}

/// The outcome of one try of the second submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EscalationOutcome {
    /// The provider has it.
    Taken,
    /// The provider refused it with this code.
    Refused(String),
    /// The outcome is unknown; trying again is harmless.
    Unanswered(String),
}

impl Process {
    /// Requests the second submission, once.
    pub(super) fn want_escalation(&mut self, now: Timestamp) {
        if self.escalation.is_none() && self.status == Status::InReview {
            let trouble = TroubleSeries::default();
            self.escalation = Some(Escalation::Wanted { tries: 0, next_try_at: now, trouble });
            self.touch(now, "escalation_wanted", None);
        }
    }

    /// When the second submission is due. A process that was decided meanwhile needs none.
    #[must_use]
    pub fn next_escalation_at(&self) -> Option<Timestamp> {
        match self.escalation {
            Some(Escalation::Wanted { next_try_at, .. }) if self.status == Status::InReview => Some(next_try_at),
            _ => None,
        }
    }

    /// Records one try.
    pub fn escalated(&mut self, outcome: &EscalationOutcome, now: Timestamp) {
        let Some(Escalation::Wanted { tries, mut trouble, .. }) = self.escalation.clone() else { return };
        let (escalation, entry, detail) = match outcome {
            EscalationOutcome::Taken => (Escalation::Sent, Some("escalated"), None),
            EscalationOutcome::Refused(code) => {
                (Escalation::Refused { code: code.clone() }, Some("escalation_refused"), Some(code.clone()))
            }
            EscalationOutcome::Unanswered(code) => {
                let entry = trouble.note(code).then_some("escalation_trouble");
                let next_try_at = now + retry_after(tries);
                (Escalation::Wanted { tries: tries + 1, next_try_at, trouble }, entry, Some(code.clone()))
            }
        };
        self.escalation = Some(escalation);
        if let Some(entry) = entry {
            self.touch(now, entry, detail);
        }
    }
}
