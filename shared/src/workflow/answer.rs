//! Storing provider answers as evidence. The raw answer is stored before its content is applied. Refusals and
//! unreadable answers are stored too.

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::InfraError;
use crate::{
    evidence::{Copier, CopyError, Stored},
    platform::telemetry::{self, Metric},
    process::{CopyOutcome, EvidenceKind, Observation, ObservedMedia, Process, StoredCopy},
};

/// Stores the raw answer as evidence if it says something new about `process`, and returns the observation with it. At
/// most one write to the bucket.
pub(super) async fn keep(
    copier: &Copier,
    process: &Process,
    observation: Observation,
    raw: Bytes,
    now: Timestamp,
) -> Result<Observation, InfraError> {
    if says_something_new(process, &observation, now) {
        return keep_result(copier, process, observation, raw).await;
    }
    Ok(observation)
}

/// As [`keep`], but always stores: the provider does not repeat an answer that it pushed.
pub(super) async fn keep_result(
    copier: &Copier,
    process: &Process,
    mut observation: Observation,
    raw: Bytes,
) -> Result<Observation, InfraError> {
    let raw = copier.store_raw(&process.tenant, process.id, raw).await.map_err(|_| InfraError::Bucket)?;
    observation.media.push(ObservedMedia {
        source: format!("answer/{}", raw.sha256),
        kind: EvidenceKind::ProviderResponse,
        attempt: 0,
        captured_at: Some(observation.observed_at),
        outcome: CopyOutcome::Stored(copy_of(raw)),
    });
    Ok(observation)
}

/// Stores a response that is not an answer (a refusal or an unreadable body) as evidence. One write to the bucket.
pub(super) async fn keep_said(
    copier: &Copier,
    process: &Process,
    said: Bytes,
    now: Timestamp,
) -> Result<ObservedMedia, InfraError> {
    let stored = copier.store_raw(&process.tenant, process.id, said).await.map_err(|_| InfraError::Bucket)?;
    let copy = copy_of(stored);
    Ok(ObservedMedia::said(&copy.sha256.clone(), CopyOutcome::Stored(copy), now))
}

/// As [`keep_said`], for a response that the provider does not repeat. It never fails: if the bucket does not accept
/// the response, the evidence is marked as lost.
pub(super) async fn keep_refusal(copier: &Copier, process: &Process, said: Bytes, now: Timestamp) -> ObservedMedia {
    let sha256 = hex::encode(Sha256::digest(&said));
    keep_said(copier, process, said, now).await.unwrap_or_else(|error| {
        tracing::error!(process = %process.id, %error, "the provider's response could not be stored as evidence");
        let outcome = CopyOutcome::Hopeless { reason: CopyError::Store.code().to_owned() };
        ObservedMedia::said(&sha256, outcome, now)
    })
}

/// Whether the answer must be stored as evidence: it changes the state, shows a picture for the first time, or contains
/// a part that is unreadable and not stored yet.
fn says_something_new(process: &Process, observation: &Observation, now: Timestamp) -> bool {
    let mut after = process.clone();
    after.apply(observation, now);
    after.status != process.status
        || after.evidence.len() != process.evidence.len()
        || after.unread.noted != process.unread.noted
}

/// Reports unreadable parts of an answer that this refresh found first. `before` is the number of unreadable places
/// known before it.
pub(super) fn report_unread(process: &Process, before: usize, now: Timestamp) {
    if process.unread.noted.len() > before {
        telemetry::record(Metric::AnswerUnread, &[("provider", &process.provider)], 1.0, now);
        let places = process.unread.present.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(process = %process.id, provider = process.provider, places, "part of an answer is unreadable");
    }
}

pub(super) fn copy_of(stored: Stored) -> StoredCopy {
    StoredCopy {
        key: stored.key,
        bytes: stored.bytes,
        sha256: stored.sha256,
        content_type: stored.content_type.to_owned(),
    }
}
