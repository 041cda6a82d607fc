//! Values whose type is told beside them: those of catalogs and of dynamic properties (seed `002_62dc5acb5b5aea27`).

use super::Form;
use crate::platform::{json::Json, values::number::Number};

/// The types.
pub const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "datetime", "array"];

/// What values of a type look like; `None` where there is no such type.
#[must_use]
pub fn form(kind: &str) -> Option<Form> {
    match kind {
        "string" => Some(Form::Name),
        "integer" => Some(Form::Integer(i64::MIN, i64::MAX)),
        "number" => Some(Form::Number),
        "boolean" => Some(Form::Boolean),
        "datetime" => Some(Form::Moment),
        "array" => Some(Form::Texts),
        _ => None,
    }
}

/// The text by which a value is compared with another: numbers count as numbers, however they are written.
#[must_use]
pub fn compared(value: &Json) -> String {
    Number::of(value).map_or_else(|| value.text().to_owned(), |number| number.to_string())
}

/// What a cell of a file says as a value of that form. Whether it fits is the form's matter.
#[must_use]
pub fn of_cell(form: Form, cell: &str) -> Json {
    let is_text = matches!(
        form,
        Form::Text
            | Form::Name
            | Form::PostCode
            | Form::Digits(..)
            | Form::Phone
            | Form::Email
            | Form::Url
            | Form::Id
            | Form::Coordinate(_)
            | Form::Date
            | Form::Midnight
            | Form::Moment
            | Form::Word(_)
    );
    let cell = cell.trim();
    if is_text {
        return Json::of(&cell);
    }
    let plain = match form {
        Form::Boolean => boolean(cell),
        Form::Integer(..) | Form::Entry(_) => whole(cell),
        _ => cell,
    };
    Json::parse(plain).unwrap_or_else(|_| Json::of(&cell))
}

/// What an export writes for a value: a text as it is, anything else as JSON, nothing where there is none.
#[must_use]
pub fn cell(value: &Json) -> String {
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
