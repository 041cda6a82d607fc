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
    zipped(BOOK.iter().chain(parts))
}

fn zipped<'p>(parts: impl Iterator<Item = &'p (&'p str, &'p str)>) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
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

/// A workbook that lists each of the sheets by its name, whether it can be seen, and its part.
fn book(list: &[(&str, &str)], parts: &[(&str, &str)]) -> Result<usize, String> {
    let (mut sheets, mut relations) = (String::new(), String::new());
    for (at, (part, state)) in list.iter().enumerate() {
        sheets += &format!(r#"<sheet r:id="s{at}" state="{state}"/>"#);
        relations += &format!(r#"<Relationship Id="s{at}" Type="t/worksheet" Target="{part}"/>"#);
    }
    let sheets = format!("<workbook><sheets>{sheets}</sheets></workbook>");
    let relations = format!("<Relationships>{relations}</Relationships>");
    let lists = [BOOK[0], ("xl/book.xml", &sheets), ("xl/_rels/book.xml.rels", &relations)];
    let file = zipped(lists.iter().chain(parts));
    let rows = rows(&file, "id")?;
    Ok(Sheet::open(&rows)?.count())
}

fn sheet(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let row = |cells: &&[&str]| format!("<row>{}</row>", cells.iter().map(cell).collect::<String>());
    format!("<worksheet>{}</worksheet>", rows.iter().map(row).collect::<String>())
}

#[test]
fn a_sheet_is_read_once_however_often_it_is_listed() {
    let data = sheet(&[&["id", "name"], &["7", "Ana"]]);
    let parts = [("xl/worksheets/a.xml", &*data)];
    assert_eq!(book(&[("worksheets/a.xml", "hidden"), ("/xl/Worksheets/A.xml", "visible")], &parts), Ok(1));
    assert_eq!(book(&[("worksheets/a.xml", "visible"); 300], &parts), Ok(1));
    let names: Vec<_> = (0..256).map(|at| format!("worksheets/{at}.xml")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "hidden")).collect();
    assert_eq!(book(&many, &parts), Err("has more than 255 sheets".to_owned()));
    assert_ne!(book(&many[1..], &parts), Err("has more than 255 sheets".to_owned()));
}

#[test]
fn a_sheet_without_the_column_does_not_count_whatever_its_head() {
    let data = sheet(&[&["id", "name"], &["7", "Ana"]]);
    let totals = sheet(&[&["Mes", "Total", "Total"], &["1", "2", "2"]]);
    let doubled = sheet(&[&["id", "Total", "Total"]]);
    let list = [("worksheets/a.xml", "visible"), ("worksheets/b.xml", "visible")];
    let both = |second| book(&list, &[("xl/worksheets/a.xml", &data), ("xl/worksheets/b.xml", second)]);
    assert_eq!(both(&totals), Ok(1));
    assert_eq!(both(&doubled), Err("has 2 sheets with a column id: leave one, or hide the others".to_owned()));
}

#[test]
fn a_number_with_a_format_of_many_zeros_is_a_number() {
    let styles = format!(
        r#"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="{}"/></numFmts><cellXfs><xf numFmtId="170"/></cellXfs></styleSheet>"#,
        "0".repeat(70_000)
    );
    let sheet =
        r#"<worksheet><row><c t="inlineStr"><is><t>id</t></is></c></row><row><c s="0"><v>42</v></c></row></worksheet>"#;
    let file = packed(&[("xl/worksheets/a.xml", sheet), ("xl/styles.xml", &styles)]);
    let rows = rows(&file, "id").unwrap();
    assert_eq!(Sheet::open(&rows).unwrap().next().unwrap().unwrap().cells[0].text, "42");
}

#[test]
fn no_more_of_a_row_is_read_than_it_has_columns() {
    let texts = format!("<sst><si><t>{}</t></si><si><t>  </t></si></sst>", "x".repeat(100_000));
    let cell = |place: &str| format!(r#"<x:c r="{place}" t="s"><x:v>0</x:v></x:c>"#);
    // A few bytes each, for a text of 100,000 that is replaced by the next, or not kept.
    let many = format!("<x:row>{}</x:row><x:row>{}</x:row>", cell("A2").repeat(1 << 12), cell("ZZ3").repeat(1 << 12));
    let blanks = format!("<x:row><x:c><x:v>7</x:v></x:c>{}</x:row>", r#"<x:c t="s"><x:v>1</x:v></x:c>"#.repeat(300));
    let rows = read(&(many + &blanks), &texts);
    let faults: Vec<_> = rows.iter().map(|row| row.fault.as_deref()).collect();
    assert_eq!(faults, [Some("has too many cells"), Some("has too many cells"), None]);
}

#[test]
fn a_cell_follows_its_reference_or_the_previous_cell() {
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
