//! From Tecalis's terms to Cotejo's.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use super::wire::{Customer, General, Operation};
use crate::{
    process::{
        CopyOutcome, EvidenceKind, Findings, Observation, ObservedMedia, Private, Status,
        findings::{Check, Extracted, Face, Outcome, Source},
    },
    providers::{MediaLink, wire::code},
};

/// Fields that are not about the person, and what has a place of its own.
const NOT_THE_PERSON: [&str; 8] =
    ["uuid", "start_at", "total_time", "total_tries", "details", "start_side", "type", "document_type"];
/// The identity of a session's one video.
const VIDEO: &str = "video";
/// The most places and devices that are kept of one session.
const MAX_LISTED: usize = 5;
/// The longest text that is kept.
const MAX_TEXT_BYTES: usize = 512;

/// What Tecalis's answer means, and where its pictures are.
pub(super) fn observation(customer: Customer, observed_at: Timestamp) -> (Observation, Vec<MediaLink>) {
    let status = status(&customer.process_status);
    let checks: Vec<Check> = customer.operations.iter().flat_map(operation_checks).collect();
    let (mut media, mut links) = pictures(&customer.operations, status.is_terminal());
    if let Some(link) = video(&customer.general, status.is_terminal()) {
        media.push(ObservedMedia {
            source: VIDEO.to_owned(),
            kind: EvidenceKind::Video,
            attempt: 1,
            captured_at: customer.operations.iter().filter_map(|operation| operation.end_at).max(),
            outcome: CopyOutcome::NotTried,
        });
        links.push(MediaLink { source: VIDEO.to_owned(), url: link });
    }
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
    };
    (observation, links)
}

/// Tecalis's states. One we do not know is not an end.
fn status(code: &str) -> Status {
    match code {
        "OK" => Status::Approved,
        "KO" => Status::Rejected,
        "CANCELLED" => Status::Cancelled,
        _ => Status::InProgress,
    }
}

/// An operation is one check, and so is each antifraud test in it.
fn operation_checks(operation: &Operation) -> Vec<Check> {
    let name = operation.name.to_ascii_lowercase();
    let of_operation = Check {
        name: name.clone(),
        outcome: operation_outcome(&operation.state),
        source: Source::Provider,
        provider_code: Some(operation.state.clone()).filter(|state| !state.is_empty()),
        detail: None,
    };
    let antifraud = operation.antifraud.iter().filter_map(|(test, value)| {
        let value = text(value);
        let value = value.as_deref().and_then(code);
        Some(Check {
            name: code(test)?.to_ascii_lowercase(),
            outcome: match value.map(str::to_ascii_uppercase).as_deref() {
                Some("OK") => Outcome::Passed,
                Some("KO") => Outcome::Failed,
                // No other value is documented; one that does not say OK has not passed.
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

/// The first antifraud test that failed, which says more than the operation it is part of; else that operation.
fn reason(checks: &[Check]) -> Option<String> {
    let failed = || checks.iter().filter(|check| check.outcome == Outcome::Failed);
    failed().find(|check| check.detail.is_some()).or_else(|| failed().next()).map(|check| check.name.clone())
}

/// The pictures of operations that are over, or of all when the process is.
fn pictures(operations: &[Operation], all: bool) -> (Vec<ObservedMedia>, Vec<MediaLink>) {
    let (mut media, mut links) = (Vec::new(), Vec::new());
    for operation in operations.iter().filter(|operation| all || operation.is_over()) {
        let owner = operation.uuid.as_ref().unwrap_or(&operation.name);
        for (kind, place, link) in operation.pictures() {
            // Links change with every answer and no part of them is promised to stay: the place is who a picture is.
            let source = format!("{owner}/{kind}/{place}");
            media.push(ObservedMedia {
                source: source.clone(),
                kind: match kind {
                    "ocr_front" => EvidenceKind::DocumentFront,
                    "ocr_back" => EvidenceKind::DocumentBack,
                    "selfie" => EvidenceKind::Selfie,
                    "temporary" => EvidenceKind::Frame,
                    _ => EvidenceKind::Other,
                },
                // Tecalis counts tries and shows the pictures of the last one only.
                attempt: 1,
                // There is no closer moment than the operation's end.
                captured_at: operation.end_at,
                outcome: CopyOutcome::NotTried,
            });
            links.push(MediaLink { source, url: link.to_owned() });
        }
    }
    (media, links)
}

/// The link to the recording, once the session is over: until then it grows.
fn video(general: &General, over: bool) -> Option<String> {
    general.video.clone().filter(|link| over && !link.is_empty())
}

/// In Tecalis's words, from where the document was read, else from the summary.
fn document_type(customer: &Customer) -> Option<String> {
    let read = customer.operations.iter().map(|operation| &operation.fields).chain([&customer.identity]);
    read.filter_map(|fields| text(fields.get("document_type")?)).next()
}

/// What is known of the person: read from the document first, then the summary, then the other operations and the
/// session. What has no field of ours keeps Tecalis's name.
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

/// Values by Tecalis's names. Where two places differ, the later one's name says where it is from.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl Known {
    fn add(&mut self, place: &str, fields: &Map<String, Value>) {
        for (name, value) in fields.iter().filter(|(name, _)| !NOT_THE_PERSON.contains(&name.as_str())) {
            // The summary has another name for it.
            let name = if name == "country_code" { "country" } else { name };
            let Some(value) = text(value) else { continue };
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

    /// Only what is a date, from the summary where the reading is none; anything else stays under its name.
    fn take_date(&mut self, name: &str) -> Option<Private<String>> {
        let is_date = |name: &String| self.0.get(name).is_some_and(|value| value.parse::<Date>().is_ok());
        let name = [name.to_owned(), format!("identity.{name}")].into_iter().find(is_date)?;
        self.take(&name)
    }
}

/// The day of `1988-11-22 10:01:00`, whose time is no fact.
fn iso_date(value: &str) -> Option<String> {
    let (day, rest) = value.split_at_checked(10)?;
    let is_date = day.parse::<Date>().is_ok() && (rest.is_empty() || rest.starts_with([' ', 'T']));
    is_date.then(|| day.to_owned())
}

/// A value as text. Links are no facts: they die, and until then they are secrets.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    let keeps = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.contains("://");
    keeps.then_some(text)
}
