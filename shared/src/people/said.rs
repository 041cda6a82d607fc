//! A row of a file as a request for a person.
//!
//! A cell that equals what an export would write changes nothing, whatever it contains. So an exported file can be
//! imported and changes nobody, even if it has texts with blanks around them or values from before a rule.

use super::{
    FieldType, Fields,
    families::PEOPLE,
    sheet::{Columns, Row},
    typed,
};
use crate::common::FieldError;

/// What programs write for a missing value.
const NOTHING: [&str; 7] = ["nan", "NaN", "NaT", "<NA>", "None", "NULL", "null"];

/// The cells of a row that are not empty, in the columns that a customer may set.
pub struct Said {
    /// The values, by field.
    pub fields: Fields,
    cells: Vec<Given>,
}

struct Given {
    field: &'static str,
    text: String,
    doubt: Option<String>,
}

impl Said {
    /// Reads a row.
    ///
    /// # Errors
    /// Why the row as a whole is refused.
    pub fn of(columns: &Columns, row: &Row) -> Result<Self, FieldError> {
        let (cells, fault) = columns.cells(row);
        if let Some(fault) = fault {
            return Err(FieldError::new("", fault));
        }
        let mut said = Self { fields: Fields::new(), cells: Vec::new() };
        for (column, cell) in cells.filter(|(_, cell)| !cell.is_blank()) {
            let field = PEOPLE.fields.iter().find(|field| field.name == column && field.is_given());
            let Some(field) = field else { continue };
            said.fields.insert(field.name.to_owned(), typed::of_cell(field.form, &cell.text));
            let doubt = cell.doubt.as_deref().or_else(|| doubt(field.form, &cell.text));
            said.cells.push(Given { field: field.name, text: cell.text.clone(), doubt: doubt.map(str::to_owned) });
        }
        Ok(said)
    }

    /// The fields that differ from `on_file`, and those among them that may not be what was meant.
    #[must_use]
    pub fn beside(&self, on_file: Option<&Fields>) -> (Fields, Vec<FieldError>) {
        let (mut fields, mut doubts) = (self.fields.clone(), Vec::new());
        for Given { field, text, doubt } in &self.cells {
            let kept = on_file.and_then(|on_file| on_file.get(*field)).filter(|kept| !kept.is_null());
            if kept.is_some_and(|kept| typed::cell(kept) == *text) {
                fields.remove(*field);
            } else if let Some(doubt) = doubt {
                doubts.push(FieldError::new(*field, doubt));
            }
        }
        (fields, doubts)
    }
}

/// Why a cell for a field of that type may not be what was meant. A cell that is not empty never erases a value.
#[must_use]
pub fn doubt(form: FieldType, text: &str) -> Option<&'static str> {
    let text = text.trim();
    if NOTHING.contains(&text) || typed::of_cell(form, text).is_null() {
        return Some("looks like a missing value: leave the cell empty");
    }
    if !matches!(form, FieldType::Text | FieldType::Name) {
        return None;
    }
    let (whole, zeros) = text.split_once('.')?;
    let is_float = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    let is_float = is_float && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    is_float.then_some("is a whole number with a decimal point: write it as text")
}
