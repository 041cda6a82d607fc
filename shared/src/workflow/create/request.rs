//! Reads and validates the request of a creation.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    common::{
        FieldError, Private, RawJson,
        shape::shape,
        values::{email, phone},
    },
    process::{
        ProcessRequest,
        request::{
            MAX_EMAIL_CHARS, MAX_METADATA_BYTES, MAX_NAME_CHARS, MAX_NUMBER_CHARS, MAX_OPTIONS_BYTES, MAX_PHONE_CHARS,
            MAX_TAG_BYTES, MAX_TAGS, MAX_TYPE_CHARS,
        },
    },
    providers::Provider,
    workflow::Error,
};

const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Parses the body.
///
/// # Errors
/// The first field that has a wrong shape.
pub(super) fn read(body: &Value) -> Result<ProcessRequest, FieldError> {
    let mut request = shape(body, "")?;
    normalize(&mut request);
    Ok(request)
}

/// Validates a request, also by the provider's rules.
///
/// # Errors
/// Every wrong field.
pub(super) fn check(request: &ProcessRequest, provider: &dyn Provider, now: Timestamp) -> Result<(), Error> {
    let mut problems = of_any_provider(request, now);
    if !provider.capabilities().pictures && !request.pictures.is_empty() {
        problems.push(FieldError::new("pictures", "are not accepted by this provider"));
    }
    // A field that is too long for any provider is reported once.
    let of_provider = provider.check(request, now).into_iter();
    let more: Vec<_> =
        of_provider.filter(|problem| problems.iter().all(|known| known.field != problem.field)).collect();
    problems.extend(more);
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// Converts fields to their canonical form. A value without one stays unchanged for the validation.
fn normalize(request: &mut ProcessRequest) {
    let person = &mut request.person;
    let phone = person.phone.as_ref().and_then(|phone| phone::international(phone.expose()));
    person.phone = phone.map(Private::new).or(person.phone.take());
    let email = person.email.as_ref().and_then(|email| email::public_address(email.expose()));
    person.email = email.map(Private::new).or(person.email.take());
    let person_id = person.person_id.as_ref().and_then(|id| uuid::Uuid::try_parse(id).ok());
    person.person_id = person_id.map(|id| id.to_string()).or(person.person_id.take());
}

/// The errors that do not depend on the provider.
fn of_any_provider(request: &ProcessRequest, now: Timestamp) -> Vec<FieldError> {
    let mut problems = Vec::new();
    check_person(request, &mut problems);
    check_free_parts(request, &mut problems);
    check_moments(request, now, &mut problems);
    problems
}

/// Whether a text is not blank and has at most `max` characters.
fn fits(text: &str, max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max
}

/// Validates the person and the document.
fn check_person(request: &ProcessRequest, problems: &mut Vec<FieldError>) {
    let mut wrong = |field: &str, message: &str| problems.push(FieldError::new(field, message));
    if !fits(request.person.name.expose(), MAX_NAME_CHARS) {
        wrong("person.name", "must have 1 to 200 characters");
    }
    let is_long = |text: &Option<Private<String>>, max: usize| {
        text.as_ref().is_some_and(|text| text.expose().chars().count() > max)
    };
    if is_long(&request.person.phone, MAX_PHONE_CHARS) {
        wrong("person.phone", "must have at most 40 characters");
    }
    if is_long(&request.person.email, MAX_EMAIL_CHARS) {
        wrong("person.email", "must have at most 254 characters");
    }
    if request.person.person_id.as_ref().is_some_and(|id| uuid::Uuid::try_parse(id).is_err()) {
        wrong("person.person_id", "must be a UUID");
    }
    let country = &request.document.country;
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        wrong("document.country", "must be an ISO 3166 alpha-2 code in capitals");
    }
    if !fits(&request.document.kind, MAX_TYPE_CHARS) {
        wrong("document.type", "must have 1 to 40 characters");
    }
    if !fits(request.document.number.expose(), MAX_NUMBER_CHARS) {
        wrong("document.number", "must have 1 to 60 characters");
    }
}

/// Validates consent, tags, metadata and options.
fn check_free_parts(request: &ProcessRequest, problems: &mut Vec<FieldError>) {
    let mut wrong = |field: &str, message: &str| problems.push(FieldError::new(field, message));
    if request.consent.as_ref().is_some_and(|consent| !fits(&consent.purpose, MAX_NAME_CHARS)) {
        wrong("consent.purpose", "must have 1 to 200 characters");
    }
    if request.tags.len() > MAX_TAGS {
        wrong("tags", "must have at most 10 entries");
    }
    for (position, tag) in request.tags.iter().enumerate() {
        if tag.trim().is_empty() || tag.len() > MAX_TAG_BYTES {
            wrong(&format!("tags[{position}]"), "must have 1 to 40 bytes in UTF-8");
        }
    }
    let metadata = RawJson::of(request.metadata.expose());
    if metadata.text().len() > MAX_METADATA_BYTES || metadata.is_too_deep() {
        wrong("metadata", "must have at most 4096 bytes as JSON, nested at most 32 deep");
    }
    let options = RawJson::of(request.options.expose());
    if options.text().len() > MAX_OPTIONS_BYTES || options.is_too_deep() {
        wrong("options", "must have at most 8192 bytes as JSON, nested at most 32 deep");
    }
}

/// Validates timestamps, which must be in the past or in the future.
fn check_moments(request: &ProcessRequest, now: Timestamp, problems: &mut Vec<FieldError>) {
    let mut wrong = |field: &str, message: &str| problems.push(FieldError::new(field, message));
    if request.consent.as_ref().is_some_and(|consent| consent.obtained_at > now + SignedDuration::from_mins(5)) {
        wrong("consent.obtained_at", "must not be in the future");
    }
    if request.legal_hold_until.is_some_and(|until| until <= now) {
        wrong("legal_hold_until", "must be in the future");
    }
    match request.expires_at {
        Some(end) if end <= now => wrong("expires_at", "must be in the future"),
        Some(end) if end > now + LONGEST_LIFE => wrong("expires_at", "must be within a year"),
        _ => {}
    }
}
