//! Certificates drawn by code: a real PDF of one page that contains only the request's id, so that any PDF reader can read
//! it.

use bytes::Bytes;

/// After the version, four bytes above 127 tell transfer programs that the file is binary.
const HEADER: &[u8] = b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n";

/// The certificate of a request: always the same bytes for the same id.
pub(super) fn certificate(id: &str) -> Bytes {
    let text = format!("BT /F1 14 Tf 72 760 Td (Certificate of verification) Tj 0 -28 Td ({}) Tj ET", printable(id));
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
    ];
    let mut file = HEADER.to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (place, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", place + 1).into_bytes());
    }
    let start = file.len();
    let size = objects.len() + 1;
    let end = format!("{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.extend(end.into_bytes());
    file.into()
}

/// As much of an id as the font can show, without what would end the text.
fn printable(id: &str) -> String {
    let mut text = String::new();
    for letter in id.chars() {
        match letter {
            '(' | ')' | '\\' => text.extend(['\\', letter]),
            ' '..='~' => text.push(letter),
            _ => text.push('?'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn number(text: &[u8]) -> usize {
        let digits: String = text.iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    }

    fn place(file: &[u8], of: &[u8]) -> usize {
        file.windows(of.len()).rposition(|window| window == of).unwrap()
    }

    #[test]
    fn every_object_is_where_the_table_says() {
        for id in ["00627e53-800b-4e6d-86ff-b933e2940a04", "a (nasty\\ id) ñ"] {
            let file = certificate(id);
            assert!(file.starts_with(b"%PDF-1.4\n") && file.ends_with(b"%%EOF\n"));
            let table = number(&file[place(&file, b"startxref\n") + 10..]);
            assert!(file[table..].starts_with(b"xref\n0 6\n"));
            for object in 1..=5 {
                let entry = &file[table + 9 + object * 20..][..20];
                assert!(entry.ends_with(b" 00000 n \n"));
                assert!(file[number(entry)..].starts_with(format!("{object} 0 obj\n").as_bytes()));
            }
        }
    }

    #[test]
    fn the_stream_has_its_length_and_names_the_request() {
        let file = certificate("a (nasty\\ id) ñ");
        let start = place(&file, b"\nstream\n") + 8;
        let length = number(&file[place(&file, b"/Length ") + 8..]);
        assert_eq!(start + length, place(&file, b"\nendstream"));
        assert!(String::from_utf8_lossy(&file[start..start + length]).contains(r"(a \(nasty\\ id\) ?)"));
    }
}
