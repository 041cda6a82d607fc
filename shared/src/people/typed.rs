//! Values whose type is given beside them: those of catalogs and dynamic properties (seed `002_62dc5acb5b5aea27`).

use super::FieldType;
use crate::common::{RawJson, values::number::Number};

pub const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "datetime", "array"];

/// The field type of a value type; `None` if it is unknown.
#[must_use]
pub fn form(kind: &str) -> Option<FieldType> {
    match kind {
        "string" => Some(FieldType::Name),
        "integer" => Some(FieldType::Integer(i64::MIN, i64::MAX)),
        "number" => Some(FieldType::Number),
        "boolean" => Some(FieldType::Boolean),
        "datetime" => Some(FieldType::Moment),
        "array" => Some(FieldType::Texts),
        _ => None,
    }
}

/// The text by which values are compared: numbers are equal however they are written.
#[must_use]
pub fn compared(value: &RawJson) -> String {
    Number::of(value).map_or_else(|| value.text().to_owned(), |number| number.to_string())
}

/// A cell of a file as a value for that type, not yet validated.
#[must_use]
pub fn of_cell(form: FieldType, cell: &str) -> RawJson {
    let is_text = matches!(
        form,
        FieldType::Text
            | FieldType::Name
            | FieldType::PostCode
            | FieldType::Digits(..)
            | FieldType::Phone
            | FieldType::Email
            | FieldType::Url
            | FieldType::Id
            | FieldType::Coordinate(_)
            | FieldType::Date
            | FieldType::Midnight
            | FieldType::Moment
            | FieldType::Word(_)
    );
    let cell = cell.trim();
    if is_text {
        return RawJson::of(&cell);
    }
    let plain = match form {
        FieldType::Boolean => boolean(cell),
        FieldType::Integer(..) | FieldType::Entry(_) => whole(cell),
        _ => cell,
    };
    RawJson::parse(plain).unwrap_or_else(|_| RawJson::of(&cell))
}

/// What an export writes for a value: a text as it is, anything else as JSON, nothing for `null`.
#[must_use]
pub fn cell(value: &RawJson) -> String {
    if value.is_null() { String::new() } else { value.read().unwrap_or_else(|| value.text().to_owned()) }
}

/// Reads `true` or `false` as spreadsheets (in English and Spanish), pandas and databases write it; pandas turns it
/// into a number where another cell of the column is empty.
fn boolean(cell: &str) -> &str {
    match cell.to_lowercase().as_str() {
        "true" | "verdadero" | "1" | "1.0" => "true",
        "false" | "falso" | "0" | "0.0" => "false",
        _ => cell,
    }
}

/// Removes the `.0` that pandas adds to whole numbers where another cell of the column is empty.
fn whole(cell: &str) -> &str {
    match cell.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => cell,
    }
}
