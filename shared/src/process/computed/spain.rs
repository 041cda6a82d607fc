//! The letter of Spanish identity numbers: DNI, and NIE of foreigners.

use super::{Check, Outcome, Subject, check};

/// By the number modulo 23.
const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
const DNI: &str = "dni_check_letter";
const NIE: &str = "nie_check_letter";

/// Checks the letter of the first number in the format of a DNI or NIE; a support or passport number has another
/// format.
pub(super) fn check_letter(subject: &Subject<'_>) -> Option<Check> {
    if !subject.is_of(&["ES", "ESP", "ESPAÑA", "ESPANA", "SPAIN"]) {
        return None;
    }
    for number in subject.numbers() {
        if let Some((name, fits)) = read(&number.value) {
            let (outcome, remark) =
                if fits { (Outcome::Passed, None) } else { (Outcome::Failed, Some("check letter")) };
            return Some(number.check(name, outcome, remark));
        }
    }
    // Other countries have a DNI of their own, so the request must say that it is Spain's.
    let name = if subject.is_called(&["DNI", "NIF"]) {
        DNI
    } else if subject.is_called(&["NIE", "TIE"]) {
        NIE
    } else {
        return None;
    };
    (subject.request.document.country == "ES").then(|| check(name, Outcome::Failed, Some("form".to_owned())))
}

/// The check for this number, and its result. Numbers of minors and of Spaniards abroad begin with K, L or M; their
/// letter is that of the seven digits.
fn read(number: &str) -> Option<(&'static str, bool)> {
    let [first, digits @ .., letter] = number.as_bytes() else { return None };
    if digits.len() != 7 || !letter.is_ascii_uppercase() {
        return None;
    }
    let (name, leading) = match first {
        b'0'..=b'9' => (DNI, first - b'0'),
        b'K' | b'L' | b'M' => (DNI, 0),
        b'X'..=b'Z' => (NIE, first - b'X'),
        _ => return None,
    };
    let mut value = usize::from(leading);
    for digit in digits {
        value = value * 10 + usize::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    Some((name, LETTERS[value % LETTERS.len()] == *letter))
}
