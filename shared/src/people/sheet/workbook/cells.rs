//! A sheet's rows: what its cells show.

use std::borrow::Cow;

use quick_xml::events::Event;

use super::{
    BROKEN, Book, MAX_UNPACKED_BYTES, SheetPart, Texts,
    styles::{self, Shown},
    xml::{InText, Xml, attribute, content, is_true, number, unescaped},
};
use crate::people::sheet::{self, Cell, Row};

/// The last column that is read.
const MAX_COLUMNS: usize = 200;
/// Numbers from here on have more digits than spreadsheets keep, which make zeros of the others.
const TOO_LONG: f64 = 1e15;

/// A sheet's rows, one by one.
pub(super) struct Rows<'b, 'a> {
    xml: Xml<'b, 'a>,
    texts: &'b Texts,
    shown: &'b [Shown],
    since_1904: bool,
    line: u64,
}

/// A cell that is being read.
#[derive(Default)]
struct Open {
    kind: String,
    style: usize,
    value: String,
    has_formula: bool,
}

impl<'b, 'a> Rows<'b, 'a> {
    pub(super) fn open(
        book: &'b mut Book<'a>,
        sheet: &SheetPart,
        texts: &'b Texts,
        shown: &'b [Shown],
    ) -> Result<Self, String> {
        let since_1904 = book.since_1904;
        let xml = book.part(&sheet.path, MAX_UNPACKED_BYTES)?.ok_or_else(|| BROKEN.to_owned())?;
        Ok(Self { xml, texts, shown, since_1904, line: 0 })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, String> {
        let (mut row, mut column, mut filled, mut is_hidden) = (None::<Row>, 0, 0, false);
        let (mut open, mut place, mut in_value) = (Open::default(), InText::default(), false);
        loop {
            let event = self.xml.next()?;
            let (begins, ends) = match &event {
                Event::Start(element) => (Some(element), false),
                Event::Empty(element) => (Some(element), true),
                Event::End(_) => (None, true),
                Event::Eof => return Ok(None),
                other => {
                    if in_value {
                        content(other, &mut open.value)?;
                    } else {
                        place.take(other, &mut open.value)?;
                    }
                    continue;
                }
            };
            let name = match &event {
                Event::Start(element) | Event::Empty(element) => element.local_name(),
                Event::End(element) => element.local_name(),
                _ => continue,
            };
            let name = name.as_ref();
            if let Some(element) = begins {
                match name {
                    "row" => {
                        self.line = attribute(element, "r").and_then(|line| line.parse().ok()).unwrap_or(self.line + 1);
                        is_hidden = attribute(element, "hidden").is_some_and(|value| is_true(&value));
                        row = Some(Row { line: self.line, ..Row::default() });
                    }
                    "c" => {
                        column = attribute(element, "r").and_then(|place| column_of(&place)).unwrap_or(column);
                        let kind = attribute(element, "t").unwrap_or_default();
                        open =
                            Open { kind, style: number(element, "s").unwrap_or_default() as usize, ..Open::default() };
                    }
                    "v" => in_value = !ends,
                    "f" => open.has_formula = true,
                    _ if !ends => place.begin(element),
                    _ => {}
                }
            }
            if ends {
                match name {
                    "v" => in_value = false,
                    "c" => {
                        let open = std::mem::take(&mut open);
                        // A cell costs what it shows, which many may share. So nothing is read of those that are not kept.
                        if let Some(row) = row.as_mut().filter(|row| row.fault.is_none() && !self.is_empty(&open)) {
                            if column < MAX_COLUMNS && filled < MAX_COLUMNS {
                                put(row, column, self.cell(open)?);
                                filled += 1;
                            } else {
                                row.fault = Some(Cow::Borrowed("has more cells than are read"));
                            }
                        }
                        column += 1;
                    }
                    "row" => {
                        let hides = row.as_mut().filter(|row| is_hidden && !row.is_blank());
                        if let Some(row) = hides {
                            row.fault = Some(Cow::Borrowed("is hidden in the workbook: show it, or remove it"));
                        }
                        return Ok(row);
                    }
                    _ => place.end(name),
                }
            }
        }
    }

    /// Whether a cell shows nothing.
    fn is_empty(&self, open: &Open) -> bool {
        let value = open.value.trim();
        match open.kind.as_str() {
            "s" if !value.is_empty() => value.parse().is_ok_and(|at| self.texts.get(at) == Some("")),
            "s" | "b" | "e" => false,
            "str" => value.is_empty(),
            _ => value.is_empty() && !open.has_formula,
        }
    }

    fn cell(&self, open: Open) -> Result<Cell, String> {
        let Open { kind, style, value, has_formula } = open;
        if has_formula && value.is_empty() && kind != "str" {
            return Ok(doubtful(value, "has a formula without a value: save the file in a spreadsheet first"));
        }
        Ok(match kind.as_str() {
            "s" => {
                let text = value.trim().parse().ok().and_then(|at: usize| self.texts.get(at));
                Cell::of(text.ok_or_else(|| BROKEN.to_owned())?.to_owned())
            }
            "str" | "inlineStr" => Cell::of(unescaped(&value)),
            "b" => Cell::of(is_true(value.trim()).to_string()),
            "e" => doubtful(value, sheet::ERROR),
            "d" => Cell::of(value),
            _ => self.number(value.trim(), style),
        })
    }

    fn number(&self, value: &str, style: usize) -> Cell {
        let Some(number) = value.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return Cell::of(value.to_owned());
        };
        if number.abs() >= TOO_LONG {
            return doubtful(value.to_owned(), sheet::TOO_LONG);
        }
        let shown = self.shown.get(style).copied().unwrap_or(Shown::Plain);
        let moment = (shown == Shown::Moment).then(|| styles::moment(number, self.since_1904)).flatten();
        Cell::of(match (moment, shown) {
            (Some(moment), _) => moment,
            (None, Shown::Zeros(width)) if number >= 0.0 && number.fract() == 0.0 => format!("{number:0width$}"),
            _ => number.to_string(),
        })
    }
}

fn doubtful(text: String, doubt: &'static str) -> Cell {
    Cell { text, doubt: Some(Cow::Borrowed(doubt)) }
}

/// Puts a cell where it belongs.
fn put(row: &mut Row, column: usize, cell: Cell) {
    if cell.is_blank() {
        return;
    }
    if row.cells.len() <= column {
        row.cells.resize_with(column + 1, Cell::default);
    }
    row.cells[column] = cell;
}

/// The column, from 0, of a place such as `AB12`.
fn column_of(place: &str) -> Option<usize> {
    let mut letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.try_fold(0_usize, |number, letter| {
        number.checked_mul(26)?.checked_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    number?.checked_sub(1)
}
