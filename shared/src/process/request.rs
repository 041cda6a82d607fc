//! A validated request to create a process.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evidence::EvidenceKind;
use crate::common::{private::Private, values::time};

/// Characters of a person's name, and of the purpose of a consent.
pub const MAX_NAME_CHARS: usize = 200;
/// Characters of a document's type.
pub const MAX_TYPE_CHARS: usize = 40;
/// Characters of a document's number.
pub const MAX_NUMBER_CHARS: usize = 60;
/// Characters of a phone number; a provider may want fewer.
pub const MAX_PHONE_CHARS: usize = 40;
/// Characters of an e-mail address; a provider may want fewer.
pub const MAX_EMAIL_CHARS: usize = 254;
/// Labels of a process.
pub const MAX_TAGS: usize = 10;
/// Bytes of a label.
pub const MAX_TAG_BYTES: usize = 40;
/// Bytes of the customer's own data, as JSON.
pub const MAX_METADATA_BYTES: usize = 4096;
/// Bytes of the provider's options, as JSON.
pub const MAX_OPTIONS_BYTES: usize = 8192;

/// The body of `POST /processes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessRequest {
    pub provider: String,
    pub person: Person,
    pub document: Document,
    /// The kinds of the submitted pictures; their bytes are evidence.
    #[serde(default)]
    pub pictures: Vec<EvidenceKind>,
    /// Options for this provider, in the provider's own shape.
    #[serde(default)]
    pub options: Private<Value>,
    /// The person's consent, obtained by the customer.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// The customer's own data: returned unchanged, never interpreted.
    #[serde(default)]
    pub metadata: Private<BTreeMap<String, Value>>,
    /// The customer's own labels.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "time::optional")]
    pub expires_at: Option<Timestamp>,
    /// Until when the process must not be redacted.
    #[serde(default, deserialize_with = "time::optional")]
    pub legal_hold_until: Option<Timestamp>,
}

impl ProcessRequest {
    /// Removes the person's data and the customer's own; the provider, the type of document and the deadline stay.
    pub(super) fn redact(&mut self) {
        self.person = Person { name: Private::default(), email: None, phone: None, person_id: None };
        self.document.number = Private::default();
        self.options = Private::default();
        self.consent = None;
        self.metadata = Private::default();
        self.tags = Vec::new();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: Private<String>,
    #[serde(default)]
    pub email: Option<Private<String>>,
    /// Phone number, E.164.
    #[serde(default)]
    pub phone: Option<Private<String>>,
    /// The person's record in the registry.
    #[serde(default)]
    pub person_id: Option<String>,
}

/// The document the person shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// ISO 3166 alpha-2 code of the issuing country.
    pub country: String,
    /// In the provider's words, such as `CC`.
    #[serde(rename = "type")]
    pub kind: String,
    pub number: Private<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub purpose: String,
    #[serde(deserialize_with = "time::required")]
    pub obtained_at: Timestamp,
}
