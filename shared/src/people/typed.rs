//! Values whose type is told beside them: those of catalogs and of dynamic properties (seed `002_62dc5acb5b5aea27`).

use super::FieldType;
use crate::common::{RawJson, values::number::Number};

/// The types.
pub const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "datetime", "array"];

/// What values of a type look like; `None` where there is no such type.
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

/// The text by which a value is compared with another: numbers count as numbers, however they are written.
#[must_use]
pub fn compared(value: &RawJson) -> String {
    Number::of(value).map_or_else(|| value.text().to_owned(), |number| number.to_string())
}

/// What a cell of a file says as a value of that form. Whether it fits is the form's matter.
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

/// What an export writes for a value: a text as it is, anything else as JSON, nothing where there is none.
#[must_use]
pub fn cell(value: &RawJson) -> String {
    if value.is_null() { String::new() } else { value.read().unwrap_or_else(|| value.text().to_owned()) }
}

/// `true` or `false` as spreadsheets (in English and Spanish), pandas and databases write it; pandas makes a number of it where
/// another cell of the column is empty.
fn boolean(cell: &str) -> &str {
    match cell.to_lowercase().as_str() {
        "true" | "verdadero" | "1" | "1.0" => "true",
        "false" | "falso" | "0" | "0.0" => "false",
        _ => cell,
    }
}

/// A whole number without the `.0` that pandas gives all of a column of which one cell is empty.
fn whole(cell: &str) -> &str {
    match cell.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => cell,
    }
}
