//! Numbers of any length, compared digit by digit. An `f64` has 16 digits: numbers that differ in the 17th would be
//! equal.

use std::{cmp::Ordering, fmt};

use crate::common::RawJson;

/// The largest exponent. More has no use, and nothing here grows with it.
const MAX_EXPONENT: i64 = 100_000;
/// The largest number that is written out without an exponent.
const MAX_PLAIN: i64 = 100;

/// A number by its value: `7`, `7.0` and `70e-1` are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    is_negative: bool,
    /// Without leading or trailing zeros; 0 has none.
    digits: String,
    /// How many of them are before the point.
    point: i64,
}

impl Number {
    /// Reads a number as JSON writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, rest) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let is_plain = !whole.is_empty() && whole.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_digit());
        if !is_plain || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let all = format!("{whole}{rest}");
        let digits = all.trim_start_matches('0');
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(all.len() - digits.len()).ok()? + exponent;
        let digits = digits.trim_end_matches('0').to_owned();
        let is_zero = digits.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, digits, point: if is_zero { 0 } else { point } })
    }

    /// Reads a JSON value that is a number.
    #[must_use]
    pub fn of(value: &RawJson) -> Option<Self> {
        Self::parse(value.text())
    }

    #[must_use]
    pub fn count(things: usize) -> Self {
        Self::parse(&things.to_string()).unwrap_or(Self { is_negative: false, digits: String::new(), point: 0 })
    }

    /// Compares absolute values.
    fn size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.size(other),
            (true, true) => other.size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The canonical form, such as `7.5`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative { "-" } else { "" };
        let (digits, point) = (&self.digits, self.point);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
        match usize::try_from(point) {
            _ if digits.is_empty() => f.write_str("0"),
            _ if point.abs() > MAX_PLAIN => write!(f, "{sign}0.{digits}e{point}"),
            Ok(before) if before >= digits.len() => {
                write!(f, "{sign}{digits}{}", zeros(point - i64::try_from(digits.len()).unwrap_or(point)))
            }
            Ok(before) if before > 0 => write!(f, "{sign}{}.{}", &digits[..before], &digits[before..]),
            _ => write!(f, "{sign}0.{}{digits}", zeros(-point)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn numbers_are_compared_to_the_last_digit() {
        let number = |text: &str| Number::parse(text).unwrap();
        for (less, more) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1000000000000000000001", "0.1000000000000000000002"),
            ("-9007199254740993", "-9007199254740992"),
            ("9.99", "10"),
            ("-1", "0"),
            ("0", "0.001"),
            ("-2", "1"),
            ("1e-30", "1e-29"),
            ("12", "123e0"),
        ] {
            assert!(number(less) < number(more), "{less} {more}");
            assert!(number(more) > number(less), "{less} {more}");
        }
    }

    #[test]
    fn a_number_has_one_writing() {
        for (written, one) in [
            ("7.0", "7"),
            ("70e-1", "7"),
            ("-0.00", "0"),
            ("0e5", "0"),
            ("12.50", "12.5"),
            ("0.0012", "0.0012"),
            ("1.2e3", "1200"),
            ("100", "100"),
            ("1e500", "0.1e501"),
            ("-7.5E+0", "-7.5"),
        ] {
            let number = Number::parse(written).unwrap();
            assert_eq!(number.to_string(), one, "{written}");
            assert_eq!(Number::parse(one), Some(number), "{written}");
        }
        for other in ["", "-", "1.", ".5", "NaN", "inf", "1e", "0x1", "1 ", "1e99999999999999999999", "\"1\"", "--1"] {
            assert_eq!(Number::parse(other), None, "{other}");
        }
    }
}
