//! Files of rows: a header line with column names, then one row per line; CSV, or a sheet of an XLSX workbook.
//!
//! Nothing is guessed. A file that programs may read differently (a duplicate column, an unclosed quotation mark, two
//! suitable sheets) is refused with a reason. What is doubtful in one row (cells beyond the columns, a number that
//! lost digits, a spreadsheet error) is reported with that row, and the caller refuses the row. So no value is ever
//! stored in another column than its own.

mod columns;
mod delimited;
mod workbook;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use columns::Columns;

/// The most bytes of the rows of a workbook's sheet.
pub const MAX_ROWS_BYTES: usize = 32 << 20;

/// The first bytes of rows that were extracted from a workbook. No header line begins so.
const TAKEN_OUT: &[u8] = b"\x01rows\n";
/// The first bytes of an XLSX workbook: it is a ZIP archive.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// The first bytes of XLS files, and of XLSX files with a password.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0";

/// What spreadsheets show for a formula without a result, in English and Spanish.
const ERRORS: [&str; 17] = [
    "#N/A",
    "#N/D",
    "#NAME?",
    "#¿NOMBRE?",
    "#NULL!",
    "#¡NULO!",
    "#NUM!",
    "#¡NUM!",
    "#REF!",
    "#¡REF!",
    "#VALUE!",
    "#¡VALOR!",
    "#DIV/0!",
    "#¡DIV/0!",
    "#SPILL!",
    "#CALC!",
    "#ERROR!",
];
const ERROR: &str = "is an error of the spreadsheet";
const TOO_LONG: &str = "has more than 15 digits, which spreadsheets do not keep: write it as text";

/// A file's rows, read one by one.
pub struct Sheet<'a> {
    pub columns: Columns,
    rows: Rows<'a>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The line in which it begins, from 1.
    #[serde(rename = "l")]
    pub line: u64,
    #[serde(rename = "c")]
    pub cells: Vec<Cell>,
    /// Why the row is refused, whatever its cells contain.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Cow<'static, str>>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Why the text may not be what was meant.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Cow<'static, str>>,
}

impl Cell {
    fn of(text: String) -> Self {
        let doubt = doubt(&text).map(Cow::Borrowed);
        Self { text, doubt }
    }

    /// Whether it shows nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.doubt.is_none() && self.text.trim().is_empty()
    }
}

/// Why a text may not be what was meant, whatever its column.
fn doubt(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if ERRORS.contains(&text) {
        return Some(ERROR);
    }
    // `1.23457E+15` is what a spreadsheet leaves of a long number.
    let (number, power) = text.split_once("E+")?;
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_cut = whole.len() == 1 && power.len() > 1 && [whole, part, power].into_iter().all(is_digits);
    is_cut.then_some(TOO_LONG)
}

/// The source of rows.
enum Rows<'a> {
    Delimited(delimited::Rows<'a>),
    TakenOut(&'a [u8]),
}

impl<'a> Sheet<'a> {
    /// Opens what [`readable`] returned.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(file: &'a [u8]) -> Result<Self, String> {
        let mut rows = match file.strip_prefix(TAKEN_OUT) {
            Some(rows) => Rows::TakenOut(rows),
            None => Rows::Delimited(delimited::Rows::open(file)?),
        };
        // Empty rows above the header are skipped.
        let head = rows.find(|row| row.as_ref().map_or(true, |row| !row.is_blank())).transpose()?;
        let head = head.unwrap_or_default();
        Ok(Self { columns: Columns::of(&head)?, rows })
    }
}

impl Row {
    fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}

impl Iterator for Sheet<'_> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Delimited(rows) => rows.next(),
            Self::TakenOut(rest) => {
                let end = rest.iter().position(|byte| *byte == b'\n')?;
                let (row, after) = rest.split_at(end);
                *rest = &after[1..];
                Some(serde_json::from_slice(row).map_err(|_| delimited::UNREADABLE.to_owned()))
            }
        }
    }
}

/// Whether [`readable`] must convert a file before it is opened.
#[must_use]
pub fn is_packed(file: &[u8]) -> bool {
    file.starts_with(ARCHIVE) || delimited::is_wide(file)
}

/// Refuses formats that are not supported, by their first bytes.
///
/// # Errors
/// The format.
pub fn inspect(file: &[u8]) -> Result<(), String> {
    if file.starts_with(COMPOUND) {
        return Err("is an XLS file or has a password: save it as XLSX without one".to_owned());
    }
    // Only we write this prefix.
    if file.starts_with(TAKEN_OUT) { Err(delimited::UNREADABLE.to_owned()) } else { Ok(()) }
}

/// A file that can be opened: as it is, or the rows of the workbook's sheet that has a column called `column`.
///
/// # Errors
/// What is wrong with it.
pub fn readable<'a>(file: &'a [u8], column: &str) -> Result<Cow<'a, [u8]>, String> {
    inspect(file)?;
    if file.starts_with(ARCHIVE) {
        return workbook::rows(file, column).map(Cow::Owned);
    }
    delimited::narrow(file)
}
