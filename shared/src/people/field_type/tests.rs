//! What each type accepts, how it is stored, and how large it gets.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::{common::RawJson, people::lists};

fn read_as(form: FieldType, text: &str) -> Option<String> {
    form.read(&RawJson::parse(text).unwrap()).ok().map(|value| value.text().to_owned())
}

#[test]
fn a_value_is_read_in_every_form_that_the_seed_shows() {
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
fn a_value_of_another_type_is_refused() {
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
fn every_type_bounds_the_size_of_its_values() {
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
