//! Phone numbers in one form, E.164: `+`, the country code and the number. Separators, dialled zeros and the
//! invisible signs that telephones copy do not matter.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region, enums::NumberLengthType};

/// Bytes of a text that may be a phone number.
const MAX_CHARS: usize = 40;
/// The prefix of Mexican mobile numbers for calls from abroad until 2019; many address books still have it.
const OLD_MEXICAN_MOBILE: &str = "+521";
/// The same prefix without `+`. A `1` that does not follow Mexico's code is another country's code.
const OLD_MEXICAN_MOBILES: [&str; 3] = [OLD_MEXICAN_MOBILE, "521", "00521"];
/// Digits of a Mexican number without the country code.
const MEXICAN_DIGITS: usize = 10;

/// The number in a text; without a country code it is Mexican. `None` where it is invalid.
#[must_use]
pub fn mexican(text: &str) -> Option<String> {
    let digits = bare(text)?;
    if digits.starts_with('+') {
        return read(&digits, None);
    }
    read(&digits, Some(Region::MX)).or_else(|| {
        // The country code may lack its `+`. A number with an extension is invalid.
        let first = text.trim().chars().take_while(char::is_ascii_digit).count();
        if first == MEXICAN_DIGITS && first < digits.len() {
            return None;
        }
        let number = parse(&format!("+{digits}"), None)?;
        number.is_valid().then(|| written(&number))
    })
}

/// The number in a text that begins with `+` and the country code; `None` where it is invalid.
#[must_use]
pub fn international(text: &str) -> Option<String> {
    let digits = bare(text)?;
    read(digits.starts_with('+').then_some(&digits)?, None)
}

/// The canonical form by which phone numbers are compared.
#[must_use]
pub fn known(text: &str) -> String {
    mexican(text).unwrap_or_else(|| text.to_owned())
}

/// A text without separators; `None` where anything else than digits is left.
fn bare(text: &str) -> Option<String> {
    let text = text.trim();
    let is_sign = |sign: char| {
        sign.is_whitespace() && !sign.is_control()
            || matches!(sign, '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}')
            // Telephones put these around copied numbers.
            || matches!(sign, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let kept: String = text.chars().filter(|sign| !is_sign(*sign)).collect();
    let digits = kept.strip_prefix('+').unwrap_or(&kept);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // `(0)` is not dialled from abroad, and only follows a country code.
    let dialled =
        if kept.starts_with('+') && text.contains("(0)") { text.replacen("(0)", "", 1) } else { String::new() };
    match is_number && text.chars().count() <= MAX_CHARS {
        true if dialled.is_empty() => Some(kept),
        true => bare(&dialled),
        false => None,
    }
}

fn read(digits: &str, region: Option<Region>) -> Option<String> {
    let number = parse(digits, region)?;
    let is_old = OLD_MEXICAN_MOBILES.iter().any(|old| digits.starts_with(old));
    let one = written(&number);
    let old = one.strip_prefix(OLD_MEXICAN_MOBILE).filter(|rest| is_old && rest.len() == MEXICAN_DIGITS);
    let number = old.map_or(Some(number), |rest| parse(&format!("+52{rest}"), None))?;
    let is_whole = matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible));
    is_whole.then(|| written(&number))
}

fn parse(digits: &str, region: Option<Region>) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(digits, region).ok()
}

fn written(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_one_form_however_it_is_written() {
        for written in [
            "5591038054",
            "525591038054",
            "+525591038054",
            "55 9103 8054",
            "(55) 9103-8054",
            "+52 55 9103 8054",
            "+52 (55) 9103.8054",
            "0052 55 9103 8054",
            "+52 1 55 9103 8054",
            "5215591038054",
            "+52\u{a0}55\u{a0}9103\u{2011}8054",
            "\u{202a}+52 55 9103 8054\u{202c}",
            " +525591038054 ",
        ] {
            assert_eq!(mexican(written).as_deref(), Some("+525591038054"), "{written:?}");
        }
        for (written, one) in [
            ("573001234567", "+573001234567"),
            ("+57 300 123 4567", "+573001234567"),
            ("0034600123456", "+34600123456"),
            ("+34 600 12 34 56", "+34600123456"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+44 020 7946 0958", "+442079460958"),
            ("+54 11 15 1234 5678", "+5491112345678"),
            ("5548694812", "+525548694812"),
            ("14155552671", "+14155552671"),
            ("1 (415) 555-2671", "+14155552671"),
            ("18095551234", "+18095551234"),
            ("1-416-555-0123", "+14165550123"),
            ("0014155552671", "+14155552671"),
            ("00521 55 9103 8054", "+525591038054"),
        ] {
            assert_eq!(mexican(written).as_deref(), Some(one), "{written:?}");
        }
    }

    #[test]
    fn what_is_no_phone_is_none() {
        for text in [
            "",
            "+",
            "call me",
            "12345",
            "+52559103805",
            "+5255910380541",
            "5591038054 ext. 5",
            "5591038054;5591038055",
            "+1-800-FLOWERS",
            "*100#",
            "tel:+525591038054",
            "+52+5591038054",
            "55,91038054",
            "5512345678/79",
            "5512345678 79",
            "55/12345678",
            "1".repeat(50).as_str(),
            "55910\u{0}38054",
        ] {
            assert_eq!(mexican(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_number_without_its_country_is_no_international_one() {
        assert_eq!(international("+57 (300) 123-4567").as_deref(), Some("+573001234567"));
        for text in ["3001234567", "573001234567", "00573001234567", "+57300", "+999123456789"] {
            assert_eq!(international(text), None, "{text}");
        }
    }
}
