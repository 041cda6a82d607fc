//! The statuses of a process and the legal moves between them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The provider has not confirmed it yet.
    Submitting,
    /// The person or the provider's engine is at work.
    InProgress,
    /// A reviewer has to decide.
    InReview,
    /// The identity was confirmed.
    Approved,
    /// The identity was not confirmed.
    Rejected,
    Expired,
    Cancelled,
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

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether only an amendment can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Submitting | Self::InProgress | Self::InReview)
    }

    /// A process only moves to a higher stage.
    fn stage(self) -> u8 {
        match self {
            Self::Submitting => 0,
            Self::InProgress => 1,
            Self::InReview => 2,
            _ => 3,
        }
    }
}

/// Why a terminal status is only our own conclusion. The provider's later answer overrules it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inference {
    /// Our own deadline passed while the provider said "in progress".
    Deadline,
    /// The provider never confirmed the process.
    SubmissionUnknown,
}

/// How an observed status changes the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Stay,
    /// The ordinary way forward.
    Advance(Status),
    /// The correction of a terminal status.
    Amend(Status),
}

impl Move {
    /// The move from `current` when the provider reports `observed`. `inference` is set where `current` is only our
    /// own conclusion.
    #[must_use]
    pub fn between(current: Status, inference: Option<Inference>, observed: Status) -> Self {
        if current == observed {
            return Self::Stay;
        }
        if !current.is_terminal() {
            return if observed.stage() > current.stage() { Self::Advance(observed) } else { Self::Stay };
        }
        let overruled = match inference {
            // The provider repeats what our deadline already overruled.
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
