//! Reading a value as a field's type.

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{FieldType, MAX_FREE, MAX_NUMBER, MAX_NUMBERS, MAX_POST_CODE, MAX_TEXT, MAX_TEXTS};
use crate::{
    common::{
        RawJson,
        raw_json::MAX_DEPTH,
        values::{
            email,
            number::Number,
            phone,
            text::normal,
            time::{day, moment},
        },
    },
    people::lists,
    platform::http::{UrlFault, read_url},
};

impl FieldType {
    /// The value as it is stored.
    ///
    /// # Errors
    /// What the value must be.
    pub fn read(self, value: &RawJson) -> Result<RawJson, String> {
        match self {
            Self::Url => url(value),
            Self::Object | Self::Any if value.is_too_deep() => Err(format!("must be nested at most {MAX_DEPTH} deep")),
            _ => self.parse(value).ok_or_else(|| format!("must be {}", self.expected())),
        }
    }

    fn parse(self, value: &RawJson) -> Option<RawJson> {
        let text = value.read::<String>();
        match self {
            Self::Text => json(short_text(&text?)),
            Self::Name => json(short_text(&text?).filter(|text| !text.trim().is_empty())),
            Self::PostCode => json(post_code(value, text)),
            Self::Digits(least, most) => json(fixed_digits(value, text, least, most)),
            Self::Phone => json(phone::mexican(&text.or_else(|| digits(value, None))?)),
            Self::Email => json(email::address(&text?)),
            Self::Url => url(value).ok(),
            Self::Id => json(Uuid::try_parse(&text?).ok()),
            Self::Integer(least, most) => json(value.read::<i64>().filter(|number| (least..=most).contains(number))),
            Self::Number => number(value).map(|_| value.clone()),
            Self::Coordinate(most) => is_coordinate(value, text, most).then(|| value.clone()),
            Self::Boolean => json(value.read::<bool>()),
            Self::Date => json(day(&text?)),
            Self::Midnight => json(day(&text?).map(|day| format!("{day}T00:00:00Z"))),
            Self::Moment => json(moment(&text?)),
            Self::Word(words) => json(words.iter().find(|word| text.as_deref() == Some(**word))),
            Self::Numbered(words) => {
                let by_index = value.read::<usize>().and_then(|index| words.get(index));
                json(by_index.or_else(|| words.iter().find(|word| text.as_deref() == Some(**word))))
            }
            Self::Entry(list) => json(value.read::<u16>().filter(|id| lists::entry(list, *id).is_some())),
            Self::Numbers => {
                let numbers = value.read::<Vec<RawJson>>().filter(|numbers| numbers.len() <= MAX_NUMBERS);
                json(numbers.filter(|numbers| numbers.iter().all(|each| number(each).is_some())))
            }
            Self::Texts => json(texts(&value.read::<Vec<_>>()?)),
            Self::Object => object(value).filter(is_small),
            Self::Any => Some(value.clone()).filter(is_small),
        }
    }

    /// What a value must be, in words.
    fn expected(self) -> String {
        match self {
            Self::Text => format!("a text of at most {MAX_TEXT} characters"),
            Self::Name => format!("a text of 1 to {MAX_TEXT} characters"),
            Self::PostCode => {
                format!("a post code of at most {MAX_POST_CODE} letters, digits, blanks and hyphens, as text")
            }
            Self::Digits(least, most) if least == most => format!("{least} digits"),
            Self::Digits(least, most) => format!("{least} to {most} digits"),
            Self::Phone => "a phone number, country code first".to_owned(),
            Self::Email => "an e-mail address".to_owned(),
            Self::Url => UrlFault::NotAUrl.to_string(),
            Self::Id => "a UUID".to_owned(),
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Number => format!("a number of at most {MAX_NUMBER} digits"),
            Self::Coordinate(most) => format!("a number from -{most} to {most}"),
            Self::Boolean => "true or false".to_owned(),
            Self::Date | Self::Midnight => "a date such as 2022-01-31".to_owned(),
            Self::Moment => "a moment such as 2022-01-31T12:00:00Z".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Numbered(words) => format!("one of {}, or its index, from 0", words.join(", ")),
            Self::Entry(list) => format!("the id of an entry of {}", list.path()),
            Self::Numbers => format!("a list of at most {MAX_NUMBERS} numbers"),
            Self::Texts => format!("a list of at most {MAX_TEXTS} texts"),
            Self::Object => "an object of up to 16 KiB".to_owned(),
            Self::Any => "at most 16 KiB".to_owned(),
        }
    }
}

fn json(value: Option<impl Serialize>) -> Option<RawJson> {
    value.map(|value| RawJson::of(&value))
}

fn is_small(value: &RawJson) -> bool {
    value.text().len() <= MAX_FREE
}

fn short_text(text: &str) -> Option<String> {
    Some(normal(text).into_owned()).filter(|text| text.chars().count() <= MAX_TEXT)
}

fn post_code(value: &RawJson, text: Option<String>) -> Option<String> {
    let Some(text) = text else {
        let digits = digits(value, None).filter(|digits| digits.len() <= 5);
        return digits.map(|digits| format!("{digits:0>5}"));
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
    let code = text.trim();
    (code.len() <= MAX_POST_CODE && code.bytes().all(fits)).then(|| code.to_owned())
}

fn fixed_digits(value: &RawJson, text: Option<String>, least: usize, most: usize) -> Option<String> {
    let width = if text.is_none() && least == most { most } else { 0 };
    let digits = digits(value, text).map(|digits| format!("{digits:0>width$}"));
    digits.filter(|digits| (least..=most).contains(&digits.len()))
}

/// The digits in a text, or those a whole number is written with.
fn digits(value: &RawJson, text: Option<String>) -> Option<String> {
    let digits = text.unwrap_or_else(|| value.text().to_owned());
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

fn url(value: &RawJson) -> Result<RawJson, String> {
    let text = value.read::<String>().ok_or_else(|| UrlFault::NotAUrl.to_string())?;
    read_url(&text).map(|url| RawJson::of(&url)).map_err(|fault| fault.to_string())
}

fn number(value: &RawJson) -> Option<Number> {
    Number::of(value).filter(|_| value.text().len() <= MAX_NUMBER)
}

fn is_coordinate(value: &RawJson, text: Option<String>, most: u16) -> bool {
    let number = Number::parse(text.as_deref().unwrap_or(value.text()));
    let bound = |sign: &str| Number::parse(&format!("{sign}{most}"));
    let is_within = number.is_some() && number >= bound("-") && number <= bound("");
    is_within && value.text().len() <= MAX_NUMBER
}

fn texts(texts: &[String]) -> Option<Vec<String>> {
    let texts: Vec<_> = texts.iter().map(|text| normal(text).into_owned()).collect();
    let fits = |text: &String| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT;
    (texts.len() <= MAX_TEXTS && texts.iter().all(fits)).then_some(texts)
}

fn object(value: &RawJson) -> Option<RawJson> {
    // PHP writes an empty object as an empty list.
    let empty = value.read::<[(); 0]>().map(|_| RawJson::of(&Map::new()));
    value.read::<Map<String, Value>>().map(|_| value.clone()).or(empty)
}
