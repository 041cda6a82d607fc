//! Evidence: the pictures, videos and raw answers kept for whoever must be shown later what was checked.

use serde::{Deserialize, Serialize};

/// What a piece of evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The document's front.
    DocumentFront,
    /// The document's back.
    DocumentBack,
    /// The person's face.
    Selfie,
    /// The provider's answer, untouched.
    ProviderResponse,
}

impl EvidenceKind {
    /// The name used in answers and object keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentFront => "document_front",
            Self::DocumentBack => "document_back",
            Self::Selfie => "selfie",
            Self::ProviderResponse => "provider_response",
        }
    }
}
