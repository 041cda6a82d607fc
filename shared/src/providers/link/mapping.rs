//! From Cotejo's terms to LINK's and back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{options, wire};
use crate::{
    common::Private,
    process::{
        CertificateNews, EvidenceKind, Findings, Observation, ProcessRequest, Status,
        certificate::CertificateProgress,
        findings::{Check, Extracted, Face, Outcome, Source},
    },
    providers::{
        ProviderError, Round, Submission,
        wire::{code, iso_date, number},
    },
};

/// Limits of what is kept of one answer in the process itself; the raw answer is kept whole.
const MAX_CHECKS: usize = 100;
const MAX_OTHER: usize = 50;
const MAX_TEXT_BYTES: usize = 500;
/// What says whether the face is the document's, and how likely (codes of the engine).
const FACE_TEST: &str = "TEST_FACE_RECOGNITION_VALUE";
const FACE_RATIO: &str = "TEST_FACE_RECOGNITION_RATIO";

/// The body that has a document verified.
pub(super) fn verify<'a>(id: Uuid, submission: &'a Submission<'_>) -> Result<wire::Verify<'a>, ProviderError> {
    let rejected = ProviderError::rejected;
    let options = options::read(submission.request.options.expose()).map_err(|_| rejected("options_invalid"))?;
    let picture = |kind| {
        let picture = submission.pictures.iter().find(|picture| picture.kind == kind);
        picture.map(|picture| picture.bytes.as_ref())
    };
    let front = picture(EvidenceKind::DocumentFront).ok_or_else(|| rejected("pictures_missing"))?;
    let back = picture(EvidenceKind::DocumentBack).map(|content| wire::Image { content, face_image: None });
    let front = wire::Image { content: front, face_image: picture(EvidenceKind::Selfie) };
    // Without a URL LINK would take the one of the account's settings, which nobody here knows.
    let ours = |url: &'a Option<String>| url.as_deref().ok_or_else(|| rejected("callback_url_unknown"));
    let manual = options.manual || submission.round == Round::Escalated;
    Ok(wire::Verify {
        id: id.to_string(),
        images: std::iter::once(front).chain(back).collect(),
        expeditor_country: &submission.request.document.country,
        certify: options.certify,
        certify_callback: if options.certify { ours(&submission.callbacks.certificate)? } else { "" },
        manual_verification: manual.then_some(true),
        manual_verification_callback: if manual { Some(ours(&submission.callbacks.result)?) } else { None },
    })
}

/// What the answer to a submission means: the machine's verdict, or that people are at it.
pub(super) fn automatic(verified: &wire::Verified, submission: &Submission<'_>) -> Observation {
    let options = options::read(submission.request.options.expose()).unwrap_or_default();
    let verification = &verified.id_verification;
    let checks: Vec<Check> = verification.fields.iter().filter_map(field_check).take(MAX_CHECKS).collect();
    let (status, reason) = status(verification, has_face(submission.request));
    let certificate = match &verified.certification {
        Some(status) => Some(progress(status)),
        None => (options.certify && status != Status::Failed).then_some(CertificateProgress::Making),
    };
    let read = Read::of(&verification.fields);
    Observation {
        observed_at: submission.now,
        status,
        reason: reason.map(str::to_owned),
        findings: Findings {
            checks,
            document_type: read.first("TYPE"),
            face: face(&verification.fields),
            extracted: read.extracted(),
            provider_result: provider_result([verification.result.as_deref(), Some(&verification.status)]),
        },
        media: Vec::new(),
        certificate: certificate
            .filter(|_| options.certify)
            .map(|progress| CertificateNews { reference: verified.id.trim().to_ascii_lowercase(), progress }),
        escalate: reason == Some(WARNED) && options.manual_on_warning && submission.round == Round::First,
        unread: verified.unread.clone(),
    }
}

/// The reason of a review that the machine asks for.
const WARNED: &str = "provider_warning";

/// The machine's verdict (seed, "ID Verification Result codes"). `Ok` speaks of the document only: with a face its test
/// decides. What we do not know is not an end.
fn status(verification: &wire::IdVerification, with_face: bool) -> (Status, Option<&'static str>) {
    match verification.status.as_str() {
        "error" => return (Status::Failed, Some("provider_error")),
        "completed" => {}
        _ => return (Status::InProgress, None),
    }
    match verification.result.as_deref().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "ok" if with_face => match face_test(&verification.fields) {
            Some(Outcome::Passed) => (Status::Approved, None),
            Some(Outcome::Failed) => (Status::Rejected, Some("face_recognition")),
            _ => (Status::InReview, Some("face_unclear")),
        },
        "ok" => (Status::Approved, None),
        "notcorrect" => (Status::Rejected, Some("not_correct")),
        "warning" => (Status::InReview, Some(WARNED)),
        "notprocessed" => (Status::Failed, Some("not_processed")),
        _ => (Status::InProgress, None),
    }
}

/// What all tests of the face say together: one that failed has failed, and one that did not pass has not passed.
fn face_test(fields: &[wire::Field]) -> Option<Outcome> {
    let outcomes =
        || fields.iter().filter(|field| field.code == FACE_TEST).map(|field| outcome(first_word(&field.value)));
    outcomes()
        .find(|outcome| *outcome == Outcome::Failed)
        .or_else(|| outcomes().find(|o| *o != Outcome::Passed))
        .or_else(|| outcomes().next())
}

fn has_face(request: &ProcessRequest) -> bool {
    request.pictures.contains(&EvidenceKind::Selfie)
}

fn face(fields: &[wire::Field]) -> Option<Face> {
    let tested = fields.iter().any(|field| field.code == FACE_TEST || field.code == FACE_RATIO);
    let ratio = fields.iter().find(|field| field.code == FACE_RATIO);
    let ratio = ratio.and_then(|field| number(&field.value)).filter(|ratio| (0.0..=100.0).contains(ratio));
    // From 0 to 1; more can only be meant as percent.
    let percent = ratio.map(|ratio| if ratio > 1.0 { ratio } else { (ratio * 10_000.0).round() / 100.0 });
    tested.then_some(Face { similarity: percent, liveness: None })
}

/// A field that tests something, as a check: its value is `STATUS`, `STATUS FIELD` or a number.
fn field_check(field: &wire::Field) -> Option<Check> {
    if !is_test(field) {
        return None;
    }
    let (status, rest) = field.value.split_once(char::is_whitespace).unwrap_or((&field.value, ""));
    let (outcome, provider_code, detail) = match code(status) {
        _ if number(status).is_some() => (Outcome::Unknown, None, Some(status.to_owned())),
        Some(status) => (outcome(status), Some(status.to_owned()), detail(rest)),
        None => (Outcome::Unknown, None, None),
    };
    let name = field.code.to_ascii_lowercase();
    Some(Check { name, outcome, source: Source::Provider, provider_code, detail })
}

fn is_test(field: &wire::Field) -> bool {
    field.kind.eq_ignore_ascii_case("Validation")
        || ["TEST_", "QUALITY_IMAGE_"].iter().any(|prefix| field.code.starts_with(prefix))
}

/// Anything but OK has not passed, and only FAIL has failed.
fn outcome(status: &str) -> Outcome {
    match status.to_ascii_uppercase().as_str() {
        "OK" | "IQ_GOOD" => Outcome::Passed,
        "FAIL" | "IQ_BAD" => Outcome::Failed,
        "" => Outcome::Unknown,
        _ => Outcome::Warning,
    }
}

/// Which field a test is about, or how strongly it speaks (`11%`). Anything else may be what was read.
fn detail(rest: &str) -> Option<String> {
    let rest = rest.trim();
    let is_number = rest.strip_suffix('%').unwrap_or(rest).parse::<f64>().is_ok();
    if is_number { Some(rest.to_owned()) } else { code(rest).map(str::to_ascii_lowercase) }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Where a certificate stands (seed, "Service Operation Status").
pub(super) fn progress(status: &str) -> CertificateProgress {
    match status.to_ascii_lowercase().as_str() {
        "completed" => CertificateProgress::Ready,
        "error" => CertificateProgress::Failed,
        _ => CertificateProgress::Making,
    }
}

/// The first of LINK's words that is one.
fn provider_result<'a>(words: impl IntoIterator<Item = Option<&'a str>>) -> Option<String> {
    words.into_iter().flatten().find_map(code).map(str::to_owned)
}

/// What was read, by LINK's codes, in its order.
#[derive(Default)]
struct Read(Vec<(String, String)>);

impl Read {
    fn of(fields: &[wire::Field]) -> Self {
        let read = fields.iter().filter(|field| !is_test(field)).map(|field| (&field.code, &field.value));
        let bounded = read.filter(|(_, value)| (1..=MAX_TEXT_BYTES).contains(&value.len()));
        Self(bounded.map(|(code, value)| (code.clone(), value.clone())).collect())
    }

    fn first(&self, code: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == code).map(|(_, value)| value.clone())
    }

    fn take(&mut self, code: &str) -> Option<Private<String>> {
        let position = self.0.iter().position(|(known, _)| known == code)?;
        Some(Private::new(self.0.remove(position).1))
    }

    /// A date in ISO 8601; what is none stays among the rest.
    fn take_date(&mut self, code: &str) -> Option<Private<String>> {
        let position = self.0.iter().position(|(known, value)| known == code && iso_date(value).is_some())?;
        iso_date(&self.0.remove(position).1).map(Private::new)
    }

    /// All values of a code, in order.
    fn take_all(&mut self, code: &str) -> Vec<String> {
        let mut values = Vec::new();
        self.0.retain(|(known, value)| {
            if known == code {
                values.push(value.clone());
            }
            known != code
        });
        values
    }

    /// What has a place of ours, and the rest under LINK's codes; a code that repeats is numbered.
    fn extracted(mut self) -> Extracted {
        self.take("TYPE");
        // Each surname is a field, and both may be the same.
        let surnames = self.take_all("SURNAME");
        let lines = self.take_all("MRZ");
        let lines = lines.iter().flat_map(|lines| lines.split_whitespace());
        let mrz = lines.map(|line| Private::new(line.to_owned())).collect();
        // The person's number is what the request names; not every document has one beside its own.
        let number = if self.first("ID_NUMBER").is_some() { "ID_NUMBER" } else { "DOC_NUMBER" };
        let extracted = Extracted {
            mrz,
            document_number: self.take(number),
            names: self.take("NAME"),
            surnames: (!surnames.is_empty()).then(|| Private::new(surnames.join(" "))),
            birth_date: self.take_date("BIRTHDATE"),
            birth_place: self.take("BIRTHPLACE"),
            expiry_date: self.take_date("EXPIRY"),
            issuing_state: self.take("EXPEDITOR"),
            nationality: self.take("NATIONALITY"),
            sex: self.take("SEX"),
            address: self.take("ADDRESS"),
            ..Extracted::default()
        };
        Extracted { other: self.rest(), ..extracted }
    }

    fn rest(self) -> BTreeMap<String, Private<String>> {
        let mut rest = BTreeMap::new();
        for (code, value) in self.0.into_iter().take(MAX_OTHER) {
            let mut numbered = (2..).map(|number| format!("{code}.{number}"));
            let mut name = code.clone();
            while rest.contains_key(&name) {
                name = numbered.next().unwrap_or_default();
            }
            rest.insert(name, Private::new(value));
        }
        rest
    }
}

/// What a callback with the result of LINK's people means.
pub(super) fn manual(event: &wire::Event, request: &ProcessRequest, received_at: Timestamp) -> Observation {
    let (document, face) = (event.data.document_info.as_ref(), event.data.face_comparison_info.as_ref());
    let (status, reason) = match event.status.trim().to_ascii_lowercase().as_str() {
        "completed" => decision(document, face.filter(|_| has_face(request)), has_face(request)),
        "error" => (Status::Failed, Some("provider_error".to_owned())),
        _ => (Status::InProgress, None),
    };
    let approval = document.map(|document| document.document_approval.as_str());
    let acceptance = document.map(|document| document.acceptance.result.as_str());
    let checks = document.into_iter().flat_map(document_checks).chain(face.into_iter().flat_map(face_checks));
    let data = document.map(|document| &document.extracted_data);
    Observation {
        observed_at: received_at,
        status,
        reason,
        findings: Findings {
            checks: checks.take(MAX_CHECKS).collect(),
            document_type: data.and_then(|data| text(&data.document_attributes, "documentType")),
            extracted: data.map(extracted_data).unwrap_or_default(),
            face: face.map(|face| Face { similarity: None, liveness: liveness(face) }),
            provider_result: provider_result([approval, acceptance, Some(&event.status)]),
        },
        media: Vec::new(),
        certificate: None,
        escalate: false,
        unread: event.unread.clone(),
    }
}

/// What makes a face acceptance that was refused a verdict on the person rather than on the picture.
const FORGED_FACES: [&str; 2] = ["SELFIE_NOT_LIVE", "PORTRAIT_IS_FAKE"];

/// LINK's people's verdict. What speaks against the person or the document counts before what speaks against the
/// pictures, since better pictures would not help; and approved is only what is approved in every part that was sent.
fn decision(
    document: Option<&wire::DocumentInfo>,
    face: Option<&wire::FaceInfo>,
    with_face: bool,
) -> (Status, Option<String>) {
    let rejected = |reason: &str| (Status::Rejected, Some(reason.to_ascii_lowercase()));
    let failed = |reason: &str| (Status::Failed, Some(reason.to_ascii_lowercase()));
    let approval = document.map_or("", |document| document.document_approval.as_str());
    if let Some(document) = document.filter(|_| approval == "NOT_APPROVED") {
        let verdicts = [&document.authenticity, &document.originality, &document.validity];
        return rejected(verdicts.iter().find_map(|verdict| verdict.first_reason()).unwrap_or(approval));
    }
    if let Some(face) = face {
        let forged = |reason: &&str| FORGED_FACES.contains(reason);
        let is_refused = face.acceptance.is_rejected();
        if let Some(reason) = face.acceptance.reasons().find(forged).filter(|_| is_refused) {
            return rejected(reason);
        }
        let findings = [&face.face_comparison_approval, &face.face_liveness_approval];
        if let Some(finding) = findings.iter().find(|finding| finding.starts_with("NOT_")).and_then(|f| code(f)) {
            return rejected(finding);
        }
    }
    let acceptances = document.map(|d| &d.acceptance).into_iter().chain(face.map(|face| &face.acceptance));
    if let Some(refused) = acceptances.clone().find(|acceptance| acceptance.is_rejected()) {
        return failed(refused.first_reason().unwrap_or("pictures_rejected"));
    }
    let all_accepted = acceptances.clone().all(|acceptance| acceptance.result == "ACCEPTED");
    let face_matches =
        face.is_some_and(|face| face.face_comparison_approval == "MATCH" && face.face_liveness_approval == "LIVE");
    if approval == "APPROVED" && all_accepted && (!with_face || face_matches) {
        (Status::Approved, None)
    } else {
        failed("incomplete_result")
    }
}

impl wire::Verdict {
    fn is_rejected(&self) -> bool {
        self.result == "REJECTED"
    }

    fn reasons(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().map(String::as_str)
    }

    fn first_reason(&self) -> Option<&str> {
        self.reasons().next()
    }
}

fn document_checks(document: &wire::DocumentInfo) -> Vec<Check> {
    let mut checks = verdict_checks("document_acceptance", &document.acceptance);
    checks.extend(check_of("document_approval", &document.document_approval));
    checks.extend(verdict_checks("authenticity", &document.authenticity));
    checks.extend(verdict_checks("originality", &document.originality));
    checks.extend(verdict_checks("validity", &document.validity));
    checks
}

fn face_checks(face: &wire::FaceInfo) -> Vec<Check> {
    let mut checks = verdict_checks("face_acceptance", &face.acceptance);
    checks.extend(check_of("face_comparison", &face.face_comparison_approval));
    checks.extend(check_of("face_liveness", &face.face_liveness_approval));
    checks
}

/// A verdict is one check, and so is each of its reasons.
fn verdict_checks(name: &str, verdict: &wire::Verdict) -> Vec<Check> {
    let reasons = verdict.reasons().map(|reason| Check {
        name: reason.to_ascii_lowercase(),
        outcome: Outcome::Failed,
        source: Source::Provider,
        provider_code: Some(reason.to_owned()),
        detail: Some(name.to_owned()),
    });
    check_of(name, &verdict.result).into_iter().chain(reasons).collect()
}

fn check_of(name: &str, result: &str) -> Option<Check> {
    let result = code(result)?;
    let outcome = match result {
        "ACCEPTED" | "APPROVED" | "AUTHENTIC" | "ORIGINAL" | "VALID" | "MATCH" | "LIVE" => Outcome::Passed,
        "REJECTED" => Outcome::Failed,
        refused if refused.starts_with("NOT_") => Outcome::Failed,
        _ => Outcome::Unknown,
    };
    let (name, provider_code) = (name.to_owned(), Some(result.to_owned()));
    Some(Check { name, outcome, source: Source::Provider, provider_code, detail: None })
}

fn liveness(face: &wire::FaceInfo) -> Option<Outcome> {
    match face.face_liveness_approval.as_str() {
        "LIVE" => Some(Outcome::Passed),
        "NOT_LIVE" => Some(Outcome::Failed),
        _ if face.acceptance.reasons().any(|reason| reason == "SELFIE_NOT_LIVE") => Some(Outcome::Failed),
        _ => None,
    }
}

/// What LINK's people read (seed, "extractedData"); what has no field of ours keeps LINK's name.
fn extracted_data(data: &wire::ExtractedData) -> Extracted {
    let (document, person, name) = (&data.document_attributes, &data.person_attributes, &data.name);
    let private = |from: &wire::Read, name: &str| text(from, name).map(Private::new);
    let lines = (1..=4).filter_map(|line| text(&data.unparsed_address, &format!("addressLine{line}")));
    let lines: Vec<String> = lines.collect();
    let others = [
        (document, "issuingAuthority"),
        (document, "stateOrProvinceOfIssuance"),
        (person, "personalGovernmentId"),
        (name, "firstSurname"),
        (name, "secondSurname"),
        (&data.parsed_address, "city"),
        (&data.parsed_address, "postalCode"),
        (&data.parsed_address, "stateOrProvince"),
    ];
    let dates = [(person, "dateOfBirth"), (document, "dateOfIssuance"), (document, "dateOfExpiry")];
    let date = |from: &wire::Read, name: &str| iso_date(&text(from, name)?).map(Private::new);
    let no_dates = dates.into_iter().filter(|(from, name)| date(from, name).is_none());
    Extracted {
        document_number: private(document, "documentNumber"),
        full_name: private(name, "fullName"),
        names: private(name, "givenNames"),
        surnames: private(name, "surname"),
        birth_date: date(person, "dateOfBirth"),
        birth_place: private(person, "placeOfBirth"),
        issue_date: date(document, "dateOfIssuance"),
        expiry_date: date(document, "dateOfExpiry"),
        issuing_state: private(document, "countryCodeOfIssuance"),
        nationality: private(person, "nationalityCode"),
        sex: private(person, "gender"),
        address: (!lines.is_empty()).then(|| Private::new(lines.join(", "))),
        mrz: Vec::new(),
        other: others
            .into_iter()
            .chain(no_dates)
            .filter_map(|(from, name)| Some((name.to_owned(), private(from, name)?)))
            .collect(),
    }
}

/// A text that was read; what is too long to be one is in the raw answer only.
fn text(read: &wire::Read, name: &str) -> Option<String> {
    read.get(name).filter(|value| (1..=MAX_TEXT_BYTES).contains(&value.len())).cloned()
}
