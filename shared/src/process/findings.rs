//! Findings, in one shape for all providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::common::private::Private;

/// What a provider and our own checks found about a document and a face.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// In the provider's order.
    pub checks: Vec<Check>,
    pub extracted: Extracted,
    pub face: Option<Face>,
    /// In the provider's words.
    pub document_type: Option<String>,
    /// The provider's own result code.
    pub provider_result: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub outcome: Outcome,
    pub source: Source,
    pub provider_code: Option<String>,
    /// Never personal data.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    Warning,
    /// Not tested, or an unknown answer.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Provider,
    Computed,
}

/// The data extracted from a document. Dates are ISO 8601; absent means not extracted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extracted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surnames: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_place: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Private<String>>,
    /// Last day of validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<Private<String>>,
    /// Issuing country or state, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuing_state: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nationality: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Private<String>>,
    /// Lines of the machine-readable zone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mrz: Vec<Private<String>>,
    /// Other values, under the provider's own names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, Private<String>>,
}

/// The comparison of the face with the document's portrait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Face {
    /// Percent, 0 to 100.
    pub similarity: Option<f64>,
    /// Whether the face is a living person's.
    pub liveness: Option<Outcome>,
}
