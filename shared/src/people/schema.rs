//! Fields: the forms that values may have, and reading those that a request brings.

use serde_json::Value;
use uuid::Uuid;

use super::{Fields, lists};
use crate::{
    common::{
        FieldError, RawJson,
        raw_json::MAX_DEPTH,
        values::{
            email::{self, MAX_EMAIL},
            number::Number,
            phone,
            text::normal,
            time::{day, moment},
        },
    },
    platform::http::{MAX_URL_BYTES, UrlFault, read_url},
};

/// Characters of a text where nothing else is said.
const MAX_TEXT: usize = 500;
/// Texts of a list.
const MAX_TEXTS: usize = 50;
/// Characters of a post code.
const MAX_POST_CODE: usize = 16;
/// Bytes of a value that has no form of its own.
pub const MAX_FREE: usize = 16 * 1024;
/// Bytes of a number, whose digits stay as they came.
const MAX_NUMBER: usize = 100;
/// Numbers of a list.
const MAX_NUMBERS: usize = 10;

/// What is said of a value that only we set.
const CANNOT_BE_SET: &str = "cannot be set";

/// A field of a family.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in requests and answers.
    pub name: &'static str,
    /// What its values look like.
    pub form: FieldType,
    /// Who gives it.
    need: Need,
}

/// Who gives a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Whoever creates the record must.
    Required,
    /// The customer may; `null` empties it.
    Optional,
    /// We do; a request that names it is told so.
    ReadOnly,
    /// The customer may, for this request only: it is neither stored nor shown.
    WriteOnly,
}

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A text of at most 500 characters, which may be empty; kept in one normal form.
    Text,
    /// A text of 1 to 500 characters, not blank: what something is called or found by.
    Name,
    /// A post code of any country, of at most 16 letters, digits, blanks and hyphens; empty where a place has none. A number is a
    /// Mexican one, with the zeros that it lost.
    PostCode,
    /// Digits, given as text or as a number and kept as text: 18 of them do not fit a JSON number everywhere. At least and at
    /// most how many. A text is taken as it is; a number has lost the zeros that it began with, and where there must be so many
    /// digits and no others, it gets them back.
    Digits(usize, usize),
    /// A phone number, as people write them, as text or number; kept as E.164. One without a country's code is Mexico's.
    Phone,
    /// An e-mail address, whose host may be one word.
    Email,
    /// A URL of at most 2048 bytes, kept as it was understood ([`read_url`]).
    Url,
    /// A UUID.
    Id,
    /// A whole number from … to ….
    Integer(i64, i64),
    /// A number of at most 100 digits, which stay as they came.
    Number,
    /// A number of degrees from that many below zero to as many above it, given as such or as text.
    Coordinate(u16),
    /// `true` or `false`.
    Boolean,
    /// A day, kept as `2022-01-31`; a moment is taken for its day.
    Date,
    /// A day, kept as the moment it begins, UTC.
    Midnight,
    /// A moment, in every form that [`moment`] reads: a day alone is the moment it begins, one without an offset is UTC.
    Moment,
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, given as such or as its place, from 0; kept as the word.
    Numbered(&'static [&'static str]),
    /// The number of an entry of a built-in list.
    Entry(lists::Name),
    /// Numbers, at most ten.
    Numbers,
    /// An object of up to 16 KiB, nested at most 32 deep; its text stays as it came.
    Object,
    /// Texts, at most fifty, of 1 to 500 characters each.
    Texts,
    /// Anything of up to 16 KiB, nested at most 32 deep; what it must be depends on another field.
    Any,
}

impl Field {
    /// A field that every record has.
    #[must_use]
    pub const fn required(name: &'static str, form: FieldType) -> Self {
        Self { name, form, need: Need::Required }
    }

    /// A field that may be missing.
    #[must_use]
    pub const fn optional(name: &'static str, form: FieldType) -> Self {
        Self { name, form, need: Need::Optional }
    }

    /// A field that only we set.
    #[must_use]
    pub const fn ours(name: &'static str, form: FieldType) -> Self {
        Self { name, form, need: Need::ReadOnly }
    }

    /// A field that counts for the request that brings it.
    #[must_use]
    pub const fn command(name: &'static str, form: FieldType) -> Self {
        Self { name, form, need: Need::WriteOnly }
    }

    /// Whether it is stored and shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.need != Need::WriteOnly
    }

    /// Whether a customer may give it.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.need != Need::ReadOnly
    }

    /// Whether whoever creates a record must give it.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.need == Need::Required
    }

    /// What is shown where there is none.
    #[must_use]
    pub fn absent(&self) -> RawJson {
        if self.need == Need::ReadOnly && self.form == FieldType::Boolean {
            RawJson::of(&false)
        } else {
            RawJson::null()
        }
    }
}

/// What a request brings.
#[derive(Debug, Default)]
pub struct Read {
    /// Its values, in the form in which they are stored.
    pub given: Fields,
    /// What is wrong with the others.
    pub problems: Vec<FieldError>,
}

/// Reads the values that a request brings for `fields`; a new record must have all that are required.
#[must_use]
pub fn read(fields: &[Field], given: &Fields, new: bool) -> Read {
    let mut read = Read::default();
    for (name, value) in given {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            let fault = if name == "id" { CANNOT_BE_SET } else { "is not a known field" };
            read.problems.push(FieldError::new(name, fault));
            continue;
        };
        let required = field.need == Need::Required;
        match field.form.read(value) {
            _ if field.need == Need::ReadOnly => read.problems.push(FieldError::new(name, CANNOT_BE_SET)),
            _ if value.is_null() && required => read.problems.push(FieldError::new(name, "is required")),
            _ if value.is_null() => drop(read.given.insert(name.clone(), RawJson::null())),
            Ok(value) => drop(read.given.insert(name.clone(), value)),
            Err(must) => read.problems.push(FieldError::new(name, must)),
        }
    }
    if new {
        let missing = fields.iter().filter(|f| f.need == Need::Required && !given.contains_key(f.name));
        read.problems.extend(missing.map(|field| FieldError::new(field.name, "is required")));
    }
    read
}

impl FieldType {
    /// Bytes that a value of this form takes at most, as JSON. There is no form without such a bound.
    #[must_use]
    pub fn max_bytes(self) -> usize {
        // What JSON escapes takes up to six bytes a character, more than any other.
        let text = |chars: usize| 6 * chars + 2;
        match self {
            Self::Text | Self::Name => text(MAX_TEXT),
            Self::PostCode => MAX_POST_CODE + 2,
            Self::Digits(_, most) => most + 2,
            Self::Phone | Self::Boolean | Self::Integer(..) | Self::Entry(_) => 20,
            Self::Email => text(MAX_EMAIL),
            Self::Url => 2 * MAX_URL_BYTES + 2,
            Self::Id | Self::Date | Self::Midnight | Self::Moment => 38,
            Self::Number | Self::Coordinate(_) => MAX_NUMBER,
            Self::Word(words) | Self::Numbered(words) => {
                words.iter().map(|word| word.len() + 2).max().unwrap_or_default()
            }
            Self::Numbers => MAX_NUMBERS * (MAX_NUMBER + 1) + 2,
            Self::Object | Self::Any => MAX_FREE,
            Self::Texts => MAX_TEXTS * (text(MAX_TEXT) + 1) + 2,
        }
    }

    /// The value in the form in which it is stored, or what it must be.
    ///
    /// # Errors
    /// It has not this form.
    pub fn read(self, value: &RawJson) -> Result<RawJson, String> {
        let text = value.read::<String>();
        let or = |found: Option<RawJson>, must: &str| found.ok_or_else(|| format!("must be {must}"));
        match self {
            Self::Text => {
                let text = text.map(|text| normal(&text).into_owned());
                let text = text.filter(|text| text.chars().count() <= MAX_TEXT);
                or(text.map(|text| RawJson::of(&text)), &format!("a text of at most {MAX_TEXT} characters"))
            }
            Self::Name => {
                let text = text.map(|text| normal(&text).into_owned());
                let text = text.filter(|text| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT);
                or(text.map(|text| RawJson::of(&text)), &format!("a text of 1 to {MAX_TEXT} characters"))
            }
            Self::PostCode => {
                let of_number = digits(value, None).filter(|digits| digits.len() <= 5);
                let of_number = of_number.map(|digits| format!("{digits:0>5}"));
                let is_code = |text: &String| {
                    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
                    text.len() <= MAX_POST_CODE && text.bytes().all(fits)
                };
                let code = text.map(|text| text.trim().to_owned()).filter(is_code).or(of_number);
                or(
                    code.map(|code| RawJson::of(&code)),
                    &format!("a post code of at most {MAX_POST_CODE} letters, digits, blanks and hyphens, as text"),
                )
            }
            Self::Digits(least, most) => {
                let lost = if text.is_none() && least == most { most } else { 0 };
                let digits = digits(value, text).map(|digits| format!("{digits:0>lost$}"));
                let digits = digits.filter(|digits| (least..=most).contains(&digits.len()));
                let how_many = if least == most { least.to_string() } else { format!("{least} to {most}") };
                or(digits.map(|digits| RawJson::of(&digits)), &format!("{how_many} digits"))
            }
            Self::Phone => {
                let written = text.or_else(|| digits(value, None));
                let phone = written.and_then(|written| phone::mexican(&written));
                or(phone.map(|phone| RawJson::of(&phone)), "a phone number, country code first")
            }
            Self::Email => {
                let address = text.as_deref().and_then(email::address);
                or(address.map(|address| RawJson::of(&address)), "an e-mail address")
            }
            Self::Url => {
                let text = text.ok_or_else(|| UrlFault::NotAUrl.to_string())?;
                read_url(&text).map(|url| RawJson::of(&url)).map_err(|fault| fault.to_string())
            }
            Self::Id => or(text.and_then(|text| Uuid::try_parse(&text).ok()).map(|id| RawJson::of(&id)), "a UUID"),
            Self::Integer(least, most) => {
                let number = value.read::<i64>().filter(|number| (least..=most).contains(number));
                or(number.map(|number| RawJson::of(&number)), &format!("a whole number from {least} to {most}"))
            }
            Self::Number => {
                let number = Number::of(value).filter(|_| value.text().len() <= MAX_NUMBER);
                or(number.map(|_| value.clone()), &format!("a number of at most {MAX_NUMBER} digits"))
            }
            Self::Coordinate(most) => {
                let number = Number::parse(text.as_deref().unwrap_or(value.text()));
                let bound = |sign: &str| Number::parse(&format!("{sign}{most}"));
                let number = number.filter(|number| Some(number) >= bound("-").as_ref());
                let number = number.filter(|number| Some(number) <= bound("").as_ref());
                let number = number.filter(|_| value.text().len() <= MAX_NUMBER);
                or(number.map(|_| value.clone()), &format!("a number from -{most} to {most}"))
            }
            Self::Boolean => or(value.read::<bool>().map(|_| value.clone()), "true or false"),
            Self::Date => or(text.as_deref().and_then(day).map(|day| RawJson::of(&day)), "a date such as 2022-01-31"),
            Self::Midnight => {
                let midnight = text.as_deref().and_then(day).map(|day| RawJson::of(&format!("{day}T00:00:00Z")));
                or(midnight, "a date such as 2022-01-31")
            }
            Self::Moment => {
                let moment = text.as_deref().and_then(moment).map(|moment| RawJson::of(&moment));
                or(moment, "a moment such as 2022-01-31T12:00:00Z")
            }
            Self::Word(words) => {
                let word = text.filter(|text| words.contains(&text.as_str())).map(|word| RawJson::of(&word));
                or(word, &format!("one of {}", words.join(", ")))
            }
            Self::Numbered(words) => {
                let by_place = value.read::<usize>().and_then(|place| words.get(place).copied());
                let word = by_place.or_else(|| words.iter().copied().find(|word| text.as_deref() == Some(*word)));
                or(word.map(|word| RawJson::of(&word)), &format!("one of {}, or its place, from 0", words.join(", ")))
            }
            Self::Entry(list) => {
                let id = value.read::<u16>().filter(|id| lists::entry(list, *id).is_some());
                or(id.map(|id| RawJson::of(&id)), &format!("the id of an entry of {}", list.path()))
            }
            Self::Numbers => {
                let numbers = value.read::<Vec<RawJson>>().filter(|numbers| numbers.len() <= MAX_NUMBERS);
                let numbers = numbers.filter(|numbers| numbers.iter().all(|each| Self::Number.read(each).is_ok()));
                or(numbers.map(|numbers| RawJson::of(&numbers)), &format!("a list of at most {MAX_NUMBERS} numbers"))
            }
            Self::Texts => {
                let fits = |text: &String| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT;
                let texts = value.read::<Vec<String>>().filter(|texts| texts.len() <= MAX_TEXTS);
                let texts: Option<Vec<String>> =
                    texts.map(|texts| texts.iter().map(|text| normal(text).into_owned()).collect());
                let texts = texts.filter(|texts| texts.iter().all(fits));
                or(texts.map(|texts| RawJson::of(&texts)), &format!("a list of at most {MAX_TEXTS} texts"))
            }
            Self::Any => {
                let value = not_too_deep(value)?;
                or((value.text().len() <= MAX_FREE).then(|| value.clone()), "at most 16 KiB")
            }
            Self::Object => {
                let value = not_too_deep(value)?;
                // What PHP writes for an object that has nothing in it.
                let empty = value.read::<[(); 0]>().map(|_| RawJson::of(&serde_json::Map::new()));
                let object = value.read::<serde_json::Map<String, Value>>().map(|_| value.clone());
                let object = object.or(empty).filter(|value| value.text().len() <= MAX_FREE);
                or(object, "an object of up to 16 KiB")
            }
        }
    }
}

/// A value that has no form of its own, if it is not nested too deep to be read again.
fn not_too_deep(value: &RawJson) -> Result<&RawJson, String> {
    if value.is_too_deep() { Err(format!("must be nested at most {MAX_DEPTH} deep")) } else { Ok(value) }
}

/// The digits in a text, or those a whole number is written with.
fn digits(value: &RawJson, text: Option<String>) -> Option<String> {
    let digits = text.unwrap_or_else(|| value.text().to_owned());
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read_as(form: FieldType, text: &str) -> Option<String> {
        form.read(&RawJson::parse(text).unwrap()).ok().map(|value| value.text().to_owned())
    }

    #[test]
    fn a_value_is_taken_in_every_form_that_the_seed_shows() {
        let is = |form, given, stored: &str| assert_eq!(read_as(form, given).as_deref(), Some(stored), "{given}");
        is(FieldType::Digits(5, 40), "12345678901234568", r#""12345678901234568""#);
        is(FieldType::Digits(18, 18), r#""002010077777777771""#, r#""002010077777777771""#);
        is(FieldType::Digits(18, 18), "12345678901234568", r#""012345678901234568""#);
        is(FieldType::Digits(18, 18), "2010077777777771", r#""002010077777777771""#);
        is(FieldType::Phone, "5512345678", r#""+525512345678""#);
        is(FieldType::Text, r#""""#, r#""""#);
        for code in [r#""08016""#, r#""SW1A 1AA""#, r#""K1A-0B1""#, r#""8001""#, r#""""#] {
            is(FieldType::PostCode, code, code);
        }
        is(FieldType::PostCode, "28013", r#""28013""#);
        is(FieldType::PostCode, "8016", r#""08016""#);
        is(FieldType::Numbered(&["A", "B"]), "1", r#""B""#);
        is(FieldType::Numbered(&["A", "B"]), r#""A""#, r#""A""#);
        is(FieldType::Phone, r#""+525591038054""#, r#""+525591038054""#);
        is(FieldType::Phone, r#""525591038054""#, r#""+525591038054""#);
        is(FieldType::Phone, r#""55 9103-8054""#, r#""+525591038054""#);
        is(FieldType::Email, r#""user@example""#, r#""user@example""#);
        is(FieldType::Midnight, r#""1988-02-12T00:00:00Z""#, r#""1988-02-12T00:00:00Z""#);
        is(FieldType::Midnight, r#""1990-01-01""#, r#""1990-01-01T00:00:00Z""#);
        is(FieldType::Midnight, r#""9999-12-31T00:00:00Z""#, r#""9999-12-31T00:00:00Z""#);
        is(FieldType::Date, r#""2022-07-29T23:54:55-06:00""#, r#""2022-07-29""#);
        is(FieldType::Moment, r#""2022-07-29T21:54:55""#, r#""2022-07-29T21:54:55Z""#);
        is(FieldType::Moment, r#""2022-07-29""#, r#""2022-07-29T00:00:00Z""#);
        is(FieldType::Coordinate(90), "19.43", "19.43");
        is(FieldType::Coordinate(180), r#""-99.13""#, r#""-99.13""#);
        is(FieldType::Text, r#""Mun\u0303oz""#, r#""Muñoz""#);
        is(FieldType::Texts, r#"["Mun\u0303oz"]"#, r#"["Muñoz"]"#);
        is(FieldType::Number, "12345678901234567890.1200", "12345678901234567890.1200");
        is(FieldType::Object, "[ ]", "{}");
        is(FieldType::Object, r#"{"n":12345678901234567890123}"#, r#"{"n":12345678901234567890123}"#);
    }

    #[test]
    fn what_has_another_form_is_refused() {
        for (form, given) in [
            (FieldType::Name, r#""  ""#),
            (FieldType::PostCode, "108016"),
            (FieldType::PostCode, r#""08016 (Iztacalco)""#),
            (FieldType::Numbered(&["A", "B"]), "2"),
            (FieldType::Numbered(&["A", "B"]), "-1"),
            (FieldType::Numbered(&["A", "B"]), r#""1""#),
            (FieldType::Text, "5"),
            (FieldType::Digits(18, 18), r#""00201007777777777""#),
            (FieldType::Digits(18, 18), r#""64610380771495362""#),
            (FieldType::Digits(18, 18), "1002010077777777771"),
            (FieldType::Digits(5, 40), "1234"),
            (FieldType::Digits(5, 40), "1e6"),
            (FieldType::Phone, r#""55-1234-567""#),
            (FieldType::Phone, "-5512345678"),
            (FieldType::Email, r#""user""#),
            (FieldType::Date, r#""2022-02-30""#),
            (FieldType::Midnight, r#""2022-01-01Tnoon""#),
            (FieldType::Moment, r#""soon""#),
            (FieldType::Moment, r#""9999-12-31""#),
            (FieldType::Coordinate(90), "-99.13"),
            (FieldType::Coordinate(90), "90.00000000000000000001"),
            (FieldType::Coordinate(180), r#""NaN""#),
            (FieldType::Integer(0, 9), "1.5"),
            (FieldType::Word(&["MALE", "FEMALE"]), r#""male""#),
            (FieldType::Entry(lists::Name::States), "34"),
            (FieldType::Object, "[1]"),
        ] {
            assert_eq!(read_as(form, given), None, "{given}");
        }
    }

    #[test]
    fn a_value_has_a_bound_whatever_its_form() {
        let (digits, blanks) = ("1".repeat(200_000), " ".repeat(200_000));
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        for (form, given) in [
            (FieldType::Text, format!(r#""{}""#, "a".repeat(501))),
            (FieldType::Email, format!(r#""a@{}""#, "a".repeat(300))),
            (FieldType::Url, format!(r#""https://example.com/{digits}""#)),
            (FieldType::Number, format!("0.{digits}")),
            (FieldType::Coordinate(90), format!("0.{digits}")),
            (FieldType::Coordinate(90), format!(r#""0.{digits}""#)),
            (FieldType::Numbers, format!("[0.{digits}]")),
            (FieldType::Numbers, format!("[{}1]", "1,".repeat(10))),
            (FieldType::Texts, format!(r#"["{digits}"]"#)),
            (FieldType::Texts, format!("[{}\"a\"]", "\"a\",".repeat(50))),
            (FieldType::Object, format!(r#"{{"a":{blanks}1}}"#)),
            (FieldType::Object, format!(r#"{{"a":{}}}"#, nested(32))),
            (FieldType::Any, nested(33)),
        ] {
            assert_eq!(read_as(form, &given), None, "{form:?}: {given:.40}");
        }
        assert_eq!(read_as(FieldType::Numbers, &format!("[1,{blanks}2]")).as_deref(), Some("[1,2]"));
        assert!(read_as(FieldType::Any, &nested(32)).is_some());
        let longest = [
            (FieldType::Text, format!(r#""{}""#, r"\u0001".repeat(500))),
            (FieldType::Texts, format!("[{}]", vec![format!(r#""{}""#, r"\u0001".repeat(500)); 50].join(","))),
            (FieldType::Number, "1".repeat(100)),
            (FieldType::Phone, r#""+491511234567890""#.to_owned()),
            (FieldType::Integer(i64::MIN, i64::MAX), i64::MIN.to_string()),
            (FieldType::Moment, r#""9999-12-30T22:00:00.999999999Z""#.to_owned()),
            (FieldType::Url, format!(r#""https://example.com/?{}""#, r"\\".repeat(2027))),
        ];
        for (form, given) in longest {
            let stored = read_as(form, &given).unwrap_or_else(|| panic!("{form:?}"));
            assert!(stored.len() <= form.max_bytes(), "{form:?}: {}", stored.len());
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        const FIELDS: [Field; 3] = [
            Field::required("name", FieldType::Text),
            Field::optional("email", FieldType::Email),
            Field::ours("checked", FieldType::Boolean),
        ];
        let given = serde_json::from_str(r#"{"email":5,"checked":true,"more":1}"#).unwrap();
        let problems: Vec<_> = read(&FIELDS, &given, true).problems.into_iter().map(|p| (p.field, p.message)).collect();
        let is = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(
            problems,
            [
                is("checked", "cannot be set"),
                is("email", "must be an e-mail address"),
                is("more", "is not a known field"),
                is("name", "is required")
            ]
        );
    }
}
