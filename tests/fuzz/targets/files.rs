//! What customers send as files: rows, workbooks, forms.

use std::io::{Cursor, Write as _};

use cotejo::{
    http::multipart,
    people::sheet::{Sheet, readable},
};
use lambda_http::Body;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::gates::built;

/// Reads all rows of a file, if it has any, and checks that nothing in them is lost.
fn read(file: &[u8]) {
    let Ok(file) = readable(file, "id") else { return };
    let Ok(mut sheet) = Sheet::open(&file) else { return };
    let columns = std::mem::take(&mut sheet.columns);
    for row in sheet.map_while(Result::ok) {
        let (cells, fault) = columns.cells(&row);
        if fault.is_none() {
            let named = cells.filter(|(_, cell)| !cell.is_blank()).count();
            let all = row.cells.iter().filter(|cell| !cell.is_blank()).count();
            // pandas' own row numbers aside.
            assert!(named == all || named + 1 == all && row.cells[0].text.trim().bytes().all(|b| b.is_ascii_digit()));
        }
    }
}

#[test]
fn whatever_is_between_commas() {
    let parts = [
        ",",
        ";",
        "\t",
        "\"",
        "\r\n",
        "\r",
        "\n",
        "id",
        "name",
        "sep=;\n",
        "sep=,\n",
        "\u{feff}",
        "1.0",
        "#N/A",
        "E+15",
        "=",
        " ",
        "é",
        "\"\"",
        "unnamed: 0",
        "\u{1}rows\n",
        "{\"l\":2,\"c\":[{\"t\":\"a\"},{}]}",
    ];
    fuzz!(|input: &[u8]| {
        read(built(&parts, input).as_bytes());
        read(format!("id,name\n{}", built(&parts, input)).as_bytes());
        let wide = built(&parts, input).encode_utf16().flat_map(u16::to_le_bytes).collect();
        read(&[vec![0xFF, 0xFE], wide].concat());
        read(input);
    });
}

#[test]
fn whatever_a_workbook_holds() {
    let parts = [
        "<row>",
        "<row r=\"9\" hidden=\"1\">",
        "</row>",
        "<c>",
        "<c r=\"B2\" t=\"s\">",
        "<c t=\"inlineStr\">",
        "<c t=\"b\" s=\"1\">",
        "<c r=\"XFD1048576\">",
        "</c>",
        "<v>",
        "</v>",
        "<v/>",
        "<f>",
        "</f>",
        "<is>",
        "</is>",
        "<t>",
        "</t>",
        "<rPh>",
        "</rPh>",
        "1",
        "-1e308",
        "id",
        "&amp;",
        "&#0;",
        "&x;",
        "_x000D_",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<si>",
        "</si>",
        "\u{0}",
        "32185.5",
    ];
    let relation =
        |id: &str, kind: &str, target: &str| format!(r#"<Relationship Id="{id}" Type="t/{kind}" Target="{target}"/>"#);
    fuzz!(|input: &[u8]| {
        let said = built(&parts, input);
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in [
            ("_rels/.rels", relation("a", "officeDocument", "b.xml")),
            ("b.xml", r#"<workbook><sheets><sheet r:id="s"/></sheets></workbook>"#.to_owned()),
            ("_rels/b.xml.rels", relation("s", "worksheet", "s.xml") + &relation("t", "sharedStrings", "t.xml")),
            ("s.xml", format!("<d><row><c t=\"inlineStr\"><is><t>id</t></is></c></row>{said}</d>")),
            ("t.xml", format!("<sst>{said}</sst>")),
        ] {
            archive.start_file(name, SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        read(&archive.finish().unwrap().into_inner());
    });
}

#[test]
fn whatever_form_is_sent() {
    let parts = [
        "--b",
        "--b\r\n",
        "--b--",
        "\r\n",
        "\r\n\r\n",
        "Content-Disposition: form-data; ",
        "name=",
        "\"file\"",
        "file",
        "filename=",
        "filename*=",
        "utf-8''a",
        "; ",
        "\"",
        "\\",
        "content-transfer-encoding: 8bit",
        " ",
        ":",
        "=",
        "boundary=b",
        "multipart/form-data; ",
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    fuzz!(|input: &[u8]| {
        let said = built(&parts, input);
        let whole = format!("--b\r\nContent-Disposition: form-data; name=file; {said}\r\n\r\n{said}\r\n--b--");
        for (kind, body) in
            [("multipart/form-data; boundary=b", &said), ("multipart/form-data; boundary=b", &whole), (&said, &whole)]
        {
            let request = http::Request::builder().header("content-type", kind).body(Body::from(body.as_str()));
            let Ok(request) = request else { continue };
            if let Ok(parts) = runtime.block_on(multipart::read(&request, 1 << 16, &["file"])) {
                assert!(parts.keys().all(|name| name == "file"));
            }
        }
    });
}
