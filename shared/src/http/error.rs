//! The only place that maps an outcome to a status and a code.

use crate::{common::FieldError, platform::SecretsError, process::ProcessId, store::StoreError, workflow};

/// The most wrong fields in a response.
const MAX_FIELDS: usize = 100;

/// The error codes that clients depend on. A code always has the same status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The body or a parameter cannot be parsed.
    UnreadableRequest,
    /// The API key is missing or unknown.
    Unauthorized,
    /// A callback does not prove its origin.
    CallbackRefused,
    /// The API key lacks the scope.
    Forbidden,
    /// The route does not exist.
    NoSuchRoute,
    /// The record does not exist, or belongs to another tenant.
    NotFound,
    /// The process has no certificate.
    NoCertificate,
    /// A request with the same idempotency key is in progress.
    RequestInFlight,
    /// The evidence is not in the bucket.
    EvidenceNotStored,
    /// The process is not in review, so it cannot be decided.
    NotInReview,
    /// The process is not approved.
    NotApproved,
    /// The process is about another person than the request.
    AnotherPerson,
    /// The process is on legal hold and cannot be redacted yet.
    OnLegalHold,
    /// Everything about the person was removed.
    Redacted,
    /// The process no longer accepts callbacks.
    CallbackOver,
    /// The body is too long.
    TooLarge,
    /// Fields are wrong. The response names the first hundred.
    InvalidRequest,
    /// A setting of the deployment or the tenant is missing.
    NotSetUp,
    /// The idempotency key was used with another body.
    IdempotencyKeyReused,
    /// The provider refuses the process.
    RefusedByProvider,
    /// The tenant's provider for messages did not accept one. Not a 5xx: one customer's account must not alert operators.
    CodeNotTaken,
    /// The contact has received the most codes for now.
    TooManyCodes,
    /// The tenant's rate limit is used up.
    RateLimited,
    /// An internal error.
    InternalError,
    /// Our own mail service did not accept a code.
    CodeNotSent,
    /// Operators have paused the provider.
    ProviderPaused,
    /// Our own store cannot be reached.
    Unavailable,
}

impl ErrorCode {
    pub const ALL: [Self; 27] = [
        Self::UnreadableRequest,
        Self::Unauthorized,
        Self::CallbackRefused,
        Self::Forbidden,
        Self::NoSuchRoute,
        Self::NotFound,
        Self::NoCertificate,
        Self::RequestInFlight,
        Self::EvidenceNotStored,
        Self::NotInReview,
        Self::NotApproved,
        Self::AnotherPerson,
        Self::OnLegalHold,
        Self::Redacted,
        Self::CallbackOver,
        Self::TooLarge,
        Self::InvalidRequest,
        Self::NotSetUp,
        Self::IdempotencyKeyReused,
        Self::RefusedByProvider,
        Self::CodeNotTaken,
        Self::TooManyCodes,
        Self::RateLimited,
        Self::InternalError,
        Self::CodeNotSent,
        Self::ProviderPaused,
        Self::Unavailable,
    ];

    /// The code as in responses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableRequest => "unreadable_request",
            Self::Unauthorized => "unauthorized",
            Self::CallbackRefused => "callback_refused",
            Self::Forbidden => "forbidden",
            Self::NoSuchRoute => "no_such_route",
            Self::NotFound => "not_found",
            Self::NoCertificate => "no_certificate",
            Self::RequestInFlight => "request_in_flight",
            Self::EvidenceNotStored => "evidence_not_stored",
            Self::NotInReview => "not_in_review",
            Self::NotApproved => "not_approved",
            Self::AnotherPerson => "another_person",
            Self::OnLegalHold => "on_legal_hold",
            Self::Redacted => "redacted",
            Self::CallbackOver => "callback_over",
            Self::TooLarge => "too_large",
            Self::InvalidRequest => "invalid_request",
            Self::NotSetUp => "not_set_up",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RefusedByProvider => "refused_by_provider",
            Self::CodeNotTaken => "code_not_taken",
            Self::TooManyCodes => "too_many_codes",
            Self::RateLimited => "rate_limited",
            Self::InternalError => "internal_error",
            Self::CodeNotSent => "code_not_sent",
            Self::ProviderPaused => "provider_paused",
            Self::Unavailable => "unavailable",
        }
    }

    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::UnreadableRequest => 400,
            Self::Unauthorized | Self::CallbackRefused => 401,
            Self::Forbidden => 403,
            Self::NoSuchRoute | Self::NotFound | Self::NoCertificate => 404,
            Self::RequestInFlight
            | Self::EvidenceNotStored
            | Self::NotInReview
            | Self::NotApproved
            | Self::AnotherPerson
            | Self::OnLegalHold => 409,
            Self::Redacted | Self::CallbackOver => 410,
            Self::TooLarge => 413,
            Self::InvalidRequest | Self::NotSetUp | Self::IdempotencyKeyReused | Self::RefusedByProvider => 422,
            Self::CodeNotTaken => 424,
            Self::TooManyCodes | Self::RateLimited => 429,
            Self::InternalError => 500,
            Self::CodeNotSent | Self::ProviderPaused | Self::Unavailable => 503,
        }
    }
}

/// An error response.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiError {
    pub code: ErrorCode,
    /// One sentence for people; never repeats the caller's input.
    pub message: String,
    /// The wrong fields, if any.
    pub fields: Vec<FieldError>,
    /// Seconds to wait before a retry.
    pub retry_after: Option<u32>,
    /// The process that the request created despite the error, if any.
    pub process: Option<ProcessId>,
}

impl ApiError {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), retry_after: None, process: None }
    }

    /// The body or a parameter cannot be parsed.
    #[must_use]
    pub fn unreadable(message: &str) -> Self {
        Self::new(ErrorCode::UnreadableRequest, message)
    }

    /// The API key is missing or unknown.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::Unauthorized, "A valid API key is needed, as Authorization: Bearer or X-Api-Key.")
    }

    /// The API key lacks the scope.
    #[must_use]
    pub fn forbidden(scope: &str) -> Self {
        Self::new(ErrorCode::Forbidden, format!("The API key lacks the scope {scope}."))
    }

    /// The route does not exist.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(ErrorCode::NoSuchRoute, "There is nothing at this path and method.")
    }

    /// The body is too long.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(ErrorCode::TooLarge, format!("The body is longer than {limit} bytes."))
    }

    /// The tenant's rate limit is used up; `retry_after` is in seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u32) -> Self {
        let message = "The limit of requests a minute is used up.";
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::RateLimited, message) }
    }

    /// The record does not exist, or belongs to another tenant.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        workflow::Error::NotFound(what).into()
    }

    /// One field is wrong.
    #[must_use]
    pub fn invalid_field(field: &str, message: &str) -> Self {
        FieldError::new(field, message).into()
    }

    /// An internal error.
    #[must_use]
    pub fn internal() -> Self {
        workflow::Error::Internal.into()
    }

    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.status()
    }
}

impl From<workflow::Error> for ApiError {
    fn from(error: workflow::Error) -> Self {
        use workflow::Error;

        let (code, retry_after) = match &error {
            Error::Invalid(_) => (ErrorCode::InvalidRequest, None),
            Error::NotFound(_) => (ErrorCode::NotFound, None),
            Error::KeyReused => (ErrorCode::IdempotencyKeyReused, None),
            Error::InFlight { retry_after } => (ErrorCode::RequestInFlight, Some(*retry_after)),
            Error::EvidenceNotStored => (ErrorCode::EvidenceNotStored, None),
            Error::NoCertificate => (ErrorCode::NoCertificate, None),
            Error::NotInReview => (ErrorCode::NotInReview, None),
            Error::NotApproved => (ErrorCode::NotApproved, None),
            Error::AnotherPerson => (ErrorCode::AnotherPerson, None),
            Error::OnLegalHold(_) => (ErrorCode::OnLegalHold, None),
            Error::Redacted => (ErrorCode::Redacted, None),
            Error::CallbackRefused => (ErrorCode::CallbackRefused, None),
            Error::CallbackMalformed(_) => (ErrorCode::UnreadableRequest, None),
            Error::CallbackTooLarge(_) => (ErrorCode::TooLarge, None),
            Error::CallbackOver => (ErrorCode::CallbackOver, None),
            Error::NotSetUp(_) => (ErrorCode::NotSetUp, None),
            Error::TooManyCodes { retry_after } => (ErrorCode::TooManyCodes, Some(*retry_after)),
            Error::CodeNotTaken => (ErrorCode::CodeNotTaken, Some(5)),
            Error::CodeNotSent => (ErrorCode::CodeNotSent, Some(5)),
            Error::ProviderPaused(_) => (ErrorCode::ProviderPaused, Some(60)),
            Error::RefusedByProvider { .. } => (ErrorCode::RefusedByProvider, None),
            Error::Unavailable => (ErrorCode::Unavailable, Some(2)),
            Error::Internal => (ErrorCode::InternalError, None),
        };
        let answer = Self { retry_after, ..Self::new(code, error.to_string()) };
        match error {
            Error::Invalid(mut fields) => {
                fields.sort_by(|a, b| a.field.cmp(&b.field));
                fields.truncate(MAX_FIELDS);
                Self { fields, ..answer }
            }
            Error::RefusedByProvider { process, .. } => Self { process: Some(process), ..answer },
            _ => answer,
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        workflow::Error::from(error).into()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        workflow::Error::from(error).into()
    }
}

impl From<SecretsError> for ApiError {
    fn from(error: SecretsError) -> Self {
        workflow::Error::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_code_is_documented_with_its_status() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
        let text = std::fs::read_to_string(path).unwrap();
        for code in ErrorCode::ALL {
            let row = format!("| {} | `{}` |", code.status(), code.as_str());
            assert!(text.contains(&row), "{row}");
        }
    }
}
