//! The rows of an XLSX workbook (ECMA-376 part 1, chapter 18), one JSON text a line.
//!
//! Crates that read workbooks give numbers as floating point and leave out what is hidden and which formula has no value; all three
//! decide here whether a row can be taken. So the cells are read from the XML itself, one after the other. What is held meanwhile are
//! the texts that cells share, and the formats of numbers.

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

/// What a workbook may unpack to.
const MAX_UNPACKED_BYTES: u64 = 128 << 20;
/// What all of it but the sheets may unpack to: it is held while a sheet is read.
const MAX_HELD_BYTES: u64 = 32 << 20;
/// What one of its lists of parts may.
const MAX_LIST_BYTES: u64 = 4 << 20;
/// The most formats of cells: spreadsheets keep 65,490.
const MAX_FORMATS: usize = 1 << 16;
/// Rows above a sheet's columns that are looked at.
const MAX_ROWS_ABOVE: usize = 50;

const TOO_MUCH: &str = "unpacks to more than can be read";
const BROKEN: &str = "is not an XLSX workbook";

/// The rows of the sheet that has a column called `column`.
///
/// # Errors
/// What is wrong with the workbook: more than one sheet that can be seen has such a column, or none.
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
                Some(head) if Columns::of(&head).map_or(true, |columns| columns.has(column)) => {
                    found.push(sheet);
                    break;
                }
                _ => break,
            }
        }
    }
    let [sheet] = found[..] else {
        return Err(match found.len() {
            0 => format!("has no sheet that begins with a line of columns, with {column} among them"),
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
    /// Their numbers in the archive and what they unpack to, by name in small letters.
    parts: HashMap<String, (usize, u64)>,
    /// Where its sheets and the rest are listed.
    main: String,
    /// Whether its days are counted from 1904.
    since_1904: bool,
}

struct SheetPart {
    path: String,
    is_shown: bool,
}

/// A part of the workbook that another one names.
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
        // Unpacked to see how much it is, since it may say anything of its own length.
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

    /// A part of at most so many bytes.
    fn part(&mut self, path: &str, most: u64) -> Result<Option<Xml<'_, 'a>>, String> {
        let Some((at, length)) = self.parts.get(&path.to_lowercase()).copied() else { return Ok(None) };
        if length > most {
            return Err(TOO_MUCH.to_owned());
        }
        let part = self.archive.by_index(at).map_err(broken)?;
        Ok(Some(Xml { reader: Reader::from_reader(BufReader::new(part)), buffer: Vec::new() }))
    }

    /// What a part names; that of no part is the archive's own list.
    fn relations(&mut self, of: &str) -> Result<Vec<Relation>, String> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut relations = Vec::new();
        let Some(mut xml) = self.part(&format!("{folder}_rels/{name}.rels"), MAX_LIST_BYTES)? else {
            return Ok(relations);
        };
        while let Some(element) = xml.element()? {
            if element.local_name().as_ref() == "Relationship" {
                let value = |name| attribute(&element, name).unwrap_or_default();
                let kind = value("Type").rsplit('/').next().unwrap_or_default().to_owned();
                let target = value("Target").replace('\\', "/");
                let path = match target.strip_prefix('/') {
                    Some(path) => path.to_owned(),
                    None => format!("{folder}{}", target.trim_start_matches("./")),
                };
                relations.push(Relation { id: value("Id"), kind, path });
            }
        }
        Ok(relations)
    }

    /// The worksheets, in their order.
    fn sheets(&mut self) -> Result<Vec<SheetPart>, String> {
        let main = self.main.clone();
        let relations = self.relations(&main)?;
        let (mut sheets, mut since_1904) = (Vec::new(), false);
        let mut xml = self.part(&main, MAX_LIST_BYTES)?.ok_or_else(|| BROKEN.to_owned())?;
        while let Some(element) = xml.element()? {
            match element.local_name().as_ref() {
                "workbookPr" => since_1904 = attribute(&element, "date1904").is_some_and(|value| is_true(&value)),
                "sheet" => {
                    let id = attribute(&element, "id").unwrap_or_default();
                    let is_shown = attribute(&element, "state").is_none_or(|state| state == "visible");
                    let part = relations.iter().find(|relation| relation.id == id && relation.kind == "worksheet");
                    sheets.extend(part.map(|part| SheetPart { path: part.path.clone(), is_shown }));
                }
                _ => {}
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

    /// The texts that cells share.
    fn texts(&mut self) -> Result<Texts, String> {
        let mut texts = Texts::default();
        let Some(path) = self.named("sharedStrings")? else { return Ok(texts) };
        let Some(mut xml) = self.part(&path, MAX_HELD_BYTES)? else { return Ok(texts) };
        let (mut text, mut place) = (String::new(), InText::default());
        loop {
            match xml.next()? {
                Event::Start(element) => place.begin(&element),
                Event::Empty(element) if element.local_name().as_ref() == "si" => texts.add("")?,
                Event::End(element) => {
                    place.end(element.local_name().as_ref());
                    if element.local_name().as_ref() == "si" {
                        texts.add(&unescaped(&text))?;
                        text.clear();
                    }
                }
                Event::Eof => return Ok(texts),
                event => place.take(&event, &mut text)?,
            }
        }
    }

    /// How each of the workbook's cell formats shows a number.
    fn shown(&mut self) -> Result<Vec<Shown>, String> {
        let mut shown = Vec::new();
        let Some(path) = self.named("styles")? else { return Ok(shown) };
        let Some(mut xml) = self.part(&path, MAX_HELD_BYTES)? else { return Ok(shown) };
        let (mut own, mut in_cells) = (HashMap::new(), false);
        loop {
            match xml.next()? {
                Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                    "numFmt" => {
                        let code = attribute(&element, "formatCode").unwrap_or_default();
                        own.insert(number(&element, "numFmtId"), Shown::of(&code));
                    }
                    "cellXfs" => in_cells = true,
                    "xf" if in_cells => {
                        let id = number(&element, "numFmtId");
                        let format = own.get(&id).copied();
                        if shown.len() == MAX_FORMATS {
                            return Err(TOO_MUCH.to_owned());
                        }
                        shown.push(format.unwrap_or_else(|| Shown::built_in(id.unwrap_or_default())));
                    }
                    _ => {}
                },
                Event::End(element) if element.local_name().as_ref() == "cellXfs" => in_cells = false,
                Event::Eof => return Ok(shown),
                _ => {}
            }
        }
    }
}

/// The texts that cells share, one behind the other: there may be millions.
#[derive(Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn add(&mut self, text: &str) -> Result<(), String> {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).map_err(broken)?);
        Ok(())
    }

    fn get(&self, at: usize) -> Option<&str> {
        let begin = at.checked_sub(1).map_or(Some(&0), |before| self.ends.get(before))?;
        self.all.get(*begin as usize..*self.ends.get(at)? as usize)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::Write as _;

    use super::*;
    use crate::people::sheet::{Row, Sheet};

    const BOOK: [(&str, &str); 3] = [
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="a" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument" Target="xl\book.xml"/></Relationships>"#,
        ),
        (
            "XL/Book.xml",
            r#"<x:workbook xmlns:x="m" xmlns:r="r"><x:sheets><x:sheet name="Chart" sheetId="1" r:id="c"/><x:sheet name="A" sheetId="2" r:id="s"/></x:sheets></x:workbook>"#,
        ),
        (
            "xl/_rels/book.xml.rels",
            r#"<Relationships><Relationship Id="c" Type="t/chartsheet" Target="chart.xml"/><Relationship Id="s" Type="t/worksheet" Target="./worksheets/a.xml"/>
               <Relationship Id="t" Type="t/sharedStrings" Target="/xl/texts.xml"/><Relationship Id="f" Type="t/styles" Target="styles.xml"/></Relationships>"#,
        ),
    ];

    fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in BOOK.iter().chain(parts) {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn read(sheet: &str, texts: &str) -> Vec<Row> {
        let styles = r#"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="00000"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
                        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>"#;
        let sheet = format!(
            r#"<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>id</x:t></x:is></x:c></x:row>{sheet}</x:sheetData></x:worksheet>"#
        );
        let file = packed(&[("xl/worksheets/a.xml", &sheet), ("xl/texts.xml", texts), ("xl/styles.xml", styles)]);
        let rows = rows(&file, "id").unwrap();
        Sheet::open(&rows).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_cell_is_what_it_shows() {
        let texts = r#"<sst><si/><si><r><t xml:space="preserve"> Jos&#233; </t></r><r><t>&amp; Ana</t></r><rPh><t>ho se</t></rPh></si><si><t><![CDATA[a<b]]>_x000D_
c_x005F_x000D_ _x_</t></si></sst>"#;
        let is = |cell: &str, text: &str| {
            let [row] = <[Row; 1]>::try_from(read(&format!("<x:row>{cell}</x:row>"), texts)).unwrap();
            assert_eq!((row.line, row.cells[0].text.as_str(), &row.cells[0].doubt), (2, text, &None), "{cell}");
        };
        is(r#"<x:c t="s"><x:v>1</x:v></x:c>"#, " José & Ana");
        is(r#"<x:c t="s"><x:v>2</x:v></x:c>"#, "a<b\r\nc_x000D_ _x_");
        is(r#"<x:c t="str"><x:f>A1&amp;"b"</x:f><x:v>ab</x:v></x:c>"#, "ab");
        is(r#"<x:c t="b"><x:v>0</x:v></x:c>"#, "false");
        is(r#"<x:c t="d"><x:v>1988-02-12T00:00:00</x:v></x:c>"#, "1988-02-12T00:00:00");
        is(r#"<x:c><x:v>0.10000000000000001</x:v></x:c>"#, "0.1");
        is(r#"<x:c><x:v>1.44E2</x:v></x:c>"#, "144");
        is(r#"<x:c><x:v>123456789012345</x:v></x:c>"#, "123456789012345");
        is(r#"<x:c s="1"><x:v>32185</x:v></x:c>"#, "1988-02-12");
        is(r#"<x:c s="2"><x:v>42</x:v></x:c>"#, "00042");
        for doubtful in [
            r#"<x:c><x:v>1234567890123456</x:v></x:c>"#,
            r#"<x:c s="2"><x:v>-1.234567890123457E+17</x:v></x:c>"#,
            r#"<x:c t="e"><x:v>#REF!</x:v></x:c>"#,
            r#"<x:c><x:f>B2</x:f></x:c>"#,
            r#"<x:c t="s"><x:f>B2</x:f><x:v/></x:c>"#,
            r#"<x:c t="inlineStr"><x:is><x:t>#¡VALOR!</x:t></x:is></x:c>"#,
        ] {
            assert!(read(&format!("<x:row>{doubtful}</x:row>"), texts)[0].cells[0].doubt.is_some(), "{doubtful}");
        }
    }

    #[test]
    fn a_cell_stands_where_its_place_says_or_behind_the_one_before() {
        let cell = |place: &str| format!("<x:c{place}><x:v>7</x:v></x:c>");
        let rows = format!(
            r#"<x:row r="4">{}{}<x:c r="AA4"/>{}</x:row><x:row hidden="1"><x:c s="1"/></x:row><x:row hidden="true">{}</x:row><x:row>{}</x:row>"#,
            cell(" r=\"B4\""),
            cell(""),
            cell(" r=\"e4\""),
            cell(""),
            cell(" r=\"ZZZ7\"")
        );
        let rows = read(&rows, "<sst/>");
        let texts: Vec<_> = rows[0].cells.iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!((rows[0].line, texts), (4, vec!["", "7", "7", "", "7"]));
        let faults: Vec<_> = rows.iter().map(|row| (row.line, row.fault.is_some())).collect();
        assert_eq!(faults, [(4, false), (6, true), (7, true)]);
    }
}
