//! The one place where a failure becomes an HTTP answer.

use crate::{platform::SecretsError, process::ProcessId, providers::FieldProblem, store::StoreError};

/// Wrong fields that are named.
const MAX_FIELDS: usize = 100;

/// An answer that is not a success. Messages are sentences for people; `error_code` is for programs and stays as it is.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub error_code: &'static str,
    /// One sentence; never repeats what the caller sent.
    pub message: String,
    /// Which fields are wrong, where fields are.
    pub fields: Vec<FieldProblem>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
    /// The process that came of the request all the same, where one did.
    pub process: Option<ProcessId>,
}

impl ApiError {
    fn new(status: u16, error_code: &'static str, message: &str) -> Self {
        Self { status, error_code, message: message.to_owned(), fields: Vec::new(), retry_after: None, process: None }
    }

    /// 400: the body or a parameter cannot be read at all.
    #[must_use]
    pub fn unreadable(message: &str) -> Self {
        Self::new(400, "unreadable_request", message)
    }

    /// 401: no key, or not one of ours.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "A valid API key is needed, as Authorization: Bearer or X-Api-Key.")
    }

    /// 401: a callback that does not prove where it comes from.
    #[must_use]
    pub fn callback_refused() -> Self {
        Self::new(401, "callback_refused", "The callback is not authenticated.")
    }

    /// 403: the key may not do this.
    #[must_use]
    pub fn forbidden(scope: &str) -> Self {
        Self::new(403, "forbidden", &format!("The API key lacks the scope {scope}."))
    }

    /// 404: there is no such route.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(404, "no_such_route", "There is nothing at this path and method.")
    }

    /// 404: there is no such thing, or it is another tenant's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "not_found", &format!("There is no such {what}."))
    }

    /// 409: a request with the same idempotency key is under way.
    #[must_use]
    pub fn in_flight(retry_after: u32) -> Self {
        let message = "A request with this Idempotency-Key is still being carried out.";
        Self { retry_after: Some(retry_after), ..Self::new(409, "request_in_flight", message) }
    }

    /// 409: the evidence is not in our bucket.
    #[must_use]
    pub fn evidence_not_stored() -> Self {
        Self::new(409, "evidence_not_stored", "This evidence has not been stored.")
    }

    /// 409: there is nothing to decide.
    #[must_use]
    pub fn not_in_review() -> Self {
        Self::new(409, "not_in_review", "The process is not in review, or was decided otherwise.")
    }

    /// 409: what was read about a person does not count yet, or never will.
    #[must_use]
    pub fn not_approved() -> Self {
        Self::new(409, "not_approved", "The process is not approved.")
    }

    /// 409: what was read is about somebody else than the person that is named.
    #[must_use]
    pub fn another_person() -> Self {
        Self::new(409, "another_person", "The process is about another person.")
    }

    /// 404: the process has no certificate.
    #[must_use]
    pub fn no_certificate() -> Self {
        Self::new(404, "no_certificate", "The process has no certificate.")
    }

    /// 409: the process must not be redacted yet.
    #[must_use]
    pub fn on_legal_hold(until: jiff::Timestamp) -> Self {
        Self::new(409, "on_legal_hold", &format!("The process is on legal hold until {until}."))
    }

    /// 410: everything about the person was removed.
    #[must_use]
    pub fn redacted() -> Self {
        Self::new(410, "redacted", "The process was redacted.")
    }

    /// 410: callbacks about the process are no longer taken.
    #[must_use]
    pub fn callback_over() -> Self {
        Self::new(410, "callback_over", "The process ended too long ago.")
    }

    /// 413: the body is too long.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "too_large", &format!("The body is longer than {limit} bytes."))
    }

    /// 422: fields are wrong. The first hundred are named.
    #[must_use]
    pub fn invalid(mut fields: Vec<FieldProblem>) -> Self {
        fields.sort_by(|a, b| a.field.cmp(&b.field));
        let message = match fields.as_slice() {
            [one] => format!("{} {}.", one.field, one.message),
            many => format!("{} fields are invalid.", many.len()),
        };
        fields.truncate(MAX_FIELDS);
        Self { fields, ..Self::new(422, "invalid_request", &message) }
    }

    /// 422: the deployment or the tenant has not what it takes.
    #[must_use]
    pub fn not_set_up(what: &str) -> Self {
        Self::new(422, "not_set_up", &format!("{what} is not set up."))
    }

    /// 429: a person was sent enough for now.
    #[must_use]
    pub fn too_many_codes(retry_after: u32) -> Self {
        let message = "This contact was sent as many codes as it may be for now.";
        Self { retry_after: Some(retry_after), ..Self::new(429, "too_many_codes", message) }
    }

    /// 424: the company that a tenant has for messages did not take one. No 5xx, since nothing of ours is in trouble: one account of
    /// a customer's must not wake whoever operates us.
    #[must_use]
    pub fn not_taken() -> Self {
        let message = "The company that sends the code did not take it.";
        Self { retry_after: Some(5), ..Self::new(424, "code_not_sent", message) }
    }

    /// 503: a message was not taken by our own mail.
    #[must_use]
    pub fn not_sent() -> Self {
        let message = "The code could not be sent for the moment.";
        Self { retry_after: Some(5), ..Self::new(503, "code_not_sent", message) }
    }

    /// 503: operators have the provider left alone for now. Nothing was stored or sent.
    #[must_use]
    pub fn provider_paused(provider: &str) -> Self {
        let message = format!("The provider {provider} is paused. Nothing was created.");
        Self { retry_after: Some(60), ..Self::new(503, "provider_paused", &message) }
    }

    /// 422: one field is wrong.
    #[must_use]
    pub fn invalid_field(field: &str, message: &str) -> Self {
        Self::invalid(vec![FieldProblem::new(field, message)])
    }

    /// 422: the idempotency key was used with another body.
    #[must_use]
    pub fn key_reused() -> Self {
        let message = "This Idempotency-Key was used before with another body.";
        Self::new(422, "idempotency_key_reused", message)
    }

    /// 422: the provider refuses; `code` is its own.
    #[must_use]
    pub fn refused_by_provider(process: ProcessId, provider: &str, code: &str) -> Self {
        let message = format!("The provider {provider} refuses the process with {code}.");
        Self { process: Some(process), ..Self::new(422, "refused_by_provider", &message) }
    }

    /// 429: the tenant's limit is used up.
    #[must_use]
    pub fn rate_limited(retry_after: u32) -> Self {
        let message = "The limit of requests a minute is used up.";
        Self { retry_after: Some(retry_after), ..Self::new(429, "rate_limited", message) }
    }

    /// 500: something of ours is wrong.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal_error", "Something went wrong on our side.")
    }

    /// 503: our own store cannot be reached.
    #[must_use]
    pub fn unavailable() -> Self {
        let message = "The service is unavailable for the moment.";
        Self { retry_after: Some(2), ..Self::new(503, "unavailable", message) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store");
        match error {
            StoreError::Unavailable { .. } | StoreError::Contended { .. } | StoreError::Conflict => Self::unavailable(),
            StoreError::Corrupt(_) | StoreError::TooLarge | StoreError::ReferenceTaken => Self::internal(),
        }
    }
}

impl From<SecretsError> for ApiError {
    fn from(error: SecretsError) -> Self {
        tracing::error!(%error, "secrets");
        Self::unavailable()
    }
}
