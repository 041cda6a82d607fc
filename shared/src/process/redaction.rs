//! Redaction: removing everything about the person, and keeping that there was a process, how it ended, when, and the
//! hashes of what was seen.
//!
//! The item is emptied by one write, the tombstone, after which no answer, callback or copy changes the process any
//! more. What is in the bucket goes afterwards, in two sweeps: one at once, and one when whatever was copying at that
//! moment must have ended.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Event, EventName, Findings, Move, Process, Status};
use crate::common::Actor;

/// When the second sweep runs: no function runs for longer than 15 minutes.
const SECOND_SWEEP_AFTER: SignedDuration = SignedDuration::from_mins(20);

/// The redaction of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    pub at: Timestamp,
    pub by: Actor,
    /// Whether the bucket was swept once.
    pub swept_once: bool,
    /// When the bucket is to be swept next; `None` once all is done.
    pub next_sweep_at: Option<Timestamp>,
}

/// The process must not be redacted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the process is on legal hold")]
pub struct OnHold {
    pub until: Timestamp,
}

impl Process {
    /// Empties the process of everything about the person. One that is still open is called off first. Redacting again
    /// changes nothing.
    ///
    /// # Errors
    /// It is on legal hold.
    pub fn redact(&mut self, by: &Actor, now: Timestamp) -> Result<Vec<Event>, OnHold> {
        if self.redaction.is_some() {
            return Ok(Vec::new());
        }
        if let Some(until) = self.on_hold(now) {
            return Err(OnHold { until });
        }
        let previous = self.status;
        let mut events = Vec::new();
        if !self.status.is_terminal() {
            events.extend(self.enter(Move::Advance(Status::Cancelled), Some("redacted".to_owned()), None, now));
        }
        self.request.redact();
        self.findings = Findings::default();
        self.held_verdict = None;
        self.escalation = None;
        for piece in &mut self.evidence {
            piece.redact();
        }
        if let Some(certificate) = &mut self.certificate {
            certificate.redact();
        }
        if let Some(decision) = &mut self.decision {
            decision.reason = String::new().into();
        }
        // What is locked is unlocked by the sweep.
        self.locks = None;
        self.redaction = Some(Redaction { at: now, by: by.clone(), swept_once: false, next_sweep_at: Some(now) });
        self.done_by(by, "redacted", now);
        events.push(self.event(EventName::ProcessRedacted, previous, now));
        Ok(events)
    }

    /// When the bucket is to be swept, if it is.
    #[must_use]
    pub fn next_sweep_at(&self) -> Option<Timestamp> {
        self.redaction.as_ref()?.next_sweep_at
    }

    /// Nothing of the process was left in the bucket at `now`.
    pub fn swept(&mut self, now: Timestamp) {
        let Some(redaction) = &mut self.redaction else { return };
        let second = redaction.at + SECOND_SWEEP_AFTER;
        redaction.swept_once = true;
        redaction.next_sweep_at = (now < second).then_some(second);
        if redaction.next_sweep_at.is_none() {
            self.uploads.clear();
            self.touch(now, "redaction_completed", None);
        }
    }

    /// When a process that ended is to be redacted unasked, under a retention of `days`: never before a legal hold ends.
    #[must_use]
    pub fn retained_until(&self, days: Option<u32>) -> Option<Timestamp> {
        let ended = self.ended_at.filter(|_| self.redaction.is_none())?;
        let end = ended + SignedDuration::from_hours(24 * i64::from(days?));
        Some(self.legal_hold_until.map_or(end, |hold| hold.max(end)))
    }
}
