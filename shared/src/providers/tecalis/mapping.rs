//! From Tecalis's terms to Cotejo's.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::wire::{Customer, Fields, General, Operation};
use crate::{
    common::Private,
    process::{
        CopyOutcome, EvidenceKind, Findings, Observation, ObservedMedia, Status,
        findings::{Check, Extracted, Face, Outcome, Source},
    },
    providers::{
        MediaLink,
        wire::{Identities, code},
    },
};

/// Fields that are not about the person, or have a field of ours.
const NOT_THE_PERSON: [&str; 8] =
    ["uuid", "start_at", "total_time", "total_tries", "details", "start_side", "type", "document_type"];
/// The identity of a session's video.
const VIDEO: &str = "video";
/// Limits on what the process keeps of one answer; the raw answer is stored whole.
const MAX_CHECKS: usize = 200;
const MAX_FACTS: usize = 150;
const MAX_PICTURES: usize = 150;
const MAX_VIDEOS: usize = 3;
/// Places and devices of one session.
const MAX_LISTED: usize = 5;
/// Bytes of a text.
const MAX_TEXT_BYTES: usize = 512;

/// Tecalis's answer as an observation, with the links to its pictures.
pub(super) fn observation(customer: Customer, observed_at: Timestamp) -> (Observation, Vec<MediaLink>) {
    let status = status(&customer.process_status);
    let checks: Vec<Check> = customer.operations.iter().flat_map(operation_checks).take(MAX_CHECKS).collect();
    let (media, links) = media(&customer, status.is_terminal());
    let observation = Observation {
        observed_at,
        status,
        reason: if status == Status::Rejected { reason(&checks) } else { None },
        findings: Findings {
            checks,
            document_type: document_type(&customer),
            extracted: extracted(&customer),
            face: customer
                .operations
                .iter()
                .find(|operation| operation.name == "POL")
                .map(|proof| Face { similarity: None, liveness: Some(operation_outcome(&proof.state)) }),
            provider_result: Some(customer.process_status).filter(|state| !state.is_empty()),
        },
        media,
        certificate: None,
        escalate: false,
        unread: customer.unread,
    };
    (observation, links)
}

/// Tecalis's states. An unknown one does not end the process.
fn status(code: &str) -> Status {
    match code {
        "OK" => Status::Approved,
        "KO" => Status::Rejected,
        "CANCELLED" => Status::Cancelled,
        _ => Status::InProgress,
    }
}

/// One check for the operation and one for each antifraud test in it.
fn operation_checks(operation: &Operation) -> Vec<Check> {
    let name = match operation.name.as_str() {
        "" => "operation".to_owned(),
        name => name.to_ascii_lowercase(),
    };
    let of_operation = Check {
        name: name.clone(),
        outcome: operation_outcome(&operation.state),
        source: Source::Provider,
        provider_code: Some(operation.state.clone()).filter(|state| !state.is_empty()),
        detail: None,
    };
    let antifraud = operation.antifraud.iter().filter_map(|(test, value)| {
        let value = value.as_deref().and_then(code);
        Some(Check {
            name: code(test)?.to_ascii_lowercase(),
            outcome: match value.map(str::to_ascii_uppercase).as_deref() {
                Some("OK") => Outcome::Passed,
                Some("KO") => Outcome::Failed,
                // No other value is documented; any value but OK has not passed.
                _ => Outcome::Warning,
            },
            source: Source::Provider,
            provider_code: value.map(str::to_owned),
            detail: Some(name.clone()),
        })
    });
    std::iter::once(of_operation).chain(antifraud).collect()
}

fn operation_outcome(state: &str) -> Outcome {
    match state {
        "OK" => Outcome::Passed,
        "KO" => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

/// The first failed antifraud test, which says more than its operation; else the failed operation.
fn reason(checks: &[Check]) -> Option<String> {
    let failed = || checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed().find(|check| check.detail.is_some()).or_else(|| failed().next()).map(|check| check.name.clone())
}

/// The pictures of operations that have ended; after the end of the process, those of all, and the recording of the
/// session, which grows until then.
fn media(customer: &Customer, is_over: bool) -> (Vec<ObservedMedia>, Vec<MediaLink>) {
    let (mut media, mut links) = (Vec::new(), Vec::new());
    let mut list = |source: String, kind, captured_at, url: &String| {
        // Tecalis counts the attempts and shows only the pictures of the last one.
        let outcome = CopyOutcome::NotTried;
        media.push(ObservedMedia { source: source.clone(), kind, attempt: 1, captured_at, outcome });
        links.push(MediaLink { source, url: url.clone() });
    };
    let (mut owners, mut sources) = (Identities::default(), Identities::default());
    for operation in &customer.operations {
        // Identities are also reserved for operations that have not ended, so that the others keep theirs.
        let owner = owners.give(operation.uuid.as_ref().unwrap_or(&operation.name));
        if !is_over && !operation.is_over() {
            continue;
        }
        for (kind, position, link) in &operation.images {
            // Links change with every answer, so a picture is identified by its place.
            let source = sources.give(&format!("{owner}/{kind}/{position}"));
            // The end of the operation is the closest known time.
            list(source, evidence_kind(kind), operation.end_at, link);
        }
    }
    let recorded_at = customer.operations.iter().filter_map(|operation| operation.end_at).max();
    for (position, link) in customer.general.video.iter().filter(|_| is_over).take(MAX_VIDEOS) {
        let source = if *position == 1 { VIDEO.to_owned() } else { format!("{VIDEO}/{position}") };
        list(source, EvidenceKind::Video, recorded_at, link);
    }
    media.truncate(MAX_PICTURES);
    links.truncate(MAX_PICTURES);
    (media, links)
}

fn evidence_kind(kind: &str) -> EvidenceKind {
    match kind {
        "ocr_front" => EvidenceKind::DocumentFront,
        "ocr_back" => EvidenceKind::DocumentBack,
        "selfie" => EvidenceKind::Selfie,
        "temporary" => EvidenceKind::Frame,
        _ => EvidenceKind::Other,
    }
}

/// In Tecalis's words, from the document's OCR, else from the summary.
fn document_type(customer: &Customer) -> Option<String> {
    let read = customer.operations.iter().map(|operation| &operation.fields).chain([&customer.identity]);
    read.filter_map(|fields| text(fields.get("document_type")?)).next()
}

/// The extracted data: first from the document, then the summary, then the other operations and the session. A value
/// without a field of ours keeps Tecalis's name.
fn extracted(customer: &Customer) -> Extracted {
    let mut known = Known::default();
    let is_reading = |operation: &&Operation| operation.name == "OCR";
    for operation in customer.operations.iter().filter(is_reading) {
        known.add(&operation.name, &operation.fields);
    }
    known.add("identity", &customer.identity);
    for operation in customer.operations.iter().filter(|operation| !is_reading(operation)) {
        known.add(&operation.name, &operation.fields);
    }
    known.add_session(&customer.general);
    Extracted {
        mrz: ["mrz1", "mrz2", "mrz3"].iter().filter_map(|line| known.take(line)).collect(),
        document_number: known.take("identifier"),
        names: known.take("names"),
        surnames: known.take("surnames"),
        birth_date: known.take_date("birthdate"),
        birth_place: known.take("place_of_birth"),
        expiry_date: known.take_date("expiration_date"),
        issuing_state: known.take("country"),
        nationality: known.take("nationality"),
        sex: known.take("gender"),
        address: known.take("address"),
        other: known.0.into_iter().map(|(name, value)| (name, Private::new(value))).collect(),
        ..Extracted::default()
    }
}

/// Values by Tecalis's names. Where two sources differ, the later value's name contains its source.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl Known {
    fn add(&mut self, place: &str, fields: &Fields) {
        for (name, value) in fields.iter().filter(|(name, _)| !NOT_THE_PERSON.contains(&name.as_str())) {
            // The summary has another name for it.
            let name = if name == "country_code" { "country" } else { name };
            let Some(value) = text(value).filter(|_| self.0.len() < MAX_FACTS) else { continue };
            let value = iso_date(&value).unwrap_or(value);
            match self.0.get(name) {
                None => self.0.insert(name.to_owned(), value),
                Some(same) if *same == value => None,
                Some(_) => self.0.insert(format!("{place}.{name}"), value),
            };
        }
    }

    fn add_session(&mut self, general: &General) {
        for (list, items) in [("location", &general.location), ("devices", &general.devices)] {
            for (item, place) in items.iter().take(MAX_LISTED).zip(1..) {
                let values = item.iter().filter_map(|(name, value)| Some((name, text(value)?)));
                self.0.extend(values.map(|(name, value)| (format!("{list}.{place}.{name}"), value)));
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<Private<String>> {
        self.0.remove(name).map(Private::new)
    }

    /// A date, from the summary where the extracted value is not a date; anything else keeps its name.
    fn take_date(&mut self, name: &str) -> Option<Private<String>> {
        let is_date = |name: &String| self.0.get(name).is_some_and(|value| value.parse::<Date>().is_ok());
        let name = [name.to_owned(), format!("identity.{name}")].into_iter().find(is_date)?;
        self.take(&name)
    }
}

/// The day of `1988-11-22 10:01:00`; the time means nothing.
fn iso_date(value: &str) -> Option<String> {
    let (day, rest) = value.split_at_checked(10)?;
    let is_date = day.parse::<Date>().is_ok() && (rest.is_empty() || rest.starts_with([' ', 'T']));
    is_date.then(|| day.to_owned())
}

/// A text to keep. Links are dropped: they expire, and are secrets until then.
fn text(text: &str) -> Option<String> {
    let keeps = text.len() <= MAX_TEXT_BYTES && !text.contains("://");
    keeps.then(|| text.to_owned())
}
