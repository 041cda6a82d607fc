//! One invalid field of a request.

use uuid::Uuid;

/// One invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// Path of the field, such as `person.phone`.
    pub field: String,
    /// What it must be. Never contains the value.
    pub message: String,
    /// The record that already uses the value, where that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), id: None }
    }

    /// The same problem, with the path of a field within `part`.
    #[must_use]
    pub fn within(self, part: &str) -> Self {
        Self { field: format!("{part}.{}", self.field), ..self }
    }
}
