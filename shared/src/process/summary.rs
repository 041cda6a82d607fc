//! What a list shows of a process.

use jiff::Timestamp;
use serde::Serialize;

use super::{EvidenceState, Process, ProcessId, Status};

/// What a list shows of a process. It is stored beside the process, so that a list reads nothing else. No personal
/// data.
#[derive(Serialize)]
pub struct Summary<'a> {
    id: ProcessId,
    provider: &'a str,
    provider_reference: Option<&'a str>,
    status: Status,
    status_reason: Option<&'a str>,
    evidence_state: EvidenceState,
    tags: &'a [String],
    created_at: Timestamp,
    updated_at: Timestamp,
    expires_at: Timestamp,
}

impl<'a> Summary<'a> {
    #[must_use]
    pub fn of(process: &'a Process) -> Self {
        Self {
            id: process.id,
            provider: &process.provider,
            provider_reference: process.provider_reference.as_deref(),
            status: process.status,
            status_reason: process.status_reason.as_deref(),
            evidence_state: process.evidence_state(),
            tags: &process.request.tags,
            created_at: process.created_at,
            updated_at: process.updated_at,
            expires_at: process.expires_at,
        }
    }
}
