//! Check digits of the machine-readable zone (ICAO Doc 9303, parts 3 to 7).
//!
//! The zone is checked as the provider read it. Nothing is repaired, because a misread and a forged zone look the
//! same.

use ::mrz::{Field, MrzError};

use super::{Check, Outcome, Private, check};

const NAME: &str = "mrz_check_digits";

/// One check over all check digits of the zone, the composite one among them.
pub(super) fn check_digits(zone: &[Private<String>]) -> Option<Check> {
    let lines = lines(zone);
    if lines.is_empty() {
        return None;
    }
    Some(match faults(&lines) {
        Some(faults) if faults.is_empty() => check(NAME, Outcome::Passed, None),
        Some(faults) => check(NAME, Outcome::Failed, Some(faults.join(", "))),
        None => check(NAME, Outcome::Unknown, Some("layout".to_owned())),
    })
}

/// The zone's lines, whether they come one by one, in one text with line breaks, or run together.
fn lines(zone: &[Private<String>]) -> Vec<String> {
    let lines = zone.iter().flat_map(|text| text.expose().lines());
    let lines = lines.map(|line| line.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let [one] = lines.as_slice() else { return lines };
    let characters: Vec<char> = one.chars().collect();
    let length = match characters.len() {
        90 => 30,
        72 => 36,
        88 => 44,
        _ => return lines,
    };
    characters.chunks(length).map(|line| line.iter().collect()).collect()
}

/// The fault of the zone; `None` where its layout is not one of ICAO's.
fn faults(lines: &[String]) -> Option<Vec<String>> {
    let first = lines.first()?;
    let wide = lines.iter().any(|line| line.chars().count() > 40);
    let length = match lines.len() {
        3 => 30,
        2 if wide => 44,
        // The French card before 2021 has this size and a layout of its own.
        2 if first.starts_with("IDFRA") => return None,
        2 => 36,
        _ => return None,
    };
    let shaped = |line: &String| line.chars().count() == length;
    if !lines.iter().all(shaped) {
        let lengths =
            lines.iter().zip(1..).filter(|(line, _)| !shaped(line)).map(|(_, at)| format!("line {at} length"));
        let dates = lines.get(1).filter(|line| shaped(line)).map(|line| dates(line, length));
        return Some(lengths.chain(dates.into_iter().flatten()).collect());
    }
    let read = match lines {
        [first, second, third] => ::mrz::parse_td1(first, second, third),
        [first, second] => match (first.starts_with('V'), wide) {
            (false, true) => ::mrz::parse_td3(first, second),
            (false, false) => ::mrz::parse_td2(first, second),
            (true, true) => ::mrz::parse_mrv_a(first, second),
            (true, false) => ::mrz::parse_mrv_b(first, second),
        },
        _ => return None,
    };
    match read {
        Ok(data) => Some(data.checks.failed().into_iter().map(|field| place(field, lines.len())).collect()),
        Err(MrzError::BadCharacter { line: Some(line), .. }) => Some(vec![format!("line {} character", line + 1)]),
        Err(MrzError::LeadingFiller { field, .. }) => Some(vec![place(field, lines.len())]),
        Err(_) => None,
    }
}

/// The dates of a second line that is whole although another line is not.
fn dates(line: &str, length: usize) -> Vec<String> {
    let (birth, expiry) = if length == 30 { (0, 8) } else { (13, 21) };
    let wrong = |start: usize| {
        let (field, digit) = (line.get(start..start + 6), line.get(start + 6..start + 7));
        let verified = field.zip(digit.and_then(|digit| digit.chars().next())).map(|(f, d)| ::mrz::verify(f, d));
        verified != Some(true)
    };
    let fields = [(Field::DateOfBirth, birth), (Field::DateOfExpiry, expiry)];
    let lines = if length == 30 { 3 } else { 2 };
    fields.into_iter().filter(|&(_, start)| wrong(start)).map(|(field, _)| place(field, lines)).collect()
}

fn place(field: Field, lines: usize) -> String {
    let line = if lines == 3 && field == Field::DocumentNumber { 1 } else { 2 };
    let name = match field {
        Field::DocumentNumber => "document number",
        Field::DateOfBirth => "birth date",
        Field::DateOfExpiry => "expiry date",
        Field::PersonalNumber => "personal number",
        Field::Composite => "composite",
        other => other.as_str(),
    };
    format!("line {line} {name}")
}
