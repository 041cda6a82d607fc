//! LINK's JSON (seed `003_…`). Everything that is not needed to know the state is optional: a field that is missing, empty
//! or of another form must not cost the answer.

use std::borrow::Cow;

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::providers::wire::{code, lenient};

/// Body of `POST /auth/token`.
#[derive(Serialize)]
pub(super) struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

/// Answer to it.
#[derive(Deserialize)]
pub(super) struct Authorized {
    pub token: SecretString,
    /// Seconds.
    #[serde(rename = "expiresIn", default, deserialize_with = "lenient")]
    pub expires_in: u32,
}

/// Answer of `POST /ping`.
#[derive(Deserialize)]
pub(super) struct Pong {
    #[serde(deserialize_with = "word")]
    pub status: String,
}

/// Body of `POST /identity/verify`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verify<'a> {
    pub id: String,
    pub images: Vec<Image<'a>>,
    pub expeditor_country: &'a str,
    pub certify: bool,
    /// Empty where nothing is certified, as in the seed's samples.
    pub certify_callback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_verification: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_verification_callback: Option<&'a str>,
}

/// A side of the document, and with the first the face to compare it with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Image<'a> {
    #[serde(serialize_with = "base64")]
    pub content: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "base64_of_some")]
    pub face_image: Option<&'a [u8]>,
}

/// Answer to it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    pub id: String,
    pub id_verification: IdVerification,
    #[serde(default, deserialize_with = "lenient")]
    pub certification: Option<Certification>,
}

/// What was verified.
#[derive(Deserialize)]
pub(super) struct IdVerification {
    /// `completed`, `processing` or `error` (seed, "Service Operation Status").
    #[serde(deserialize_with = "word")]
    pub status: String,
    /// In LINK's spelling (seed, "ID Verification Result codes").
    #[serde(default, deserialize_with = "lenient")]
    pub result: Option<String>,
    /// In LINK's order; codes repeat.
    #[serde(default, deserialize_with = "fields")]
    pub fields: Vec<Field>,
}

/// Something that was read or tested.
pub(super) struct Field {
    /// `Normal` or `Validation`.
    pub kind: String,
    pub code: String,
    pub value: String,
}

/// Where the certificate stands.
#[derive(Deserialize)]
pub(super) struct Certification {
    #[serde(deserialize_with = "word")]
    pub status: String,
}

/// Body of a callback.
#[derive(Deserialize)]
pub(super) struct Event {
    pub id: String,
    pub service: String,
    /// As in [`IdVerification`], in LINK's spelling.
    pub status: String,
    /// Of a manual verification; a certification's holds nothing that we want.
    #[serde(default, deserialize_with = "lenient")]
    pub data: Manual,
}

/// What LINK's people found.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Manual {
    #[serde(deserialize_with = "lenient")]
    pub document_info: Option<DocumentInfo>,
    #[serde(deserialize_with = "lenient")]
    pub face_comparison_info: Option<FaceInfo>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DocumentInfo {
    #[serde(deserialize_with = "lenient")]
    pub acceptance: Verdict,
    #[serde(deserialize_with = "lenient")]
    pub findings: DocumentFindings,
    #[serde(deserialize_with = "lenient")]
    pub extracted_data: ExtractedData,
}

/// A result and what it is due to.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Verdict {
    /// In capitals; empty where there is none.
    #[serde(deserialize_with = "capitals")]
    pub result: String,
    #[serde(deserialize_with = "lenient")]
    pub reasons: Vec<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DocumentFindings {
    #[serde(deserialize_with = "capitals")]
    pub document_approval: String,
    #[serde(deserialize_with = "lenient")]
    pub details: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Details {
    #[serde(deserialize_with = "lenient")]
    pub authenticity: Verdict,
    #[serde(deserialize_with = "lenient")]
    pub originality: Verdict,
    #[serde(deserialize_with = "lenient")]
    pub validity: Verdict,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtractedData {
    #[serde(deserialize_with = "lenient")]
    pub document_attributes: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub person_attributes: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub name: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub address: Addresses,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Addresses {
    #[serde(deserialize_with = "lenient")]
    pub parsed_address: Map<String, Value>,
    #[serde(deserialize_with = "lenient")]
    pub unparsed_address: Map<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct FaceInfo {
    #[serde(deserialize_with = "lenient")]
    pub acceptance: Verdict,
    #[serde(deserialize_with = "lenient")]
    pub findings: FaceFindings,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FaceFindings {
    #[serde(deserialize_with = "capitals")]
    pub face_comparison_approval: String,
    #[serde(deserialize_with = "capitals")]
    pub face_liveness_approval: String,
}

/// Answer of `GET /certificate/{id}`.
#[derive(Deserialize)]
pub(super) struct CertificateFile<'a> {
    pub id: String,
    #[serde(borrow)]
    pub content: Cow<'a, str>,
}

/// The code in the body of a refusal: `{"id": …, "code": "003", "message": …}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code(body.get("code")?.as_str()?).map(str::to_owned)
}

/// Whether a server error at `POST /auth/token` says that user or password are wrong.
pub(super) fn are_invalid_credentials(body: &[u8]) -> bool {
    refusal_code(body).as_deref() == Some("003")
}

/// A word in small letters, without the blanks that are seen around some.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.trim().to_ascii_lowercase())
}

/// Likewise, in capitals; empty where it is no text.
fn capitals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(lenient::<D, String>(deserializer)?.trim().to_ascii_uppercase())
}

/// The fields that have a code and a value, in their order.
fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Field>, D::Error> {
    let list: Vec<Value> = lenient(deserializer)?;
    let read = |field: &Value| {
        let text = |name: &str| field.get(name).and_then(Value::as_str).map(str::trim);
        let value = match field.get("value")? {
            Value::String(text) => text.trim().to_owned(),
            Value::Null => return None,
            other => other.to_string(),
        };
        Some(Field { kind: text("type").unwrap_or_default().to_owned(), code: code(text("code")?)?.to_owned(), value })
    };
    Ok(list.iter().filter_map(read).collect())
}

/// Written as it is encoded, since pictures are large.
fn base64<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

fn base64_of_some<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    base64(&bytes.unwrap_or_default(), serializer)
}
