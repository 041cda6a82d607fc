//! What a customer may say only to Pocket, and everything that can be checked before Pocket is asked.

use cotejo::{
    common::{FieldError, shape::shape},
    process::{EvidenceKind, ProcessRequest},
    providers::contact,
};
use serde::Deserialize;
use serde_json::Value;

/// `options` of a process at Pocket.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PocketOptions {
    /// Whether a doubt counts as a failure.
    #[serde(default)]
    pub strict: bool,
}

/// The options, or what is wrong with them. A request need not have any, and then they are null.
pub(super) fn read(options: &Value) -> Result<PocketOptions, FieldError> {
    if options.is_null() { Ok(PocketOptions::default()) } else { shape(options, "options") }
}

/// Everything wrong with a request that Pocket would have to carry out.
pub(super) fn check(request: &ProcessRequest) -> Vec<FieldError> {
    let mut problems = contact::check_contact(&request.person);
    if !request.pictures.contains(&EvidenceKind::DocumentFront) {
        problems.push(FieldError::new("pictures.document_front", "is required"));
    }
    if request.pictures.contains(&EvidenceKind::DocumentBack) {
        problems.push(FieldError::new("pictures.document_back", "is not taken by this provider"));
    }
    problems.extend(read(request.options.expose()).err());
    problems
}
