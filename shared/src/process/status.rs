//! The states of a process and its legal moves.

use serde::{Deserialize, Serialize};

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored by us; the provider has not confirmed it yet.
    Submitting,
    /// The provider has it; the person or the provider's engine is at work.
    InProgress,
    /// A reviewer has to decide.
    InReview,
    /// The identity was confirmed.
    Approved,
    /// The identity was not confirmed.
    Rejected,
    /// Nobody finished it in time.
    Expired,
    /// Called off at the provider.
    Cancelled,
    /// It could not be carried out.
    Failed,
}

impl Status {
    /// All of them, in the order of a process's life.
    pub const ALL: [Self; 8] = [
        Self::Submitting,
        Self::InProgress,
        Self::InReview,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The name used in answers and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitting => "submitting",
            Self::InProgress => "in_progress",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing but an amendment can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Submitting | Self::InProgress | Self::InReview)
    }

    /// How far along the state is; a process only ever moves to a higher stage.
    fn stage(self) -> u8 {
        match self {
            Self::Submitting => 0,
            Self::InProgress => 1,
            Self::InReview => 2,
            _ => 3,
        }
    }
}

/// Why a terminal state is only our own conclusion. What the provider itself says later overrules it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inference {
    /// Our own deadline passed; the provider still said it was in progress.
    Deadline,
    /// The provider never confirmed that it has the process.
    SubmissionUnknown,
}

/// What an observed state does to the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Nothing.
    Stay,
    /// The ordinary way forward.
    Advance(Status),
    /// A terminal state turns out to be otherwise.
    Amend(Status),
}

impl Move {
    /// The move from `current` (terminal by `inference` only, where given) on the provider's word that it is `observed`.
    #[must_use]
    pub fn between(current: Status, inference: Option<Inference>, observed: Status) -> Self {
        if current == observed {
            return Self::Stay;
        }
        if !current.is_terminal() {
            return if observed.stage() > current.stage() { Self::Advance(observed) } else { Self::Stay };
        }
        let overruled = match inference {
            // The provider repeating what our deadline already overrode is no news.
            Some(Inference::Deadline) => observed.stage() >= Status::InReview.stage(),
            Some(Inference::SubmissionUnknown) => observed.stage() >= Status::InProgress.stage(),
            None => observed.is_terminal(),
        };
        if overruled { Self::Amend(observed) } else { Self::Stay }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_process_only_moves_forward() {
        assert_eq!(Move::between(Status::Submitting, None, Status::InReview), Move::Advance(Status::InReview));
        assert_eq!(Move::between(Status::InReview, None, Status::InProgress), Move::Stay);
        assert_eq!(Move::between(Status::InReview, None, Status::Approved), Move::Advance(Status::Approved));
    }

    #[test]
    fn a_provider_s_verdict_is_amended_only_by_another_verdict() {
        assert_eq!(Move::between(Status::Rejected, None, Status::Approved), Move::Amend(Status::Approved));
        assert_eq!(Move::between(Status::Rejected, None, Status::InReview), Move::Stay);
    }

    #[test]
    fn what_we_inferred_may_reopen() {
        let deadline = Some(Inference::Deadline);
        assert_eq!(Move::between(Status::Expired, deadline, Status::InProgress), Move::Stay);
        assert_eq!(Move::between(Status::Expired, deadline, Status::InReview), Move::Amend(Status::InReview));
        let unknown = Some(Inference::SubmissionUnknown);
        assert_eq!(Move::between(Status::Failed, unknown, Status::InProgress), Move::Amend(Status::InProgress));
    }
}
