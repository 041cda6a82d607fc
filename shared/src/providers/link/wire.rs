//! LINK's JSON (seed `003_…`), read field by field: one that is missing, empty or of another type affects nothing
//! else.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::providers::{
    repair::mended,
    wire::{Document, Place, code_in},
};

/// The longest life of a token.
const MOST_SECONDS: u32 = 86_400;

/// Body of `POST /auth/token`.
#[derive(Serialize)]
pub(super) struct Credentials<'a> {
    pub user: &'a str,
    pub password: &'a str,
}

/// The answer.
pub(super) struct Authorized {
    pub token: SecretString,
    /// Seconds.
    pub expires_in: u32,
}

/// `None` where there is no token.
pub(super) fn authorized(body: &[u8]) -> Option<Authorized> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    let expires_in = root.field("expiresIn").number().unwrap_or_default();
    let expires_in = if (0.0..=f64::from(MOST_SECONDS)).contains(&expires_in) { expires_in as u32 } else { 0 };
    Some(Authorized { token: root.field("token").text()?.into(), expires_in })
}

/// The status in the answer of `POST /ping`, in lower case.
pub(super) fn pong(body: &[u8]) -> Option<String> {
    Some(Document::read(body).ok()?.root().field("status").text()?.to_ascii_lowercase())
}

/// Body of `POST /identity/verify`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verify<'a> {
    pub id: String,
    pub images: Vec<Image<'a>>,
    pub expeditor_country: &'a str,
    pub certify: bool,
    /// Empty without a certificate, as in the seed's samples.
    pub certify_callback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_verification: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_verification_callback: Option<&'a str>,
}

/// A side of the document; the first one also has the face.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Image<'a> {
    #[serde(serialize_with = "base64")]
    pub content: &'a [u8],
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "base64_of_some")]
    pub face_image: Option<&'a [u8]>,
}

/// The answer.
pub(super) struct Verified {
    pub id: String,
    pub id_verification: IdVerification,
    /// The state of the certificate (seed, "Service Operation Status").
    pub certification: Option<String>,
    /// The fields that could not be read.
    pub unread: Vec<String>,
}

pub(super) struct IdVerification {
    /// `completed`, `processing` or `error` (seed, "Service Operation Status").
    pub status: String,
    /// In LINK's spelling (seed, "ID Verification Result codes").
    pub result: Option<String>,
    /// In LINK's order; codes repeat.
    pub fields: Vec<Field>,
}

/// An extracted value or a test.
pub(super) struct Field {
    /// `Normal` or `Validation`.
    pub kind: String,
    pub code: String,
    pub value: String,
}

/// Reads an answer; `None` where it lacks the id or the status.
pub(super) fn verified(body: &[u8]) -> Option<Verified> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    let verification = root.field("idVerification");
    let (id, status) = (root.field("id").text()?, verification.field("status").text()?);
    Some(Verified {
        id,
        id_verification: IdVerification {
            status: status.to_ascii_lowercase(),
            result: verification.field("result").text(),
            fields: verification.field("fields").items().iter().flat_map(fields).collect(),
        },
        certification: root.field("certification").field("status").text().map(|status| status.to_ascii_lowercase()),
        unread: document.unread(),
    })
}

/// A field with a code and a value; several where it has several values. A field without a value is skipped.
fn fields(field: &Place<'_>) -> Vec<Field> {
    let values: Vec<String> = field.field("value").items().iter().filter_map(Place::text).collect();
    if values.is_empty() && !field.field("value").is_empty_text() {
        return Vec::new();
    }
    let Some(code) = field.field("code").code() else {
        field.field("code").note();
        return Vec::new();
    };
    let kind = field.field("type").text().unwrap_or_default();
    let values = if values.is_empty() { vec![String::new()] } else { values };
    values.into_iter().map(|value| Field { kind: kind.clone(), code: code.clone(), value }).collect()
}

/// Body of a callback.
pub(super) struct Event {
    pub id: String,
    pub service: String,
    /// As in [`IdVerification`], in LINK's spelling.
    pub status: String,
    /// The data of a manual verification; that of a certification is not needed.
    pub data: Manual,
    /// The fields that could not be read.
    pub unread: Vec<String>,
}

/// The findings of LINK's reviewers.
pub(super) struct Manual {
    pub document_info: Option<DocumentInfo>,
    pub face_comparison_info: Option<FaceInfo>,
}

pub(super) struct DocumentInfo {
    pub acceptance: Verdict,
    /// In upper case; empty where there is none, as in all results.
    pub document_approval: String,
    pub authenticity: Verdict,
    pub originality: Verdict,
    pub validity: Verdict,
    pub extracted_data: ExtractedData,
}

/// A result and its reasons.
pub(super) struct Verdict {
    pub result: String,
    pub reasons: Vec<String>,
}

/// Extracted values, by LINK's names.
pub(super) type Read = BTreeMap<String, String>;

pub(super) struct ExtractedData {
    pub document_attributes: Read,
    pub person_attributes: Read,
    pub name: Read,
    pub parsed_address: Read,
    pub unparsed_address: Read,
}

pub(super) struct FaceInfo {
    pub acceptance: Verdict,
    pub face_comparison_approval: String,
    pub face_liveness_approval: String,
}

/// Reads a callback; `None` where it lacks the id.
pub(super) fn event(body: &[u8]) -> Option<Event> {
    let body = mended(body);
    let document = Document::read(&body).ok()?;
    let root = document.root();
    let data = root.field("data");
    let part = |name| Some(data.field(name)).filter(Place::is_map);
    Some(Event {
        id: root.field("id").text()?,
        service: root.field("service").text()?,
        status: root.field("status").text()?,
        data: Manual {
            document_info: part("documentInfo").as_ref().map(document_info),
            face_comparison_info: part("faceComparisonInfo").as_ref().map(face_info),
        },
        unread: document.unread(),
    })
}

fn document_info(document: &Place<'_>) -> DocumentInfo {
    let (findings, data) = (document.field("findings"), document.field("extractedData"));
    let (details, address) = (findings.field("details"), data.field("address"));
    DocumentInfo {
        acceptance: verdict(&document.field("acceptance")),
        document_approval: capitals(&findings.field("documentApproval")),
        authenticity: verdict(&details.field("authenticity")),
        originality: verdict(&details.field("originality")),
        validity: verdict(&details.field("validity")),
        extracted_data: ExtractedData {
            document_attributes: read(&data.field("documentAttributes")),
            person_attributes: read(&data.field("personAttributes")),
            name: read(&data.field("name")),
            parsed_address: read(&address.field("parsedAddress")),
            unparsed_address: read(&address.field("unparsedAddress")),
        },
    }
}

fn face_info(face: &Place<'_>) -> FaceInfo {
    let findings = face.field("findings");
    FaceInfo {
        acceptance: verdict(&face.field("acceptance")),
        face_comparison_approval: capitals(&findings.field("faceComparisonApproval")),
        face_liveness_approval: capitals(&findings.field("faceLivenessApproval")),
    }
}

fn verdict(verdict: &Place<'_>) -> Verdict {
    let reasons = verdict.field("reasons").items();
    Verdict { result: capitals(&verdict.field("result")), reasons: reasons.iter().filter_map(Place::code).collect() }
}

fn capitals(place: &Place<'_>) -> String {
    place.text().unwrap_or_default().to_ascii_uppercase()
}

fn read(place: &Place<'_>) -> Read {
    place.entries().into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.text()?))).collect()
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
    code_in(&body, &["code"])
}

/// Whether a server error of `POST /auth/token` says that user or password is wrong.
pub(super) fn are_invalid_credentials(body: &[u8]) -> bool {
    refusal_code(body).as_deref() == Some("003")
}

/// Written while it is encoded, since pictures are large.
fn base64<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

fn base64_of_some<S: Serializer>(bytes: &Option<&[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    base64(&bytes.unwrap_or_default(), serializer)
}
