//! Findings: what was found out, in one shape whoever did the work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::common::private::Private;

/// Everything a provider (and our own computation) found about a document and a face.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// Single tests, in the provider's order.
    pub checks: Vec<Check>,
    /// What was read from the document.
    pub extracted: Extracted,
    /// The comparison of the face, where there was one.
    pub face: Option<Face>,
    /// The document's type in the provider's words.
    pub document_type: Option<String>,
    /// The provider's own result code.
    pub provider_result: Option<String>,
}

/// One test and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was tested.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Who tested.
    pub source: Source,
    /// The provider's own code, untouched.
    pub provider_code: Option<String>,
    /// More about it; never personal data.
    pub detail: Option<String>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Doubtful.
    Warning,
    /// Not tested, or the answer is not understood.
    Unknown,
}

/// Who made a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The verification company.
    Provider,
    /// Cotejo.
    Computed,
}

/// What was read from a document. Dates are ISO 8601; absent means not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extracted {
    /// Number of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Private<String>>,
    /// Name as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Private<String>>,
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Private<String>>,
    /// Surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surnames: Option<Private<String>>,
    /// Date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Private<String>>,
    /// Place of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_place: Option<Private<String>>,
    /// Date of issue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Private<String>>,
    /// Last day of validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<Private<String>>,
    /// Issuing country or state, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuing_state: Option<Private<String>>,
    /// Nationality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nationality: Option<Private<String>>,
    /// Sex as printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Private<String>>,
    /// Address as one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Private<String>>,
    /// Lines of the machine-readable zone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mrz: Vec<Private<String>>,
    /// What the provider reads beyond these, under its own names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, Private<String>>,
}

/// The comparison of a face with the document's portrait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Face {
    /// Likeness in percent, 0 to 100.
    pub similarity: Option<f64>,
    /// Whether the face was taken from a living person.
    pub liveness: Option<Outcome>,
}
