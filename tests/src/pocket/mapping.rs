//! From Cotejo's terms to Pocket's and back.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use cotejo::{
    common::Private,
    process::{
        CertificateNews, CertificateProgress, CopyOutcome, EvidenceKind, Findings, Observation, ObservedMedia, Status,
        findings::{Check, Extracted, Outcome, Source},
    },
    providers::{MediaLink, ProviderError, Submission, wire::code},
};
use jiff::Timestamp;

use super::{options, wire};

/// The most tests of one answer that are kept; the raw answer is kept whole.
const MAX_CHECKS: usize = 100;
/// The longest text that is kept.
const MAX_TEXT_BYTES: usize = 500;

/// The body that creates a check. What `options::check` lets through always has one.
pub(super) fn creation<'a>(submission: &Submission<'a>) -> Result<wire::Creation<'a>, ProviderError> {
    let refused = ProviderError::rejected;
    let picture = |kind| {
        let found = submission.pictures.iter().find(|picture| picture.kind == kind);
        found.map(|picture| BASE64.encode(&picture.bytes))
    };
    let request = submission.request;
    Ok(wire::Creation {
        external_id: submission.id.to_string(),
        strict: options::read(request.options.expose()).map_err(|_| refused("options_invalid"))?.strict,
        country: &request.document.country,
        number: request.document.number.expose(),
        front: picture(EvidenceKind::DocumentFront).ok_or_else(|| refused("front_missing"))?,
        selfie: picture(EvidenceKind::Selfie),
        notify_url: submission.callbacks.result.as_deref(),
    })
}

/// What Pocket's answer about `check_id` means, and where its pictures are.
pub(super) fn observation(
    check_id: &str,
    answer: wire::CheckAnswer,
    observed_at: Timestamp,
) -> (Observation, Vec<MediaLink>) {
    let status = status(answer.state.trim());
    let (media, links) = answer.photos.into_iter().filter_map(photo).unzip();
    let ready = answer.report.is_some_and(|report| report.trim() == "ready");
    let observation = Observation {
        observed_at,
        status,
        reason: answer.cause.filter(|_| status == Status::Rejected).as_deref().and_then(code).map(str::to_owned),
        findings: Findings {
            checks: answer.tests.iter().filter_map(test).take(MAX_CHECKS).collect(),
            extracted: extracted(answer.holder),
            provider_result: code(&answer.state).map(str::to_owned),
            ..Findings::default()
        },
        media,
        certificate: ready
            .then(|| CertificateNews { reference: check_id.to_owned(), progress: CertificateProgress::Ready }),
        escalate: false,
        unread: answer.unread,
    };
    (observation, links)
}

/// Pocket's states. One we do not know is not an end.
fn status(state: &str) -> Status {
    match state {
        "pass" => Status::Approved,
        "fail" => Status::Rejected,
        "review" => Status::InReview,
        _ => Status::InProgress,
    }
}

fn test(test: &wire::Test) -> Option<Check> {
    let code = test.code.as_ref()?;
    Some(Check {
        name: code.to_ascii_lowercase(),
        outcome: match test.ok {
            Some(true) => Outcome::Passed,
            Some(false) => Outcome::Failed,
            None => Outcome::Unknown,
        },
        source: Source::Provider,
        provider_code: Some(code.clone()),
        detail: None,
    })
}

/// A picture and its link. Its place is who it is: links change with every answer.
fn photo(photo: wire::Photo) -> Option<(ObservedMedia, MediaLink)> {
    let (source, url) = (photo.place?, photo.url?);
    let kind = match source.as_str() {
        "front" => EvidenceKind::DocumentFront,
        "selfie" => EvidenceKind::Selfie,
        place if place.starts_with("frame-") => EvidenceKind::Frame,
        _ => EvidenceKind::Other,
    };
    let outcome = CopyOutcome::NotTried;
    let media = ObservedMedia { source: source.clone(), kind, attempt: 1, captured_at: None, outcome };
    Some((media, MediaLink { source, url }))
}

fn extracted(holder: wire::Holder) -> Extracted {
    let read = |text: Option<String>| text.filter(|text| (1..=MAX_TEXT_BYTES).contains(&text.len())).map(Private::new);
    Extracted {
        document_number: read(holder.number),
        full_name: read(holder.name),
        birth_date: read(holder.born),
        expiry_date: read(holder.expires),
        ..Extracted::default()
    }
}
