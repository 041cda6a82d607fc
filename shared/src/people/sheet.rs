//! Files of rows: a first line that names the columns, then one row a line. CSV in UTF-8, with commas or, as spreadsheets write
//! it where a comma stands in numbers, with semicolons; or the first sheet of an XLSX workbook, which becomes CSV first.

use std::{
    io::{self, BufRead, BufReader, Cursor, Read as _},
    ops::Range,
};

use calamine::{Data, DataRef, Reader as _, Xlsx};
use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use quick_xml::events::Event;

/// What every XLSX workbook begins with: it is a ZIP archive.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// The last column that is read of a workbook.
const MAX_COLUMNS: usize = 200;
/// The most that a workbook's sheet may become.
pub const MAX_CSV_BYTES: usize = 32 << 20;
/// The most that a cell has: spreadsheets keep 32,767 characters in one.
const MAX_CELL_BYTES: usize = 4 * 32_767;
/// What a workbook may unpack to.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;
/// What all of it but the sheets may unpack to: it is held while a sheet is read.
const MAX_HELD_BYTES: u64 = 32 << 20;
/// The file of a workbook that has the texts which its cells share.
const TEXTS: &str = "sharedstrings.xml";
/// The least that such a text takes there.
const LEAST_TEXT_BYTES: u64 = 5;

/// A file's rows, read one by one.
pub struct Sheet<'a> {
    /// The names of its columns, in small letters.
    pub columns: Vec<String>,
    file: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    /// The line of the last row, and up to which byte lines were counted.
    line: (u64, usize),
}

/// How many lines end within `range` of a file, be it with CR, LF or both.
fn line_ends(file: &[u8], range: Range<usize>) -> u64 {
    let is_end = |at: &usize| match file[*at] {
        b'\n' => *at == 0 || file[at - 1] != b'\r',
        byte => byte == b'\r',
    };
    range.filter(is_end).count() as u64
}

/// A row.
pub struct Row {
    /// The line that it begins in, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

impl<'a> Sheet<'a> {
    /// Begins to read a file of CSV.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(file: &'a [u8]) -> Result<Self, String> {
        let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
        let first = file.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let delimiter = if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' };
        let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(file);
        let columns = reader.headers().map_err(unreadable)?;
        let columns = columns.iter().map(|name| name.trim().to_lowercase()).collect();
        Ok(Self { columns, file, reader, record: StringRecord::new(), line: (1, 0) })
    }

    /// The line that the record begins in. The reader's own count knows LF alone as a line's end.
    fn line(&mut self) -> u64 {
        let begin = self.record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let blank = self.file[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (line, counted) = self.line;
        self.line = (line + line_ends(self.file, counted..begin + blank), begin + blank);
        self.line.0
    }
}

impl Iterator for Sheet<'_> {
    type Item = Result<Row, String>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = self.line();
                let cells = self.record.iter().map(|cell| cell.trim().to_owned()).collect();
                Some(Ok(Row { line, cells }))
            }
            Err(error) => Some(Err(unreadable(error))),
        }
    }
}

fn unreadable(_: csv::Error) -> String {
    "is not CSV in UTF-8".to_owned()
}

/// Whether a file may be a workbook.
#[must_use]
pub fn is_workbook(file: &[u8]) -> bool {
    file.starts_with(ARCHIVE)
}

/// The first sheet of a workbook as CSV, line for line.
///
/// # Errors
/// What is wrong with the workbook.
pub fn csv_of_workbook(file: &[u8]) -> Result<Vec<u8>, String> {
    let broken = || "is not an XLSX workbook".to_owned();
    if !fits(file).ok_or_else(broken)? {
        return Err("unpacks to more than can be read".to_owned());
    }
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(file)).map_err(|_| broken())?;
    let sheet = workbook.sheet_names().into_iter().next().ok_or_else(broken)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(|_| broken())?;
    let mut csv = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let mut lines = Lines::default();
    while let Some(cell) = cells.next_cell().map_err(|_| broken())? {
        let (row, column) = cell.get_position();
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let text = text(cell.get_value()).ok_or_else(|| "has a cell that is too long".to_owned())?;
        if text.is_empty() || column >= MAX_COLUMNS {
            continue;
        }
        lines.put(row, column, text, &mut csv).map_err(|_| broken())?;
        if lines.bytes > MAX_CSV_BYTES {
            return Err("has a sheet that is too large".to_owned());
        }
    }
    lines.end(&mut csv).map_err(|_| broken())?;
    csv.into_inner().map_err(|_| broken())
}

/// Whether a workbook can be read with little memory. It is unpacked for that, since it may say anything of its own length.
fn fits(file: &[u8]) -> Option<bool> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).ok()?;
    let (mut all, mut held) = (0, 0);
    for at in 0..archive.len() {
        let name = archive.by_index(at).ok()?.name().ok()?.to_lowercase();
        let rest = MAX_UNPACKED_BYTES + 1 - all;
        let unpacked = io::copy(&mut archive.by_index(at).ok()?.take(rest), &mut io::sink()).ok()?;
        all += unpacked;
        let (folder, name) = name.rsplit_once('/').unwrap_or(("", &name));
        if !(folder.ends_with("worksheets") && name.starts_with("sheet")) {
            held += unpacked;
        }
        if all > MAX_UNPACKED_BYTES || held > MAX_HELD_BYTES {
            return Some(false);
        }
        // Room for so many is made before any is read.
        if name == TEXTS && texts(BufReader::new(archive.by_index(at).ok()?))? > unpacked / LEAST_TEXT_BYTES {
            return Some(false);
        }
    }
    Some(true)
}

/// How many texts the cells of a workbook are said to share.
fn texts(file: impl BufRead) -> Option<u64> {
    let mut reader = quick_xml::Reader::from_reader(file);
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "sst" => {
                let said = element.try_get_attribute("uniqueCount").ok()?;
                let digits = |said: &str| said.chars().filter(char::is_ascii_digit).collect::<String>();
                return match said.map(|said| digits(&said.value)).filter(|digits| !digits.is_empty()) {
                    None => Some(0),
                    Some(digits) => Some(digits.parse().unwrap_or(u64::MAX)),
                };
            }
            Event::Eof => return None,
            _ => buffer.clear(),
        }
    }
}

/// The line that is being written.
#[derive(Default)]
struct Lines {
    row: u32,
    cells: Vec<String>,
    bytes: usize,
}

impl Lines {
    /// Takes a cell, which is in the present row or below it.
    fn put(&mut self, row: u32, column: usize, text: String, csv: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        while self.row < row {
            self.end(csv)?;
            self.row += 1;
            self.bytes += 1;
            if self.bytes > MAX_CSV_BYTES {
                return Ok(());
            }
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.bytes += text.len() + 1;
        self.cells[column] = text;
        Ok(())
    }

    fn end(&mut self, csv: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        csv.write_record(std::mem::take(&mut self.cells))
    }
}

/// What a cell shows, on one line; `None` where it is longer than any workbook's.
fn text(value: &DataRef<'_>) -> Option<String> {
    let text = match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::String(text) if text.len() > MAX_CELL_BYTES => return None,
        DataRef::SharedString(text) if text.len() > MAX_CELL_BYTES => return None,
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
            }
        }
        value => Data::from(value.clone()).to_string(),
    };
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
