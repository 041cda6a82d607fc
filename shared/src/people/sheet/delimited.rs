//! Rows of cells between commas, semicolons (as spreadsheets write them where a comma stands in numbers) or tabs (`Unicode text`).
//!
//! Quotation marks follow RFC 4180: one opens a cell only at its start, and the closing one ends the cell. Other
//! files are refused, because programs read them differently.

use std::{borrow::Cow, ops::Range};

use csv::{ReaderBuilder, StringRecord};

use super::{Cell, Row};

pub(super) const UNREADABLE: &str = "is not CSV in UTF-8";
/// The line that tells spreadsheets the separator.
const TOLD: &[u8] = b"sep=";

pub(super) struct Rows<'a> {
    file: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    /// The line of the last row, and up to which byte lines were counted.
    line: (u64, usize),
}

impl<'a> Rows<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, String> {
        let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
        let (first, mut begin) = line_at(file, 0);
        let told = first.strip_prefix(TOLD).or_else(|| first.strip_prefix(b"\"sep=")).and_then(|told| told.first());
        let delimiter = match told {
            Some(told @ (b',' | b';' | b'\t')) => *told,
            Some(_) => return Err("has cells that are not separated by commas, semicolons or tabs".to_owned()),
            None => {
                begin = 0;
                delimiter(file)
            }
        };
        check(&file[begin..], delimiter).map_err(|at| {
            let line = 1 + line_ends(file, 0..begin + at);
            format!("has a misplaced quotation mark in line {line}")
        })?;
        let reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(&file[begin..]);
        let line = (1 + line_ends(file, 0..begin), 0);
        Ok(Self { file: &file[begin..], reader, record: StringRecord::new(), line })
    }

    /// The line in which the record begins. The reader's own count knows only LF as a line end.
    fn line(&mut self) -> u64 {
        let begin = self.record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let blank = self.file[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (line, counted) = self.line;
        self.line = (line + line_ends(self.file, counted..begin + blank), begin + blank);
        self.line.0
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = self.line();
                let cells = self.record.iter().map(|cell| Cell::of(cell.to_owned())).collect();
                Some(Ok(Row { line, cells, fault: None }))
            }
            Err(_) => Some(Err(UNREADABLE.to_owned())),
        }
    }
}

/// The line that begins at a byte, and where the next one does.
fn line_at(file: &[u8], begin: usize) -> (&[u8], usize) {
    let rest = &file[begin..];
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    let after = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
    (&rest[..end], (begin + end + after).min(file.len()))
}

/// The number of line ends (CR, LF or both) within `range`.
fn line_ends(file: &[u8], range: Range<usize>) -> u64 {
    let is_end = |at: &usize| match file[*at] {
        b'\n' => *at == 0 || file[at - 1] != b'\r',
        byte => byte == b'\r',
    };
    range.filter(is_end).count() as u64
}

/// The separator in the first line that is not empty: no column name contains one.
fn delimiter(file: &[u8]) -> u8 {
    let mut begin = 0;
    while begin < file.len() {
        let (line, next) = line_at(file, begin);
        let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
        if line.iter().any(|byte| !matches!(byte, b',' | b';' | b'\t' | b' ' | b'"')) {
            return [b';', b'\t']
                .into_iter()
                .filter(|other| count(*other) > count(b','))
                .max_by_key(|other| count(*other))
                .unwrap_or(b',');
        }
        begin = next;
    }
    b','
}

/// The position of a byte in a row.
enum Place {
    /// At the start of a cell.
    Begin,
    /// After blanks at the start of a cell.
    Blank,
    Plain,
    /// After the quotation mark at this byte, which opened the cell.
    Quoted(usize),
    /// After a second mark, which closes the cell opened at this byte or escapes a mark in it.
    Closed(usize),
    /// After such a mark and blanks.
    Over(usize),
}

/// Checks that every quotation mark is at a valid position.
///
/// # Errors
/// The position of an invalid one.
fn check(file: &[u8], delimiter: u8) -> Result<(), usize> {
    let mut place = Place::Begin;
    for (at, byte) in file.iter().copied().enumerate() {
        let is_end = byte == delimiter || matches!(byte, b'\r' | b'\n');
        let is_blank = matches!(byte, b' ' | b'\t');
        place = match place {
            Place::Quoted(opened) if byte == b'"' => Place::Closed(opened),
            Place::Quoted(opened) => Place::Quoted(opened),
            Place::Closed(opened) if byte == b'"' => Place::Quoted(opened),
            _ if is_end => Place::Begin,
            Place::Closed(opened) | Place::Over(opened) if is_blank => Place::Over(opened),
            Place::Closed(opened) | Place::Over(opened) => return Err(opened),
            Place::Begin if byte == b'"' => Place::Quoted(at),
            Place::Blank if byte == b'"' => return Err(at),
            Place::Begin | Place::Blank if is_blank => Place::Blank,
            _ => Place::Plain,
        };
    }
    match place {
        Place::Quoted(opened) => Err(opened),
        _ => Ok(()),
    }
}

/// Whether a file is in UTF-16, as spreadsheets write `Unicode text`.
pub(super) fn is_wide(file: &[u8]) -> bool {
    file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF])
}

/// The same file in UTF-8.
pub(super) fn narrow(file: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if !is_wide(file) {
        return Ok(Cow::Borrowed(file));
    }
    let (units, rest) = file[2..].as_chunks::<2>();
    let number = if file[0] == 0xFF { u16::from_le_bytes } else { u16::from_be_bytes };
    let text = char::decode_utf16(units.iter().map(|unit| number(*unit))).collect::<Result<String, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text.into_bytes())),
        _ => Err(UNREADABLE.to_owned()),
    }
}
