//! The verdict of LINK's reviewers: what the body of a result callback means.

use jiff::Timestamp;

use super::{MAX_CHECKS, MAX_TEXT_BYTES, has_face, provider_result};
use crate::{
    common::Private,
    process::{
        Findings, Observation, ProcessRequest, Status,
        findings::{Check, Extracted, Face, Outcome, Source},
    },
    providers::{
        link::wire,
        wire::{code, iso_date},
    },
};

/// A result callback as an observation.
pub(in crate::providers::link) fn manual(
    event: &wire::Event,
    request: &ProcessRequest,
    received_at: Timestamp,
) -> Observation {
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

/// The reasons that make a refused face acceptance a verdict on the person, not on the picture.
const FORGED_FACES: [&str; 2] = ["SELFIE_NOT_LIVE", "PORTRAIT_IS_FAKE"];

/// The reviewers' verdict. Reasons against the person or the document count before reasons against the pictures, since better
/// pictures would not help. A process is approved only if every submitted part is approved.
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

/// One check for the verdict and one for each of its reasons.
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

/// The data that the reviewers extracted (seed, "extractedData"). A value without a field of ours keeps LINK's name.
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

/// An extracted text; one that is too long stays in the raw answer only.
fn text(read: &wire::Read, name: &str) -> Option<String> {
    read.get(name).filter(|value| (1..=MAX_TEXT_BYTES).contains(&value.len())).cloned()
}
