//! What only time can conclude: a deadline that passed, a submission that was never confirmed, pictures that never came.

use jiff::{SignedDuration, Timestamp};

use super::{Event, EvidenceState, Inference, Move, Process, Status};

/// How long a submission that must not be repeated may stay unconfirmed.
pub const SUBMISSION_GRACE: SignedDuration = SignedDuration::from_hours(1);
/// How long the provider may be unreachable after the deadline before we conclude without it.
pub(super) const DEADLINE_GRACE: SignedDuration = SignedDuration::from_hours(24);
/// How long pictures are still requested after the end of a process.
pub(super) const EVIDENCE_GRACE: SignedDuration = SignedDuration::from_hours(14 * 24);

impl Process {
    /// Concludes what is overdue at `now`.
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
        let asked_since = |moment| self.asked_at.is_some_and(|at| at >= moment) && self.failures == 0;
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
}
