//! The machine's verdict: what the answer to a submission means.

use super::{
    MAX_CHECKS,
    fields::{Extraction, is_test},
    has_face, provider_result,
};
use crate::{
    process::{
        CertificateNews, Findings, Observation, Status,
        certificate::CertificateProgress,
        findings::{Check, Face, Outcome, Source},
    },
    providers::{
        Round, Submission,
        link::{options, wire},
        wire::{code, number},
    },
};

/// The engine's code for whether the face matches the document.
const FACE_TEST: &str = "TEST_FACE_RECOGNITION_VALUE";
/// The engine's code for how likely that is.
const FACE_RATIO: &str = "TEST_FACE_RECOGNITION_RATIO";

/// The answer to a submission as an observation: the machine's verdict, or a pending review by LINK's reviewers.
pub(in crate::providers::link) fn automatic(verified: &wire::Verified, submission: &Submission<'_>) -> Observation {
    let options = options::read(submission.request.options.expose()).unwrap_or_default();
    let verification = &verified.id_verification;
    let checks: Vec<Check> = verification.fields.iter().filter_map(field_check).take(MAX_CHECKS).collect();
    let (status, reason) = status(verification, has_face(submission.request));
    let certificate = match &verified.certification {
        Some(status) => Some(progress(status)),
        None => (options.certify && status != Status::Failed).then_some(CertificateProgress::Making),
    };
    let read = Extraction::of(&verification.fields);
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

/// The reason of a review that the machine requests.
const WARNED: &str = "provider_warning";

/// The machine's verdict (seed, "ID Verification Result codes"). `Ok` is about the document only: with a face, the face test
/// decides. An unknown code does not end the process.
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

/// The outcome of all face tests: failed if one failed, passed if all passed.
fn face_test(fields: &[wire::Field]) -> Option<Outcome> {
    let outcomes =
        || fields.iter().filter(|field| field.code == FACE_TEST).map(|field| outcome(first_word(&field.value)));
    outcomes()
        .find(|outcome| *outcome == Outcome::Failed)
        .or_else(|| outcomes().find(|o| *o != Outcome::Passed))
        .or_else(|| outcomes().next())
}

fn face(fields: &[wire::Field]) -> Option<Face> {
    let tested = fields.iter().any(|field| field.code == FACE_TEST || field.code == FACE_RATIO);
    let ratio = fields.iter().find(|field| field.code == FACE_RATIO);
    let ratio = ratio.and_then(|field| number(&field.value)).filter(|ratio| (0.0..=100.0).contains(ratio));
    // From 0 to 1; a greater ratio must be a percentage.
    let percent = ratio.map(|ratio| if ratio > 1.0 { ratio } else { (ratio * 10_000.0).round() / 100.0 });
    tested.then_some(Face { similarity: percent, liveness: None })
}

/// A test field as a check. Its value is `STATUS`, `STATUS FIELD` or a number.
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

/// Only OK passes and only FAIL fails; anything else is a warning.
fn outcome(status: &str) -> Outcome {
    match status.to_ascii_uppercase().as_str() {
        "OK" | "IQ_GOOD" => Outcome::Passed,
        "FAIL" | "IQ_BAD" => Outcome::Failed,
        "" => Outcome::Unknown,
        _ => Outcome::Warning,
    }
}

/// The field that a test is about, or its strength (`11%`). Anything else may be extracted data and is dropped.
fn detail(rest: &str) -> Option<String> {
    let rest = rest.trim();
    let is_number = rest.strip_suffix('%').unwrap_or(rest).parse::<f64>().is_ok();
    if is_number { Some(rest.to_owned()) } else { code(rest).map(str::to_ascii_lowercase) }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// The progress of a certificate (seed, "Service Operation Status").
pub(in crate::providers::link) fn progress(status: &str) -> CertificateProgress {
    match status.to_ascii_lowercase().as_str() {
        "completed" => CertificateProgress::Ready,
        "error" => CertificateProgress::Failed,
        _ => CertificateProgress::Making,
    }
}
