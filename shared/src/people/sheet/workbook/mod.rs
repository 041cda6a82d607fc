//! The rows of an XLSX workbook (ECMA-376 part 1, chapter 18), one JSON text a line.
//!
//! Crates that read workbooks return numbers as floating point, and do not say what is hidden or which formula has no value. All three
//! decide here whether a row is accepted, so the cells are read from the XML itself, one after the other. Only the shared texts and
//! the number formats are held in memory.

mod cells;
mod styles;
mod xml;

use std::{
    collections::HashMap,
    io::{self, BufReader, Cursor, Read as _},
};

use quick_xml::{Reader, events::Event};
use zip::ZipArchive;

use self::{
    cells::Rows,
    styles::Shown,
    xml::{InText, Xml, attribute, is_true, number, unescaped},
};
use super::{MAX_ROWS_BYTES, TAKEN_OUT, columns::Columns};

/// Unpacked bytes of a workbook.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;
/// Unpacked bytes of everything but the sheets: it is held while a sheet is read.
const MAX_HELD_BYTES: u64 = 32 << 20;
/// Unpacked bytes of a list of parts.
const MAX_LIST_BYTES: u64 = 4 << 20;
/// The most formats of cells: spreadsheets keep 65,490.
const MAX_FORMATS: usize = 1 << 16;
/// The most worksheets.
const MAX_SHEETS: usize = 255;
/// Rows above a sheet's header that are read.
const MAX_ROWS_ABOVE: usize = 50;

const TOO_MUCH: &str = "unpacks to more than can be read";
const BROKEN: &str = "is not an XLSX workbook";

/// The rows of the sheet that has a column called `column`.
///
/// # Errors
/// The workbook is invalid, or not exactly one visible sheet has such a column.
pub(super) fn rows(file: &[u8], column: &str) -> Result<Vec<u8>, String> {
    let mut book = Book::open(file)?;
    let sheets = book.sheets()?;
    let texts = book.texts()?;
    let shown = book.shown()?;
    let mut found = Vec::new();
    for sheet in sheets.iter().filter(|sheet| sheet.is_shown) {
        let mut rows = Rows::open(&mut book, sheet, &texts, &shown)?;
        for _ in 0..MAX_ROWS_ABOVE {
            match rows.next()? {
                Some(row) if row.is_blank() => {}
                Some(head) if Columns::are_with(column, &head) => {
                    found.push(sheet);
                    break;
                }
                _ => break,
            }
        }
    }
    let [sheet] = found[..] else {
        return Err(match found.len() {
            0 => format!("has no sheet with a header line that contains {column}"),
            many => format!("has {many} sheets with a column {column}: leave one, or hide the others"),
        });
    };
    let mut taken_out = TAKEN_OUT.to_vec();
    let mut rows = Rows::open(&mut book, sheet, &texts, &shown)?;
    while let Some(row) = rows.next()? {
        if row.is_blank() && row.fault.is_none() {
            continue;
        }
        serde_json::to_writer(&mut taken_out, &row).map_err(|_| BROKEN.to_owned())?;
        taken_out.push(b'\n');
        if taken_out.len() > MAX_ROWS_BYTES {
            return Err("has a sheet that is too large".to_owned());
        }
    }
    Ok(taken_out)
}

fn broken<T>(_: T) -> String {
    BROKEN.to_owned()
}

/// A workbook's files.
struct Book<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Their indexes in the archive and their unpacked sizes, by name in lower case.
    parts: HashMap<String, (usize, u64)>,
    /// The part that lists the sheets.
    main: String,
    /// Whether its days count from 1904.
    since_1904: bool,
}

struct SheetPart {
    path: String,
    is_shown: bool,
}

/// A reference from one part to another.
struct Relation {
    id: String,
    kind: String,
    path: String,
}

impl<'a> Book<'a> {
    fn open(file: &'a [u8]) -> Result<Self, String> {
        let mut archive = ZipArchive::new(Cursor::new(file)).map_err(broken)?;
        let mut parts = HashMap::new();
        let (mut all, mut held) = (0, 0);
        // Unpacked to measure it, since the declared size may be wrong.
        for at in 0..archive.len() {
            let part = archive.by_index(at).map_err(broken)?;
            let name = part.name().map_err(broken)?.to_lowercase().replace('\\', "/");
            let rest = MAX_UNPACKED_BYTES + 1 - all;
            let unpacked = io::copy(&mut part.take(rest), &mut io::sink()).map_err(broken)?;
            all += unpacked;
            if !name.contains("worksheets/") {
                held += unpacked;
            }
            if all > MAX_UNPACKED_BYTES || held > MAX_HELD_BYTES {
                return Err(TOO_MUCH.to_owned());
            }
            parts.insert(name, (at, unpacked));
        }
        let mut book = Self { archive, parts, main: String::new(), since_1904: false };
        let main = book.relations("")?.into_iter().find(|relation| relation.kind == "officeDocument");
        book.main = main.ok_or_else(|| BROKEN.to_owned())?.path;
        Ok(book)
    }

    /// A part of at most `most` bytes.
    fn part(&mut self, path: &str, most: u64) -> Result<Option<Xml<'_, 'a>>, String> {
        let Some((at, length)) = self.parts.get(&path.to_lowercase()).copied() else { return Ok(None) };
        if length > most {
            return Err(TOO_MUCH.to_owned());
        }
        let part = self.archive.by_index(at).map_err(broken)?;
        Ok(Some(Xml { reader: Reader::from_reader(BufReader::new(part)), buffer: Vec::new() }))
    }

    /// The references of a part; those of `""` are the archive's own.
    fn relations(&mut self, of: &str) -> Result<Vec<Relation>, String> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut relations = Vec::new();
        let Some(mut xml) = self.part(&format!("{folder}_rels/{name}.rels"), MAX_LIST_BYTES)? else {
            return Ok(relations);
        };
        while let Some(element) = xml.element()? {
            if element.local_name().as_ref() != "Relationship" {
                continue;
            }
            let value = |name| attribute(&element, name).unwrap_or_default();
            let kind = value("Type").rsplit('/').next().unwrap_or_default().to_owned();
            let target = value("Target").replace('\\', "/");
            let path = match target.strip_prefix('/') {
                Some(path) => path.to_owned(),
                None => format!("{folder}{}", target.trim_start_matches("./")),
            };
            relations.push(Relation { id: value("Id"), kind, path });
        }
        Ok(relations)
    }

    /// The worksheets in order, each once.
    fn sheets(&mut self) -> Result<Vec<SheetPart>, String> {
        let main = self.main.clone();
        let mut paths = HashMap::new();
        for relation in self.relations(&main)?.into_iter().filter(|relation| relation.kind == "worksheet") {
            paths.entry(relation.id).or_insert(relation.path);
        }
        let (mut sheets, mut since_1904) = (Vec::<SheetPart>::new(), false);
        let mut listed = HashMap::new();
        let mut xml = self.part(&main, MAX_LIST_BYTES)?.ok_or_else(|| BROKEN.to_owned())?;
        while let Some(element) = xml.element()? {
            let name = element.local_name();
            if name.as_ref() == "workbookPr" {
                since_1904 = attribute(&element, "date1904").is_some_and(|value| is_true(&value));
            }
            if name.as_ref() != "sheet" {
                continue;
            }
            let id = attribute(&element, "id").unwrap_or_default();
            let is_shown = attribute(&element, "state").is_none_or(|state| state == "visible");
            let Some(path) = paths.get(&id) else { continue };
            let at = *listed.entry(path.to_lowercase()).or_insert(sheets.len());
            match sheets.get_mut(at) {
                Some(sheet) => sheet.is_shown |= is_shown,
                None if at == MAX_SHEETS => return Err(format!("has more than {MAX_SHEETS} sheets")),
                None => sheets.push(SheetPart { path: path.clone(), is_shown }),
            }
        }
        drop(xml);
        self.since_1904 = since_1904;
        if sheets.is_empty() { Err(BROKEN.to_owned()) } else { Ok(sheets) }
    }

    fn named(&mut self, kind: &str) -> Result<Option<String>, String> {
        let main = self.main.clone();
        let named = self.relations(&main)?.into_iter().find(|relation| relation.kind == kind);
        Ok(named.map(|relation| relation.path))
    }

    /// Reads the shared texts.
    fn texts(&mut self) -> Result<Texts, String> {
        let mut texts = Texts::default();
        let Some(path) = self.named("sharedStrings")? else { return Ok(texts) };
        let Some(mut xml) = self.part(&path, MAX_HELD_BYTES)? else { return Ok(texts) };
        let (mut text, mut place) = (String::new(), InText::default());
        loop {
            match xml.next()? {
                Event::Start(element) => place.begin(&element),
                Event::Empty(element) if element.local_name().as_ref() == "si" => texts.add("")?,
                Event::End(element) if element.local_name().as_ref() == "si" => {
                    place.end("si");
                    texts.add(&unescaped(&text))?;
                    text.clear();
                }
                Event::End(element) => place.end(element.local_name().as_ref()),
                Event::Eof => return Ok(texts),
                event => place.take(&event, &mut text)?,
            }
        }
    }

    /// Reads how each cell format shows a number.
    fn shown(&mut self) -> Result<Vec<Shown>, String> {
        let mut shown = Vec::new();
        let Some(path) = self.named("styles")? else { return Ok(shown) };
        let Some(mut xml) = self.part(&path, MAX_HELD_BYTES)? else { return Ok(shown) };
        let (mut own, mut in_cells) = (HashMap::new(), false);
        loop {
            let element = match xml.next()? {
                Event::Start(element) | Event::Empty(element) => element,
                Event::End(element) if element.local_name().as_ref() == "cellXfs" => {
                    in_cells = false;
                    continue;
                }
                Event::Eof => return Ok(shown),
                _ => continue,
            };
            match element.local_name().as_ref() {
                "numFmt" => {
                    let code = attribute(&element, "formatCode").unwrap_or_default();
                    own.insert(number(&element, "numFmtId"), Shown::of(&code));
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells && shown.len() == MAX_FORMATS => return Err(TOO_MUCH.to_owned()),
                "xf" if in_cells => {
                    let id = number(&element, "numFmtId");
                    let format = own.get(&id).copied();
                    shown.push(format.unwrap_or_else(|| Shown::built_in(id.unwrap_or_default())));
                }
                _ => {}
            }
        }
    }
}

/// The shared texts in one string: there may be millions.
#[derive(Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    /// A blank text is kept as an empty one.
    fn add(&mut self, text: &str) -> Result<(), String> {
        if !text.trim().is_empty() {
            self.all.push_str(text);
        }
        self.ends.push(u32::try_from(self.all.len()).map_err(broken)?);
        Ok(())
    }

    fn get(&self, at: usize) -> Option<&str> {
        let begin = at.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before))?;
        self.all.get(*begin as usize..*self.ends.get(at)? as usize)
    }
}

#[cfg(test)]
mod tests;
