//! The options that only LINK has, and everything that can be validated before LINK is called.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    common::FieldError,
    process::{EvidenceKind, ProcessRequest},
    providers::contact,
};

/// `options` of a process at LINK.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct LinkOptions {
    /// Whether LINK's reviewers decide instead of its machine.
    pub manual: bool,
    /// Whether LINK issues a certificate.
    pub certify: bool,
    /// Whether LINK's reviewers decide where its machine only warns.
    pub manual_on_warning: bool,
}

/// Reads the options. Without any, the machine verifies.
pub(super) fn read(options: &Value) -> Result<LinkOptions, FieldError> {
    if options.is_null() { Ok(LinkOptions::default()) } else { crate::common::shape::shape(options, "options") }
}

/// Validates a request for LINK.
pub(super) fn check(request: &ProcessRequest) -> Vec<FieldError> {
    let mut problems = Vec::new();
    let options = read(request.options.expose());
    if options.as_ref().is_ok_and(|options| options.manual && options.manual_on_warning) {
        problems.push(FieldError::new("options.manual_on_warning", "has no use beside manual"));
    }
    if !request.pictures.contains(&EvidenceKind::DocumentFront) {
        problems.push(FieldError::new("pictures.document_front", "is required"));
    }
    problems.extend(contact::check_contact(&request.person));
    problems.extend(options.err());
    problems
}
