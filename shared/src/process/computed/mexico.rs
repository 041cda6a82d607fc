//! Check digits of Mexican numbers: CURP of persons, RFC of taxpayers.

use jiff::civil::Date;

use super::{Candidate, Check, Outcome, Subject};

const NAMES: [&str; 5] = ["MX", "MEX", "MÉXICO", "MEXICO", "MEXICANA"];
/// The value of a character in a CURP is its place.
const CURP_VALUES: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
/// The value of a character in an RFC is its place.
const RFC_VALUES: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";
/// For the public at large, and for foreigners without one.
const GENERIC_RFCS: [&str; 2] = ["XAXX010101000", "XEXX010101000"];

/// The two letters of each state in a CURP, and of birth abroad.
pub const CURP_STATES: [&str; 33] = [
    "AS", "BC", "BS", "CC", "CS", "CH", "DF", "CL", "CM", "DG", "MC", "GT", "GR", "HG", "JC", "MN", "MS", "NT", "NL",
    "OC", "PL", "QT", "QR", "SP", "SL", "SR", "TC", "TS", "TL", "VZ", "YN", "ZS", "NE",
];

/// What a CURP says about its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curp {
    /// The day of birth.
    pub born: Date,
    /// `H` for a man, `M` for a woman, `X` where a state registers it.
    pub sex: char,
    /// The two letters of the state of birth, `NE` for those born abroad.
    pub state: String,
}

/// Reads a CURP in upper case.
///
/// # Errors
/// The fault: format, date (not after `today`), state or check digit.
pub fn read_curp(curp: &str, today: Date) -> Result<Curp, &'static str> {
    match curp_fault(curp, today) {
        Some(fault) => Err(fault.as_str()),
        None => {
            let characters: Vec<char> = curp.chars().collect();
            let born = date(&characters[4..10], century(&characters)).ok_or(Fault::Date.as_str())?;
            Ok(Curp { born, sex: characters[10], state: characters[11..13].iter().collect() })
        }
    }
}

/// The fault of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It has another format.
    Form,
    /// Its date does not exist, or is in the future.
    Date,
    /// There is no such state.
    State,
    CheckDigit,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Date => "date",
            Self::State => "state",
            Self::CheckDigit => "check digit",
        }
    }
}

/// The check digit of a CURP, wherever one was read, or where the document's number is one.
pub(super) fn curp(subject: &Subject<'_>, today: Date) -> Option<Check> {
    let number = find(subject, "curp", "CURP", |value| curp_fault(value, today) != Some(Fault::Form))?;
    let fault = curp_fault(&number.value, today);
    let outcome = if fault.is_none() { Outcome::Passed } else { Outcome::Failed };
    Some(number.check("curp_check_digit", outcome, fault.map(Fault::as_str)))
}

/// The check digit of an RFC. About 1.5 % of those in use have a wrong one, so it is only a warning.
pub(super) fn rfc(subject: &Subject<'_>) -> Option<Check> {
    let number = find(subject, "rfc", "RFC", |value| rfc_fault(value) != Some(Fault::Form))?;
    let (outcome, remark) = match rfc_fault(&number.value) {
        _ if GENERIC_RFCS.contains(&number.value.as_str()) => (Outcome::Passed, Some("generic")),
        None => (Outcome::Passed, None),
        Some(fault) => (Outcome::Warning, Some(fault.as_str())),
    };
    Some(number.check("rfc_check_digit", outcome, remark))
}

/// The number to check: one that the provider names so, else a document number of that format, else the number of a
/// document that the customer names so.
fn find(subject: &Subject<'_>, name: &str, kind: &str, has_form: impl Fn(&str) -> bool) -> Option<Candidate> {
    if !subject.is_of(&NAMES) {
        return None;
    }
    let named = subject.other(name).next();
    let formed = || subject.numbers().find(|number| has_form(&number.value));
    let called = || subject.numbers().next().filter(|_| subject.is_called(&[kind]));
    named.or_else(formed).or_else(called)
}

/// Four letters of the name, date of birth, sex (X where a state registers it), state, three consonants, one
/// character that tells the century, the check digit. Ñ has a value of its own, so a CURP may contain it.
fn curp_fault(curp: &str, today: Date) -> Option<Fault> {
    let characters: Vec<char> = curp.chars().collect();
    let [body @ .., last] = characters.as_slice() else { return Some(Fault::Form) };
    let letter = |c: char| c.is_ascii_uppercase() || c == 'Ñ';
    let formed = body.len() == 17
        && body.iter().enumerate().all(|(at, &c)| match at {
            4..=9 => c.is_ascii_digit(),
            10 => matches!(c, 'H' | 'M' | 'X'),
            11 | 12 => c.is_ascii_uppercase(),
            16 => c.is_ascii_digit() || c.is_ascii_uppercase(),
            _ => letter(c),
        });
    let Some(printed) = last.to_digit(10).filter(|_| formed) else { return Some(Fault::Form) };
    if date(&body[4..10], century(body)).is_none_or(|born| born > today) {
        return Some(Fault::Date);
    }
    let state: String = body[11..13].iter().collect();
    if !CURP_STATES.contains(&state.as_str()) {
        return Some(Fault::State);
    }
    let sum: u32 = body.iter().zip((2..=18).rev()).map(|(&c, weight)| value(CURP_VALUES, c) * weight).sum();
    ((10 - sum % 10) % 10 != printed).then_some(Fault::CheckDigit)
}

/// Three letters of a company or four of a person, a date, two characters, the check digit.
fn rfc_fault(rfc: &str) -> Option<Fault> {
    let characters: Vec<char> = rfc.chars().collect();
    let Some(letters) = characters.len().checked_sub(9).filter(|letters| matches!(letters, 3 | 4)) else {
        return Some(Fault::Form);
    };
    let formed = characters.iter().enumerate().all(|(at, &c)| match at.checked_sub(letters) {
        None => c.is_ascii_uppercase() || matches!(c, '&' | 'Ñ'),
        Some(0..=5) => c.is_ascii_digit(),
        Some(6 | 7) => c.is_ascii_digit() || c.is_ascii_uppercase(),
        Some(_) => c.is_ascii_digit() || c == 'A',
    });
    if !formed {
        return Some(Fault::Form);
    }
    let date = &characters[letters..letters + 6];
    if !is_date(date, 1900) && !is_date(date, 2000) {
        return Some(Fault::Date);
    }
    // A company's has one character less and counts as if it began with a blank.
    let blank = (letters == 3).then_some(' ');
    let body = blank.into_iter().chain(characters.iter().copied());
    let sum: u32 = body.zip((2..=13).rev()).map(|(c, weight)| value(RFC_VALUES, c) * weight).sum();
    let digit = match (11 - sum % 11) % 11 {
        10 => Some('A'),
        digit => char::from_digit(digit, 10),
    };
    (characters.last().copied() != digit).then_some(Fault::CheckDigit)
}

fn value(values: &str, character: char) -> u32 {
    values.chars().zip(0..).find(|&(c, _)| c == character).map_or(0, |(_, value)| value)
}

/// The century, from the character before a CURP's check digit.
fn century(curp: &[char]) -> i16 {
    if curp[16].is_ascii_digit() { 1900 } else { 2000 }
}

/// Whether six digits, yymmdd, are a date of this century.
fn is_date(digits: &[char], century: i16) -> bool {
    date(digits, century).is_some()
}

fn date(digits: &[char], century: i16) -> Option<Date> {
    let number = |at: usize| digits[at..at + 2].iter().filter_map(|c| c.to_digit(10)).fold(0, |n, d| n * 10 + d);
    let [year, month, day] = [number(0), number(2), number(4)].map(|n| i8::try_from(n).unwrap_or_default());
    Date::new(century + i16::from(year), month, day).ok()
}
