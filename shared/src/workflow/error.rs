//! The errors of the use cases.

use jiff::Timestamp;

use crate::{common::FieldError, platform::SecretsError, process::ProcessId, store::StoreError};

/// The outcome of a use case that did not succeed. Its message is for people and never repeats a value of the request.
/// `http::error` maps each variant to a status and a code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{}", invalid(.0))]
    Invalid(Vec<FieldError>),
    /// The object does not exist, or belongs to another tenant.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The idempotency key was used before with another body.
    #[error("This Idempotency-Key was used before with another body.")]
    KeyReused,
    /// A request with the same idempotency key is still in progress.
    #[error("A request with this Idempotency-Key is still in progress.")]
    InFlight {
        /// Seconds after which it has ended.
        retry_after: u32,
    },
    /// The evidence is not in the bucket.
    #[error("This evidence has not been stored.")]
    EvidenceNotStored,
    #[error("The process has no certificate.")]
    NoCertificate,
    /// The process is not in review, or already has another decision.
    #[error("The process is not in review, or already has another decision.")]
    NotInReview,
    #[error("The process is not approved.")]
    NotApproved,
    /// The process is about another person than the one in the request.
    #[error("The process is about another person.")]
    AnotherPerson,
    /// The process must not be redacted before this time.
    #[error("The process is on legal hold until {0}.")]
    OnLegalHold(Timestamp),
    /// All personal data of the process was removed.
    #[error("The process was redacted.")]
    Redacted,
    /// The callback is not authenticated.
    #[error("The callback is not authenticated.")]
    CallbackRefused,
    /// The callback's body is unreadable, with the reason.
    #[error("The callback is malformed: {0}.")]
    CallbackMalformed(String),
    /// The callback's body is longer than this number of bytes.
    #[error("The body is longer than {0} bytes.")]
    CallbackTooLarge(usize),
    /// The process ended too long ago for callbacks.
    #[error("The process ended too long ago.")]
    CallbackOver,
    /// The deployment or the tenant lacks this feature's configuration.
    #[error("{0} is not set up.")]
    NotSetUp(&'static str),
    /// The contact reached the limit of codes.
    #[error("This contact has reached the limit of codes. Try again later.")]
    TooManyCodes {
        /// Seconds until it may get another code.
        retry_after: u32,
    },
    /// The tenant's provider for messages did not accept the code.
    #[error("The provider that sends the code did not accept it.")]
    CodeNotTaken,
    /// Our own mail service did not accept the code.
    #[error("The code could not be sent. Try again later.")]
    CodeNotSent,
    /// Operators paused the provider. Nothing was stored or sent.
    #[error("The provider {0} is paused. Nothing was created.")]
    ProviderPaused(String),
    /// The provider refuses the process.
    #[error("The provider {provider} refuses the process with {code}.")]
    RefusedByProvider {
        process: ProcessId,
        provider: String,
        /// The provider's own code.
        code: String,
    },
    /// Our own store, bucket or secrets are temporarily unavailable.
    #[error("The service is temporarily unavailable.")]
    Unavailable,
    /// Stored data or the configuration is unusable.
    #[error("An internal error occurred.")]
    Internal,
}

impl Error {
    /// Whether the cause is on our side: the same request may succeed later.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::CodeNotSent | Self::ProviderPaused(_) | Self::Unavailable | Self::Internal)
    }

    /// An error about one field.
    #[must_use]
    pub fn invalid_field(field: &str, message: &str) -> Self {
        FieldError::new(field, message).into()
    }
}

/// The message about invalid fields.
fn invalid(fields: &[FieldError]) -> String {
    match fields {
        [one] => format!("{} {}.", one.field, one.message),
        many => format!("{} fields are invalid.", many.len()),
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store");
        match error {
            StoreError::Unavailable { .. } | StoreError::Contended { .. } | StoreError::Conflict => Self::Unavailable,
            StoreError::Corrupt(_) | StoreError::TooLarge | StoreError::ReferenceTaken => Self::Internal,
        }
    }
}

impl From<SecretsError> for Error {
    fn from(error: SecretsError) -> Self {
        tracing::error!(%error, "secrets");
        Self::Unavailable
    }
}
