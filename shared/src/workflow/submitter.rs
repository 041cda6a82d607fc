//! Submits a process to its provider and interprets the answer.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{InfraError, Services, answer};
use crate::{
    deployment::Deployment,
    evidence::{Copier, MAX_PICTURE_BYTES},
    objects::Bucket,
    platform::telemetry,
    process::{Event, Observation, ObservedMedia, Process, Refusal, bounded::MAX_REFERENCE, trouble::told},
    providers::{
        CallbackUrls, Picture, Provider, ProviderError, Purpose, Round, Submission, Submitted, callback_token,
    },
};

/// The resources for submissions. Clones share one memory budget.
#[derive(Clone)]
pub(super) struct Submitter {
    services: Services,
    copier: Copier,
    /// Pictures that are read back for a repeated submission are large: one process at a time.
    resubmission: Arc<Semaphore>,
}

impl Submitter {
    pub(super) fn new(deployment: &Deployment, services: &Services) -> Self {
        let bucket = Bucket::of(&deployment.platform);
        let copier = Copier::new(bucket, deployment.platform.config.allow_loopback);
        Self { services: services.clone(), copier, resubmission: Arc::new(Semaphore::new(1)) }
    }

    pub(super) fn copier(&self) -> &Copier {
        &self.copier
    }

    /// Submits a stored process with `pictures`, and stores the provider's answer as evidence.
    ///
    /// # Errors
    /// The store fails; then it is unknown whether the provider has the process.
    pub(super) async fn submit(
        &self,
        provider: &dyn Provider,
        process: &Process,
        round: Round,
        pictures: &[Picture],
    ) -> Result<SubmissionOutcome, InfraError> {
        let now = self.services.now();
        let callbacks = self.callback_urls(process).await?;
        let submission =
            Submission { id: process.id, round, request: &process.request, pictures, callbacks: &callbacks, now };
        let answer = provider.submit(&submission).await;
        // A refusal is a valid answer, not a failure of the provider.
        let trouble = answer.as_ref().err().filter(|error| !matches!(error, ProviderError::Rejected { .. }));
        telemetry::record_call(&process.provider, trouble.map(ProviderError::code), now, self.services.now());
        match answer {
            // A valid process id is never so long, and our keys cannot hold it.
            Ok(Submitted { reference, .. }) if !(1..=MAX_REFERENCE).contains(&reference.len()) => {
                let trouble = "reference_unreadable".to_owned();
                Ok(SubmissionOutcome::Unknown { trouble, maybe_done: true, said: None })
            }
            Ok(Submitted { reference, answer: None }) => Ok(SubmissionOutcome::Taken(reference, None)),
            Ok(Submitted { reference, answer: Some(said) }) => {
                let kept = answer::keep(&self.copier, process, said.observation, said.raw, self.services.now()).await?;
                Ok(SubmissionOutcome::Taken(reference, Some(Box::new(kept))))
            }
            Err(error) => {
                let said = match error.said() {
                    Some(said) => Some(answer::keep_refusal(&self.copier, process, said, self.services.now()).await),
                    None => None,
                };
                Ok(SubmissionOutcome::of_error(&error, said.map(Box::new)))
            }
        }
    }

    /// As [`Self::submit`], with the pictures that were stored when the process was created.
    ///
    /// # Errors
    /// The store or the bucket fails.
    pub(super) async fn submit_stored(
        &self,
        provider: &dyn Provider,
        process: &Process,
        round: Round,
    ) -> Result<SubmissionOutcome, InfraError> {
        let _turn = self.resubmission.acquire().await.map_err(|_| InfraError::Bucket)?;
        let mut pictures = Vec::new();
        for (kind, copy) in process.submitted_pictures() {
            let bytes = self.copier.read(&copy.key, MAX_PICTURE_BYTES).await.map_err(|_| InfraError::Bucket)?;
            pictures.push(Picture { kind, bytes });
        }
        self.submit(provider, process, round, &pictures).await
    }

    /// The callback URLs for this process alone.
    async fn callback_urls(&self, process: &Process) -> Result<CallbackUrls, InfraError> {
        let Some(ours) = &self.services.platform.config.public_url else { return Ok(CallbackUrls::default()) };
        let secrets = self.services.platform.secrets.current().await?;
        let url = |purpose| {
            let token = callback_token::mint(&secrets, &process.provider, &process.tenant, Some(process.id), purpose)?;
            Ok::<_, InfraError>(Some(format!("{ours}/callbacks/{}/{token}", process.provider)))
        };
        Ok(CallbackUrls { result: url(Purpose::Result)?, certificate: url(Purpose::Certificate)? })
    }
}

/// The meaning of the provider's answer to a submission.
#[derive(Debug)]
pub(super) enum SubmissionOutcome {
    /// The provider accepted the process under this reference, and may already have sent an observation.
    Taken(String, Option<Box<Observation>>),
    /// The provider refused the process.
    Refused {
        /// The provider's own code, or one of ours.
        code: String,
        /// The provider's response as evidence.
        said: Option<Box<ObservedMedia>>,
    },
    /// The result is not known yet.
    Unknown {
        /// The failure's code in the timeline.
        trouble: String,
        /// Whether the request may have taken effect.
        maybe_done: bool,
        /// The provider's response as evidence, if there was one.
        said: Option<Box<ObservedMedia>>,
    },
}

impl SubmissionOutcome {
    fn of_error(error: &ProviderError, said: Option<Box<ObservedMedia>>) -> Self {
        match error {
            ProviderError::Rejected { code, .. } => Self::Refused { code: code.clone(), said },
            ProviderError::Unauthorized { .. } | ProviderError::NotFound { .. } => {
                Self::Refused { code: error.code().to_owned(), said }
            }
            _ => {
                let nothing_done = matches!(
                    error,
                    ProviderError::RateLimited { .. } | ProviderError::Unavailable { maybe_done: false }
                );
                Self::Unknown { trouble: error.detail(), maybe_done: !nothing_done, said }
            }
        }
    }

    /// The refusal when another process already has this reference.
    pub(super) fn reference_in_use() -> Self {
        Self::Refused { code: "reference_in_use".to_owned(), said: None }
    }

    /// The outcome when the provider answered and the answer could not be stored.
    pub(super) fn answer_not_kept() -> Self {
        Self::Unknown { trouble: "answer_not_kept".to_owned(), maybe_done: true, said: None }
    }

    /// The outcome of a repeated submission: a refusal may only mean that the first one arrived.
    pub(super) fn of_repetition(self) -> Self {
        match self {
            Self::Refused { code, said } => {
                Self::Unknown { trouble: told("refused_repetition", Some(&code)), maybe_done: true, said }
            }
            learnt => learnt,
        }
    }

    /// The provider's response if it is not an answer.
    pub(super) fn said(&self) -> Option<&ObservedMedia> {
        match self {
            Self::Taken(..) => None,
            Self::Refused { said, .. } | Self::Unknown { said, .. } => said.as_deref(),
        }
    }

    /// Applies the outcome to the process.
    pub(super) fn apply(&self, process: &mut Process, now: Timestamp) -> Vec<Event> {
        if let Some(said) = self.said() {
            process.keep_said(said, now);
        }
        match self {
            Self::Taken(reference, said) => {
                let mut events = process.submitted(reference, now);
                if let Some(observation) = said {
                    events.extend(process.apply(observation, now));
                }
                events
            }
            Self::Refused { code, .. } => process.refused(Refusal { code: code.clone() }, now),
            Self::Unknown { trouble, maybe_done, .. } => {
                process.unsent = !maybe_done;
                process.unanswered(trouble, now);
                Vec::new()
            }
        }
    }
}
