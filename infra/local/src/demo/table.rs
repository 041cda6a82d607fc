//! The table at the demo's end.

use super::{Played, short, text};

/// One line for each picture, the process at its first.
pub(super) fn table(all: &[Played]) -> String {
    let mut rows = vec![
        ["process", "company", "script", "status", "picture", "bytes", "sha256", "provider's link", "our link"]
            .map(str::to_owned),
    ];
    for played in all {
        let (id, company, status) = (short(&played.id), played.company.name(), text(&played.process, "status"));
        let mut first = Some([id.to_owned(), company.to_owned(), played.script.to_owned(), status]);
        for picture in &played.pictures {
            let [id, company, script, status] = first.take().unwrap_or_default();
            let theirs = match picture.provider_answers {
                403 => "dead (403)".to_owned(),
                other => format!("answers {other}"),
            };
            rows.push([
                id,
                company,
                script,
                status,
                format!("{} {}", picture.shown.number, picture.shown.kind),
                picture.bytes.to_string(),
                format!("{}…", &picture.sha256[..12]),
                theirs,
                if picture.ours_opens { "opens, same bytes" } else { "FAILS" }.to_owned(),
            ]);
        }
        if let Some([id, company, script, status]) = first {
            let none = ["no pictures", "", "", "", ""].map(str::to_owned);
            let [a, b, c, d, e] = none;
            rows.push([id, company, script, status, a, b, c, d, e]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..9).map(width).collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            // Numbers to the right.
            if column == 5 { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>().join("  ") + "\n");
    lines.concat()
}
