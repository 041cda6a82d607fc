//! The events that customers are notified of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ProcessId, Status};
use crate::common::ids::uuid_of;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventName {
    /// The provider has confirmed the process.
    ProcessCreated,
    /// A reviewer has to decide.
    ProcessInReview,
    ProcessApproved,
    ProcessRejected,
    ProcessExpired,
    ProcessCancelled,
    ProcessFailed,
    /// A terminal status was corrected.
    ProcessAmended,
    /// The process has ended and no picture is left to copy.
    ProcessEvidenceSettled,
    ProcessCertificateStored,
    /// Everything about the person was removed.
    ProcessRedacted,
}

impl EventName {
    pub const ALL: [Self; 11] = [
        Self::ProcessCreated,
        Self::ProcessInReview,
        Self::ProcessApproved,
        Self::ProcessRejected,
        Self::ProcessExpired,
        Self::ProcessCancelled,
        Self::ProcessFailed,
        Self::ProcessAmended,
        Self::ProcessEvidenceSettled,
        Self::ProcessCertificateStored,
        Self::ProcessRedacted,
    ];

    /// The name that channels subscribe to.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProcessCreated => "process_created",
            Self::ProcessInReview => "process_in_review",
            Self::ProcessApproved => "process_approved",
            Self::ProcessRejected => "process_rejected",
            Self::ProcessExpired => "process_expired",
            Self::ProcessCancelled => "process_cancelled",
            Self::ProcessFailed => "process_failed",
            Self::ProcessAmended => "process_amended",
            Self::ProcessEvidenceSettled => "process_evidence_settled",
            Self::ProcessCertificateStored => "process_certificate_stored",
            Self::ProcessRedacted => "process_redacted",
        }
    }

    /// The event of reaching `status`.
    #[must_use]
    pub fn of(status: Status) -> Self {
        match status {
            Status::Submitting | Status::InProgress => Self::ProcessCreated,
            Status::InReview => Self::ProcessInReview,
            Status::Approved => Self::ProcessApproved,
            Status::Rejected => Self::ProcessRejected,
            Status::Expired => Self::ProcessExpired,
            Status::Cancelled => Self::ProcessCancelled,
            Status::Failed => Self::ProcessFailed,
        }
    }
}

/// An event. Its id stays the same however often it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Derived from the process and `sequence`.
    pub id: Uuid,
    /// Position among the process's events, from 1.
    pub sequence: u32,
    pub name: EventName,
    pub at: Timestamp,
    /// The state after it.
    pub status: Status,
    /// The state before it.
    pub previous_status: Status,
}

impl Event {
    pub(super) fn new(
        process: ProcessId,
        sequence: u32,
        name: EventName,
        at: Timestamp,
        previous_status: Status,
        status: Status,
    ) -> Self {
        let id = uuid_of(&["event", &process.to_string(), &sequence.to_string()]);
        Self { id, sequence, name, at, status, previous_status }
    }
}
