//! The options that only Tecalis has, and everything that can be validated before Tecalis is called.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{common::FieldError, process::ProcessRequest, providers::contact};

/// `options` of a process at Tecalis.
#[derive(Debug, Deserialize)]
pub(super) struct TecalisOptions {
    /// The authorization to follow, which the customer created at Tecalis.
    pub auth_uuid: String,
}

/// Reads the options.
fn read(options: &Value) -> Result<TecalisOptions, FieldError> {
    crate::common::shape::shape(options, "options")
}

/// The authorization a request follows, always spelled the same way.
pub(super) fn authorization(request: &ProcessRequest) -> Option<String> {
    let options = read(request.options.expose()).ok()?;
    Uuid::try_parse(&options.auth_uuid).ok().map(|uuid| uuid.to_string())
}

/// Validates a request for Tecalis.
pub(super) fn check(request: &ProcessRequest) -> Vec<FieldError> {
    let mut problems = contact::check_contact(&request.person);
    match read(request.options.expose()) {
        Ok(_) if authorization(request).is_none() => {
            problems.push(FieldError::new("options.auth_uuid", "must be a UUID"));
        }
        Ok(_) => {}
        Err(problem) => problems.push(problem),
    }
    problems
}
