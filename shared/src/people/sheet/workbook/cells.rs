//! The rows of a sheet, with each cell as the spreadsheet shows it.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};

use super::{
    BROKEN, Book, MAX_UNPACKED_BYTES, SheetPart, Texts,
    styles::{self, Shown},
    xml::{InText, Xml, attribute, content, is_true, number, unescaped},
};
use crate::people::sheet::{self, Cell, Row};

/// The last column that is read.
const MAX_COLUMNS: usize = 200;
/// From here on, numbers have more digits than spreadsheets keep; they turn the rest into zeros.
const TOO_LONG: f64 = 1e15;

/// A sheet's rows, one by one.
pub(super) struct Rows<'b, 'a> {
    xml: Xml<'b, 'a>,
    book: Values<'b>,
    line: u64,
}

/// What the values of a workbook's cells refer to.
struct Values<'b> {
    texts: &'b Texts,
    shown: &'b [Shown],
    since_1904: bool,
}

/// A row that is being read.
#[derive(Default)]
struct OpenRow {
    row: Option<Row>,
    /// The column of the current cell, from 0.
    column: usize,
    filled: usize,
    is_hidden: bool,
    cell: OpenCell,
    place: InText,
    in_value: bool,
}

/// A cell that is being read.
#[derive(Default)]
struct OpenCell {
    kind: String,
    style: usize,
    value: String,
    has_formula: bool,
}

impl OpenRow {
    fn begin(&mut self, line: &mut u64, element: &BytesStart<'_>, is_empty: bool) {
        match element.local_name().as_ref() {
            "row" => {
                *line = attribute(element, "r").and_then(|line| line.parse().ok()).unwrap_or(*line + 1);
                self.is_hidden = attribute(element, "hidden").is_some_and(|value| is_true(&value));
                self.row = Some(Row { line: *line, ..Row::default() });
            }
            "c" => {
                self.column = attribute(element, "r").and_then(|place| column_of(&place)).unwrap_or(self.column);
                let kind = attribute(element, "t").unwrap_or_default();
                let style = number(element, "s").unwrap_or_default() as usize;
                self.cell = OpenCell { kind, style, ..OpenCell::default() };
            }
            "v" => self.in_value = !is_empty,
            "f" => self.cell.has_formula = true,
            _ if !is_empty => self.place.begin(element),
            _ => {}
        }
    }

    fn text(&mut self, event: &Event<'_>) -> Result<(), String> {
        if self.in_value { content(event, &mut self.cell.value) } else { self.place.take(event, &mut self.cell.value) }
    }
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
        Ok(Self { xml, book: Values { texts, shown, since_1904 }, line: 0 })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, String> {
        let Self { xml, book, line } = self;
        let mut open = OpenRow::default();
        loop {
            let event = xml.next()?;
            match &event {
                Event::Start(element) => open.begin(line, element, false),
                Event::Empty(element) => open.begin(line, element, true),
                Event::End(_) => {}
                Event::Eof => return Ok(None),
                other => open.text(other)?,
            }
            let ended = match &event {
                Event::Empty(element) => book.end(&mut open, element.local_name().as_ref())?,
                Event::End(element) => book.end(&mut open, element.local_name().as_ref())?,
                _ => false,
            };
            if ended {
                return Ok(open.row);
            }
        }
    }
}

impl Values<'_> {
    /// Ends an element; `true` where the row ends with it.
    fn end(&self, open: &mut OpenRow, name: &str) -> Result<bool, String> {
        match name {
            "v" => open.in_value = false,
            "c" => {
                self.end_cell(open)?;
                open.column += 1;
            }
            "row" => {
                if let Some(row) = open.row.as_mut().filter(|row| open.is_hidden && !row.is_blank()) {
                    row.fault = Some(Cow::Borrowed("is hidden in the workbook: show it, or remove it"));
                }
                return Ok(true);
            }
            _ => open.place.end(name),
        }
        Ok(false)
    }

    fn end_cell(&self, open: &mut OpenRow) -> Result<(), String> {
        let cell = std::mem::take(&mut open.cell);
        // The text of a cell may be shared by many and long, so cells that are not kept are not read.
        let Some(row) = open.row.as_mut().filter(|row| row.fault.is_none() && !self.is_empty(&cell)) else {
            return Ok(());
        };
        if open.column < MAX_COLUMNS && open.filled < MAX_COLUMNS {
            put(row, open.column, self.cell(cell)?);
            open.filled += 1;
        } else {
            row.fault = Some(Cow::Borrowed("has too many cells"));
        }
        Ok(())
    }

    /// Whether a cell shows nothing.
    fn is_empty(&self, open: &OpenCell) -> bool {
        let value = open.value.trim();
        match open.kind.as_str() {
            "s" if !value.is_empty() => value.parse().is_ok_and(|at| self.texts.get(at) == Some("")),
            "s" | "b" | "e" => false,
            "str" => value.is_empty(),
            _ => value.is_empty() && !open.has_formula,
        }
    }

    fn cell(&self, open: OpenCell) -> Result<Cell, String> {
        let OpenCell { kind, style, value, has_formula } = open;
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
