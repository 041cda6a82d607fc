//! Asks the provider, and stores its answers.

use jiff::{SignedDuration, Timestamp};

use super::{super::wants_answer, InfraError, Progress, RefreshProcess, answer, is_open};
use crate::{
    platform::{clock::in_time, telemetry},
    process::{CopyOutcome, Event, Observation, ObservedMedia, Process},
    providers::{Answer, Provider, ProviderError},
    store::ProcessRecord,
};

/// The result of a query.
pub(super) enum Asked {
    /// No query was needed.
    No,
    /// The provider was asked.
    Yes {
        /// The resulting events.
        news: Vec<Event>,
        /// The earliest time of the next query, if the provider set one.
        not_before: Option<Timestamp>,
    },
    /// There was no time left; the wake token was restored.
    NoTime,
}

/// Why there is no answer.
enum AskError {
    Provider(ProviderFailure),
    Ours(InfraError),
}

impl From<InfraError> for AskError {
    fn from(error: InfraError) -> Self {
        Self::Ours(error)
    }
}

/// The provider could not be asked.
pub(super) struct ProviderFailure {
    /// The failure's code in the timeline.
    detail: String,
    /// The provider's response as evidence, if it is new.
    said: Option<ObservedMedia>,
    /// How long the provider asked to wait.
    retry_after: Option<SignedDuration>,
}

impl RefreshProcess {
    /// Asks the provider and applies the answer, if anything is open or a caller wants an answer.
    pub(super) async fn ask_if_needed(
        &self,
        record: &mut ProcessRecord,
        provider: &dyn Provider,
        wake_token: String,
        called_back: bool,
        progress: &mut Progress,
    ) -> Result<Asked, InfraError> {
        let process = &mut record.process;
        let Some(reference) = process.provider_reference.clone() else { return Ok(Asked::No) };
        if !provider.capabilities().query {
            process.asked(self.services.now());
            return Ok(Asked::No);
        }
        let wanted = is_open(process) || called_back || wants_answer(&wake_token) || progress.answer.is_some();
        if !wanted {
            return Ok(Asked::No);
        }
        if progress.answer.is_none() && !self.has_time(progress.end) {
            record.wake_token = Some(wake_token);
            return Ok(Asked::NoTime);
        }
        let (asked_for, answer) = match progress.answer.take() {
            Some(earlier) => earlier,
            None => match self.ask(process, provider, &reference, progress.end).await {
                Ok(observation) => (wake_token.clone(), Ok(observation)),
                Err(AskError::Provider(failure)) => (wake_token.clone(), Err(failure)),
                Err(AskError::Ours(error)) => return Err(error),
            },
        };
        if asked_for != wake_token {
            // Another execution woke the process during the query; for it this answer may be too old.
            record.wake_token = Some(wake_token);
        }
        let now = self.services.now();
        let asked = match &answer {
            Ok(observation) => Asked::Yes { news: process.apply(observation, now), not_before: None },
            Err(failure) => {
                if let Some(said) = &failure.said {
                    process.keep_said(said, now);
                }
                process.unanswered(&failure.detail, now);
                Asked::Yes { news: Vec::new(), not_before: failure.retry_after.map(|wait| now + wait) }
            }
        };
        progress.answer = Some((asked_for, answer));
        Ok(asked)
    }

    /// Asks the provider and copies new pictures. Expired links cause one more query.
    async fn ask(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
        end: Timestamp,
    ) -> Result<Observation, AskError> {
        let mut answer = self.query(process, provider, reference, end).await?;
        let expired = self.copy(process, provider, &mut answer, end).await?;
        if expired && self.has_time(end) {
            match self.query(process, provider, reference, end).await {
                Ok(again) => {
                    answer = with_copies_of(&answer, again);
                    self.copy(process, provider, &mut answer, end).await?;
                }
                // The first answer stands.
                Err(AskError::Provider(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let Answer { observation, raw, .. } = answer;
        Ok(answer::keep(self.submitter.copier(), process, observation, raw, self.services.now()).await?)
    }

    async fn query(
        &self,
        process: &Process,
        provider: &dyn Provider,
        reference: &str,
        end: Timestamp,
    ) -> Result<Answer, AskError> {
        let asked_at = self.services.now();
        let answer = in_time(self.clock(), end, provider.query(reference, asked_at)).await;
        let answer = answer.unwrap_or(Err(ProviderError::Unavailable { maybe_done: true }));
        let trouble = answer.as_ref().err().map(ProviderError::code);
        telemetry::record_call(&process.provider, trouble, asked_at, self.services.now());
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tracing::warn!(process = %process.id, provider = process.provider, trouble = error.code(), "provider trouble");
        let detail = error.detail();
        let said = match error.said() {
            // The first occurrence is stored as evidence for an investigation; the timeline mentions it.
            Some(said) if process.trouble.is_news(&detail) => {
                Some(answer::keep_said(self.submitter.copier(), process, said, self.services.now()).await?)
            }
            _ => None,
        };
        let retry_after = match &error {
            ProviderError::RateLimited { retry_after } => retry_after.and_then(|wait| wait.try_into().ok()),
            _ => None,
        };
        Err(AskError::Provider(ProviderFailure { detail, said, retry_after }))
    }
}

/// The `later` answer, with the copies made with the links of the `earlier` one.
fn with_copies_of(earlier: &Answer, mut later: Answer) -> Answer {
    for media in &mut later.observation.media {
        let known = earlier.observation.media.iter().find(|known| known.source == media.source);
        if let Some(CopyOutcome::Stored(stored)) = known.map(|known| &known.outcome) {
            media.outcome = CopyOutcome::Stored(stored.clone());
        }
    }
    later
}
