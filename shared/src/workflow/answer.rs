//! Keeping what a provider said: whatever is new in an answer is evidence, untouched, before it counts.

use bytes::Bytes;
use jiff::Timestamp;

use super::OwnTrouble;
use crate::{
    evidence::{Copier, Stored},
    platform::telemetry::{self, Metric},
    process::{CopyOutcome, EvidenceKind, Observation, ObservedMedia, Process, StoredCopy},
};

/// The observation, with the raw answer stored and among its evidence where it says something new about `process`. One
/// write to the bucket, or none.
pub(super) async fn keep(
    copier: &Copier,
    process: &Process,
    mut observation: Observation,
    raw: Bytes,
    now: Timestamp,
) -> Result<Observation, OwnTrouble> {
    if says_something_new(process, &observation, now) {
        let raw = copier.store_raw(&process.tenant, process.id, raw).await.map_err(|_| OwnTrouble::Bucket)?;
        observation.media.push(ObservedMedia {
            source: format!("answer/{}", raw.sha256),
            kind: EvidenceKind::ProviderResponse,
            attempt: 0,
            captured_at: Some(observation.observed_at),
            outcome: CopyOutcome::Stored(copy_of(raw)),
        });
    }
    Ok(observation)
}

/// Whether an answer is worth keeping as evidence: it changes the state, shows a picture for the first time, or has what
/// could not be read and was not kept before.
fn says_something_new(process: &Process, observation: &Observation, now: Timestamp) -> bool {
    let mut after = process.clone();
    after.apply(observation, now);
    after.status != process.status
        || after.evidence.len() != process.evidence.len()
        || after.unread.noted != process.unread.noted
}

/// Tells operators of what a look was the first to find unreadable; `before` is how many kinds of places were known by then.
pub(super) fn report_unread(process: &Process, before: usize, now: Timestamp) {
    if process.unread.noted.len() > before {
        telemetry::record(Metric::AnswerUnread, &[("provider", &process.provider)], 1.0, now);
        let places = process.unread.present.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(process = %process.id, provider = process.provider, places, "an answer could not be read whole");
    }
}

/// What the domain remembers of an object.
pub(super) fn copy_of(stored: Stored) -> StoredCopy {
    StoredCopy {
        key: stored.key,
        bytes: stored.bytes,
        sha256: stored.sha256,
        content_type: stored.content_type.to_owned(),
    }
}
