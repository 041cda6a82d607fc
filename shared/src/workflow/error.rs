//! Why a use case did not do what it was asked.

use jiff::Timestamp;

use crate::{common::FieldError, platform::SecretsError, process::ProcessId, store::StoreError};

/// Why a use case did not do what a customer or a provider asked, as a sentence for people that never repeats a value of the request.
/// `http::error` has the status and the code of each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields of the request are wrong.
    #[error("{}", invalid(.0))]
    Invalid(Vec<FieldError>),
    /// There is none of these, or it is another tenant's.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The idempotency key was used before with another body.
    #[error("This Idempotency-Key was used before with another body.")]
    KeyReused,
    /// A request with the same idempotency key is still being carried out.
    #[error("A request with this Idempotency-Key is still being carried out.")]
    InFlight {
        /// Seconds after which it is over.
        retry_after: u32,
    },
    /// The evidence is not in the bucket.
    #[error("This evidence has not been stored.")]
    EvidenceNotStored,
    /// The process has no certificate.
    #[error("The process has no certificate.")]
    NoCertificate,
    /// The process is not in review, or was decided otherwise.
    #[error("The process is not in review, or was decided otherwise.")]
    NotInReview,
    /// The process is not approved.
    #[error("The process is not approved.")]
    NotApproved,
    /// The process is about another person than the one that is named.
    #[error("The process is about another person.")]
    AnotherPerson,
    /// The process must not be redacted before this moment.
    #[error("The process is on legal hold until {0}.")]
    OnLegalHold(Timestamp),
    /// Everything about the person was removed.
    #[error("The process was redacted.")]
    Redacted,
    /// The callback does not prove where it comes from.
    #[error("The callback is not authenticated.")]
    CallbackRefused,
    /// The callback's body cannot be read; why.
    #[error("The callback is malformed: {0}.")]
    CallbackMalformed(String),
    /// The callback's body has more bytes than this.
    #[error("The body is longer than {0} bytes.")]
    CallbackTooLarge(usize),
    /// Callbacks about the process are no longer taken.
    #[error("The process ended too long ago.")]
    CallbackOver,
    /// The deployment or the tenant lacks what it takes; what that is.
    #[error("{0} is not set up.")]
    NotSetUp(&'static str),
    /// The contact was sent as many codes as it may be for now.
    #[error("This contact was sent as many codes as it may be for now.")]
    TooManyCodes {
        /// Seconds until it may be sent another.
        retry_after: u32,
    },
    /// The provider that the tenant has for messages did not take the code.
    #[error("The provider that sends the code did not take it.")]
    CodeNotTaken,
    /// Our own mail did not take the code.
    #[error("The code could not be sent for the moment.")]
    CodeNotSent,
    /// Operators have paused the provider. Nothing was stored or sent.
    #[error("The provider {0} is paused. Nothing was created.")]
    ProviderPaused(String),
    /// The provider refuses the process.
    #[error("The provider {provider} refuses the process with {code}.")]
    RefusedByProvider {
        /// The process.
        process: ProcessId,
        /// The provider.
        provider: String,
        /// The provider's own code.
        code: String,
    },
    /// Our own store, bucket or secrets cannot be reached at the moment.
    #[error("The service is unavailable for the moment.")]
    Unavailable,
    /// What we stored cannot be used.
    #[error("Something went wrong on our side.")]
    Internal,
}

impl Error {
    /// Whether it is our own trouble, not the request's: the same request may succeed later.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::CodeNotSent | Self::ProviderPaused(_) | Self::Unavailable | Self::Internal)
    }

    /// One field is wrong.
    #[must_use]
    pub fn invalid_field(field: &str, message: &str) -> Self {
        FieldError::new(field, message).into()
    }
}

/// The sentence about fields that are wrong.
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
