//! The decision of the customer's own reviewer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, Move, Process, Status};
use crate::common::{Actor, Private};

/// Characters of a decision's reason.
pub const MAX_REASON_CHARS: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub verdict: Verdict,
    /// In the reviewer's words.
    pub reason: Private<String>,
    pub decided_by: Actor,
    pub decided_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
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

/// Only a process in review can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process is not in review")]
pub struct NotInReview;

impl Process {
    /// Applies a decision. The same verdict again changes nothing.
    ///
    /// # Errors
    /// The process is not in review, or was decided otherwise.
    pub fn decide(&mut self, decision: Decision) -> Result<Vec<Event>, NotInReview> {
        if self.decision.as_ref().is_some_and(|taken| taken.verdict == decision.verdict) {
            return Ok(Vec::new());
        }
        if self.status != Status::InReview {
            return Err(NotInReview);
        }
        let (verdict, now) = (decision.verdict.into(), decision.decided_at);
        let before = self.stage();
        // Whatever a callback reported is older than this decision.
        self.held_verdict = None;
        self.done_by(&decision.decided_by, "decided", now);
        self.decision = Some(decision);
        let reason = Some("decided_by_reviewer".to_owned());
        let step = Move::between(self.status, self.inference, verdict);
        let mut events: Vec<_> = self.enter(step, reason, None, now).into_iter().collect();
        events.extend(self.settled_since(before, now));
        Ok(events)
    }
}
