//! What is wrong with one field of a request.

use uuid::Uuid;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// Path of the field, such as `person.phone`.
    pub field: String,
    /// What it must be. Never contains the value.
    pub message: String,
    /// The record that has the value, where that is what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl FieldError {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), id: None }
    }

    /// The same of a field that stands within `part`.
    #[must_use]
    pub fn within(self, part: &str) -> Self {
        Self { field: format!("{part}.{}", self.field), ..self }
    }
}
