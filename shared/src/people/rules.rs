//! Rules for the values of dynamic properties, written as in seed `002_62dc5acb5b5aea27`: a name, and after a colon
//! its arguments.
//!
//! | rule | for values of type | meaning |
//! | --- | --- | --- |
//! | `required` | any | there is a value |
//! | `min:N`, `max:N`, `between:N,M`, `size:N` | `string`, `integer`, `number`, `array` | how many characters, how large, how many entries |
//! | `in:a,b`, `not_in:a,b` | `string`, `integer`, `number` | one of them, or none of them |
//! | `digits:N` | `string`, `integer` | N digits and nothing else |
//! | `email` | `string` | the form of an e-mail address |
//! | `after:T`, `before:T` | `datetime` | later or earlier than that moment or day |

use jiff::Timestamp;

use crate::common::{
    RawJson,
    values::{email, number::Number, text::normal, time::moment},
};

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// There is a value.
    Required,
    /// Its length, size or count is at least … and at most ….
    Within(Option<Number>, Option<Number>),
    /// It is one of these; where `false`, none of them.
    Among(Vec<String>, bool),
    /// It is one of these numbers; where `false`, none of them.
    AmongNumbers(Vec<Number>, bool),
    Digits(usize),
    Email,
    After(Timestamp),
    Before(Timestamp),
}

impl Rule {
    /// Reads a rule for values of the type `kind`.
    ///
    /// # Errors
    /// The rule is unknown, or not for that type.
    pub fn parse(text: &str, kind: &str) -> Result<Self, String> {
        let text = normal(text);
        let (name, needs) = text.split_once(':').unwrap_or((&text, ""));
        let number = |text: &str| Number::parse(text.trim());
        let among = |wanted: bool| {
            let words = needs.split(',').map(str::trim).filter(|word| !word.is_empty());
            if kind == "string" {
                let words: Vec<_> = words.map(str::to_owned).collect();
                return Some(Self::Among(words, wanted)).filter(|_| !needs.trim_matches([',', ' ']).is_empty());
            }
            let numbers: Option<Vec<_>> = words.map(number).collect();
            numbers.filter(|numbers| !numbers.is_empty()).map(|numbers| Self::AmongNumbers(numbers, wanted))
        };
        let (rule, types): (_, &[&str]) = match name {
            "required" => (needs.is_empty().then_some(Self::Required), &super::typed::TYPES),
            "min" => (number(needs).map(|least| Self::Within(Some(least), None)), MEASURED),
            "max" => (number(needs).map(|most| Self::Within(None, Some(most))), MEASURED),
            "size" => (number(needs).map(|size| Self::Within(Some(size.clone()), Some(size))), MEASURED),
            "between" => {
                let bounds = needs.split_once(',').and_then(|(least, most)| Some((number(least)?, number(most)?)));
                (bounds.map(|(least, most)| Self::Within(Some(least), Some(most))), MEASURED)
            }
            "in" => (among(true), &["string", "integer", "number"]),
            "not_in" => (among(false), &["string", "integer", "number"]),
            "digits" => (needs.parse().ok().map(Self::Digits), &["string", "integer"]),
            "email" => (needs.is_empty().then_some(Self::Email), &["string"]),
            "after" => (moment(needs).map(Self::After), &["datetime"]),
            "before" => (moment(needs).map(Self::Before), &["datetime"]),
            _ => return Err(format!("has an unknown rule; the rules are {NAMES}")),
        };
        if !types.contains(&kind) {
            return Err(format!("has the rule {name}, which is not for values of type {kind}"));
        }
        match rule {
            Some(rule) => Ok(rule),
            None => Err(format!("has the rule {name} with missing or invalid arguments")),
        }
    }

    /// Checks a value of the right type.
    ///
    /// # Errors
    /// What it must be.
    pub fn check(&self, value: &RawJson) -> Result<(), String> {
        let text = value.read::<String>();
        let plain = text.as_deref().unwrap_or(value.text());
        let or = |kept: bool, must: &dyn Fn() -> String| if kept { Ok(()) } else { Err(must()) };
        match self {
            Self::Required => or(!value.is_null(), &|| "is required".to_owned()),
            Self::Within(least, most) => {
                let (measure, unit) = measure(value, text.as_deref());
                let is_within = |measure: &Number| {
                    least.as_ref().is_none_or(|least| measure >= least)
                        && most.as_ref().is_none_or(|most| measure <= most)
                };
                or(measure.as_ref().is_some_and(is_within), &|| bounds(least.as_ref(), most.as_ref(), unit))
            }
            Self::Among(words, wanted) => or(words.iter().any(|word| word == plain) == *wanted, &|| {
                format!("must be {} of {}", if *wanted { "one" } else { "none" }, words.join(", "))
            }),
            Self::AmongNumbers(numbers, wanted) => {
                let is_among = Number::of(value).is_some_and(|number| numbers.contains(&number));
                or(is_among == *wanted, &|| {
                    let numbers: Vec<_> = numbers.iter().map(Number::to_string).collect();
                    format!("must be {} of {}", if *wanted { "one" } else { "none" }, numbers.join(", "))
                })
            }
            Self::Digits(count) => {
                let digits = plain.len() == *count && plain.bytes().all(|b| b.is_ascii_digit());
                or(digits, &|| format!("must be {count} digits"))
            }
            Self::Email => or(email::address(plain).is_some(), &|| "must be an e-mail address".to_owned()),
            Self::After(bound) => or(moment(plain).is_some_and(|at| at > *bound), &|| format!("must be after {bound}")),
            Self::Before(bound) => {
                or(moment(plain).is_some_and(|at| at < *bound), &|| format!("must be before {bound}"))
            }
        }
    }
}

/// Types whose values have a length, size or count.
const MEASURED: &[&str] = &["string", "integer", "number", "array"];
const NAMES: &str = "required, min, max, between, size, in, not_in, digits, email, after, before";

/// The length, size or count of a value, and its unit.
fn measure(value: &RawJson, text: Option<&str>) -> (Option<Number>, &'static str) {
    match (text, value.read::<Vec<serde::de::IgnoredAny>>()) {
        (Some(text), _) => (Some(Number::count(text.chars().count())), " characters"),
        (None, Some(entries)) => (Some(Number::count(entries.len())), " entries"),
        (None, None) => (Number::of(value), ""),
    }
}

fn bounds(least: Option<&Number>, most: Option<&Number>, unit: &str) -> String {
    let verb = if unit.is_empty() { "be" } else { "have" };
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!("must {verb} {least}{unit}"),
        (Some(least), Some(most)) => format!("must {verb} from {least} to {most}{unit}"),
        (Some(least), None) => format!("must {verb} at least {least}{unit}"),
        (None, Some(most)) => format!("must {verb} at most {most}{unit}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn said(rule: &str, kind: &str, value: &str) -> Result<(), String> {
        Rule::parse(rule, kind).unwrap().check(&RawJson::parse(value).unwrap())
    }

    #[test]
    fn every_rule_accepts_valid_values_and_explains_itself() {
        for (rule, kind, kept, broken, must) in [
            ("max:3", "string", r#""día""#, r#""días""#, "must have at most 3 characters"),
            ("min:10", "integer", "10", "9", "must be at least 10"),
            ("between:0.5,2", "number", "2.0", "2.01", "must be from 0.5 to 2"),
            ("size:1", "array", r#"["a"]"#, r#"["a","b"]"#, "must have 1 entries"),
            (
                "max:9007199254740992",
                "integer",
                "9007199254740992",
                "9007199254740993",
                "must be at most 9007199254740992",
            ),
            (
                "min:0.10000000000000000001",
                "number",
                "0.10000000000000000001",
                "0.1",
                "must be at least 0.10000000000000000001",
            ),
            ("in:1,2.50", "number", "2.5", "9007199254740993", "must be one of 1, 2.5"),
            (
                "not_in:9007199254740993",
                "number",
                "9007199254740992",
                "9007199254740993.0",
                "must be none of 9007199254740993",
            ),
            ("in:Mun\u{303}oz", "string", r#""Muñoz""#, r#""Munoz""#, "must be one of Muñoz"),
            ("in:a, b", "string", r#""b""#, r#""c""#, "must be one of a, b"),
            ("not_in:1,2", "integer", "3", "2", "must be none of 1, 2"),
            ("digits:3", "string", r#""012""#, r#""12x""#, "must be 3 digits"),
            ("email", "string", r#""a@b.mx""#, r#""a""#, "must be an e-mail address"),
            (
                "after:2022-01-31",
                "datetime",
                r#""2022-02-01T00:00:00Z""#,
                r#""2022-01-31T00:00:00Z""#,
                "must be after 2022-01-31T00:00:00Z",
            ),
            (
                "before:2022-01-31",
                "datetime",
                r#""2022-01-30T23:59:59Z""#,
                r#""2022-01-31T00:00:00Z""#,
                "must be before 2022-01-31T00:00:00Z",
            ),
        ] {
            assert_eq!(said(rule, kind, kept), Ok(()), "{rule}");
            assert_eq!(said(rule, kind, broken), Err(must.to_owned()), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for (rule, kind) in [
            ("longest:5", "string"),
            ("max", "string"),
            ("max:five", "string"),
            ("between:1", "number"),
            ("in:", "string"),
            ("in:,", "string"),
            ("in:a", "number"),
            ("max:inf", "number"),
            ("required:yes", "string"),
            ("email", "integer"),
            ("max:5", "boolean"),
            ("after:soon", "datetime"),
        ] {
            assert!(Rule::parse(rule, kind).is_err(), "{rule}");
        }
    }
}
