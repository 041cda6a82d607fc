//! Copies pictures within the remaining time; `copy-long` copies videos.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{WAKE_TIMEOUT, answer::copy_of},
    InfraError, RefreshProcess, new_token,
};
use crate::{
    evidence::{CopyError, Media},
    platform::{
        clock::in_time,
        telemetry::{self, Metric},
    },
    process::{CopyOutcome, EvidenceKind, Process},
    providers::{Answer, Provider},
    store::keys::OwnKey,
};

/// How long the copies of one process may take in one refresh; the rest is postponed.
const COPY_TIME: SignedDuration = SignedDuration::from_secs(15);

impl RefreshProcess {
    /// Copies every due picture, and returns whether a link had expired.
    pub(super) async fn copy(
        &self,
        process: &Process,
        provider: &dyn Provider,
        answer: &mut Answer,
        end: Timestamp,
    ) -> Result<bool, InfraError> {
        let asked_at = answer.observation.observed_at;
        let now = self.services.now();
        let wanted = process.wanted_copies(&answer.observation.media, now).into_iter();
        let pictures = wanted.filter(|&at| answer.observation.media[at].kind != EvidenceKind::Video);
        let (wanted, media): (Vec<usize>, Vec<Media>) = pictures
            .filter_map(|at| {
                let seen = &answer.observation.media[at];
                let link = answer.links.iter().find(|link| link.source == seen.source)?;
                Some((at, Media { kind: seen.kind, attempt: seen.attempt, url: link.url.clone() }))
            })
            .unzip();
        let hosts = provider.media_hosts();
        let count = media.len();
        let copies = self.submitter.copier().copy_all(&process.tenant, process.id, hosts, media);
        // The time limit keeps the verdict from waiting for a slow picture.
        let results = in_time(self.clock(), end.min(now + COPY_TIME), copies).await;
        let results = results.unwrap_or_else(|| vec![Err(CopyError::Unavailable); count]);
        let mut expired = false;
        for (at, result) in wanted.into_iter().zip(results) {
            expired |= matches!(result, Err(CopyError::LinkExpired));
            answer.observation.media[at].outcome = match result {
                Ok(copy) => {
                    let used =
                        self.services.now().duration_since(asked_at).as_secs_f64() / provider.link_life().as_secs_f64();
                    telemetry::record(Metric::LinkLifeUsed, &[("provider", &process.provider)], used * 100.0, now);
                    CopyOutcome::Stored(copy_of(copy))
                }
                Err(CopyError::Store) => return Err(InfraError::Bucket),
                Err(error) if error.is_hopeless() => CopyOutcome::Hopeless { reason: error.code().to_owned() },
                Err(error) => CopyOutcome::Failed { reason: error.code().to_owned() },
            };
        }
        Ok(expired)
    }

    /// Plans the copy of each video that was not tried yet. The creation may have seen the video too, but leaves it to
    /// the first refresh.
    pub(super) async fn want_videos(&self, key: &OwnKey, process: &Process) -> Result<(), InfraError> {
        let untried = process.evidence.iter().filter(|piece| piece.kind == EvidenceKind::Video && piece.is_untried());
        for piece in untried {
            let (wake_token, until) = (new_token("video", self.services.entropy()), self.services.now() + WAKE_TIMEOUT);
            self.services.store.want_long_copy(key, process.id, piece.id, &wake_token, until).await?;
        }
        Ok(())
    }
}
