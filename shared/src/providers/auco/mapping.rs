//! From Cotejo's terms to Auco's and back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{AucoAccount, options, wire};
use crate::{
    common::Private,
    process::{
        CopyOutcome, EvidenceKind, Findings, Observation, ObservedMedia, ProcessId, ProcessRequest, Status,
        findings::{Check, Extracted, Face, Outcome, Source},
    },
    providers::{
        MediaLink, ProviderError,
        wire::{Identities, code as as_code, iso_date},
    },
};

/// Limits on what the process keeps of one answer; the raw answer is stored whole.
const MAX_CHECKS: usize = 100;
const MAX_OTHER: usize = 50;
const MAX_TEXT_BYTES: usize = 500;
/// The most pictures of one attempt; there is one of each kind.
const MAX_PICTURES: usize = 3;

/// The body that creates a process at Auco.
pub(super) fn creation<'a>(
    id: ProcessId,
    request: &'a ProcessRequest,
    account: &'a AucoAccount,
) -> Result<wire::Creation<'a>, ProviderError> {
    let mut options =
        options::read(request.options.expose()).map_err(|_| ProviderError::rejected("options_invalid"))?;
    options.custom.insert("cotejo_id".to_owned(), Value::String(id.to_string()));
    // Without any, Auco tells the account's default webhook, which may not be ours.
    if let Some(ours) = &account.webhook_id
        && !options.target_webhooks.contains(ours)
    {
        options.target_webhooks.push(ours.clone());
    }
    Ok(wire::Creation {
        email: account_email(request, account),
        platform: options.platform,
        name: request.person.name.expose(),
        phone: request.person.phone.as_ref().map(|phone| phone.expose().as_str()),
        country: &request.document.country,
        kind: &request.document.kind,
        identification: request.document.number.expose(),
        user_email: request.person.email.as_ref().map(|email| email.expose().as_str()),
        custom: options.custom,
        expired_date: request.expires_at.map(|end| format!("{end:.3}")),
        target_webhooks: options.target_webhooks,
        tags: &request.tags,
        validation_types: options.validation_types,
    })
}

fn account_email<'a>(request: &'a ProcessRequest, account: &'a AucoAccount) -> &'a str {
    let named = request.options.expose().get("email").and_then(Value::as_str);
    named.or(account.creator_email.as_deref()).unwrap_or_default()
}

/// Auco's answer as an observation, with the links to its pictures.
pub(super) fn observation(veriface: wire::Veriface, observed_at: Timestamp) -> (Observation, Vec<MediaLink>) {
    let mut media = Vec::new();
    let mut links = Vec::new();
    let mut checks = Vec::new();
    let mut identities = Identities::default();
    for (attempt, number) in veriface.attempts.iter().zip(1_u32..) {
        checks.extend(attempt_checks(attempt, number));
        checks.truncate(MAX_CHECKS);
        // Attempts have no id, and links change with every answer: an attempt's time identifies it, else its
        // position.
        let identity = match attempt.date {
            Some(date) => identities.give(&date.to_string()),
            None => format!("#{number}"),
        };
        let pictures = [
            (EvidenceKind::DocumentFront, &attempt.identification_card_front),
            (EvidenceKind::DocumentBack, &attempt.identification_card_back),
            (EvidenceKind::Selfie, &attempt.photo),
        ];
        let pictures = pictures.into_iter().flat_map(|(kind, of_kind)| of_kind.iter().map(move |link| (kind, link)));
        for (kind, (position, url)) in pictures.take(MAX_PICTURES) {
            let mut source = format!("{identity}/{}", kind.as_str());
            if *position > 1 {
                source.push_str(&format!("/{position}"));
            }
            media.push(ObservedMedia {
                source: source.clone(),
                kind,
                attempt: number,
                captured_at: attempt.date,
                outcome: CopyOutcome::NotTried,
            });
            links.push(MediaLink { source, url: url.clone() });
        }
    }
    let last = veriface.attempts.iter().rev().find(|attempt| attempt.is_read);
    let mut read = last.map(|attempt| attempt.identification_card_data.clone()).unwrap_or_default();
    read.extend(veriface.ocr_data);
    let document_type = text(&read, "documentType").map(str::to_owned).or(veriface.identification_type);
    let status = status(&veriface.status);
    let failure = last.and_then(|attempt| attempt.error_messages.first()?.error.as_deref().map(code));
    let observation = Observation {
        observed_at,
        status,
        reason: failure.filter(|_| matches!(status, Status::Rejected | Status::InReview)),
        findings: Findings {
            checks,
            extracted: extracted(&read),
            face: last
                .and_then(|a| a.similarity)
                .map(|similarity| Face { similarity: Some(similarity), liveness: None }),
            document_type,
            provider_result: Some(veriface.status).filter(|status| !status.is_empty()),
        },
        media,
        certificate: None,
        escalate: false,
        unread: veriface.unread,
    };
    (observation, links)
}

/// Auco's states (seed `001_…`, "Estados del proceso"). An unknown one does not end the process.
fn status(code: &str) -> Status {
    match code {
        "APPROVED" => Status::Approved,
        "INVALIDATED" => Status::Rejected,
        "BLOCKED" => Status::InReview,
        "EXPIRED" => Status::Expired,
        _ => Status::InProgress,
    }
}

/// One check for the attempt and one for each error in it.
fn attempt_checks(attempt: &wire::Attempt, number: u32) -> Vec<Check> {
    let check = |name: &str, outcome, provider_code| Check {
        name: name.to_owned(),
        outcome,
        source: Source::Provider,
        provider_code,
        detail: Some(format!("attempt {number}")),
    };
    let outcome = match attempt.successful {
        Some(true) => Outcome::Passed,
        Some(false) => Outcome::Failed,
        None => Outcome::Unknown,
    };
    let errors = attempt.error_messages.iter().map(|message| {
        let name = match message.key.as_deref().map(str::to_ascii_uppercase).as_deref() {
            Some("ID_FRONT") => "document_front",
            Some("ID_BACK") => "document_back",
            Some("PHOTO" | "FACE") => "selfie",
            _ => "attempt_error",
        };
        check(name, Outcome::Failed, message.error.as_deref().or(message.key.as_deref()).map(code))
    });
    std::iter::once(check("attempt", outcome, None)).chain(errors).collect()
}

/// The extracted data (seed `001_…`, "Datos OCR"). A value without a field of ours keeps Auco's name.
fn extracted(read: &wire::Read) -> Extracted {
    let private = |name: &str| text(read, name).map(|value| Private::new(value.to_owned()));
    let date = |name: &str| text(read, name).and_then(iso_date).map(Private::new);
    const MAPPED: [&str; 10] = [
        "documentNumber",
        "fullName",
        "givenNames",
        "surname",
        "dateOfBirth",
        "placeOfBirth",
        "firstIssueDate",
        "issuingStateName",
        "sex",
        "documentType",
    ];
    const DATES: [&str; 2] = ["dateOfBirth", "firstIssueDate"];
    let other: BTreeMap<_, _> = read
        .iter()
        .filter(|(name, value)| {
            // A value that should be a date and is not keeps Auco's name.
            let is_no_date = DATES.contains(&name.as_str()) && iso_date(value).is_none();
            is_no_date || !MAPPED.contains(&name.as_str())
        })
        .filter_map(|(name, _)| Some((as_code(name)?.to_owned(), Private::new(text(read, name)?.to_owned()))))
        .take(MAX_OTHER)
        .collect();
    Extracted {
        document_number: private("documentNumber"),
        full_name: private("fullName"),
        names: private("givenNames"),
        surnames: private("surname"),
        birth_date: date("dateOfBirth"),
        birth_place: private("placeOfBirth"),
        issue_date: date("firstIssueDate"),
        issuing_state: private("issuingStateName"),
        sex: private("sex"),
        other,
        ..Extracted::default()
    }
}

/// An extracted text; one that is too long (a picture, say) stays in the raw answer only.
fn text<'a>(read: &'a wire::Read, name: &str) -> Option<&'a str> {
    read.get(name).map(String::as_str).filter(|value| (1..=MAX_TEXT_BYTES).contains(&value.len()))
}

/// Auco's code, or a code of ours for an invalid one.
fn code(text: &str) -> String {
    as_code(text).unwrap_or("not_a_code").to_owned()
}
