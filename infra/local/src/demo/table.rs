//! The tables at the demo's end.

use serde_json::Value;

use super::{Verification, kept, short, text, verdict::checks};

/// One line for each picture, video and certificate, the process at its first.
pub(super) fn evidence(all: &[Verification]) -> String {
    let mut rows =
        vec![["process", "provider", "kept", "bytes", "sha256", "provider's link", "our link"].map(str::to_owned)];
    for verification in all {
        let mut first = Some([short(&verification.id), verification.script.provider.name()].map(str::to_owned));
        for piece in &verification.pieces {
            let [id, provider] = first.take().unwrap_or_default();
            let theirs = match piece.link_answers {
                Some(403) => "dead (403)".to_owned(),
                Some(other) => format!("answers {other}"),
                None => "none".to_owned(),
            };
            rows.push([
                id,
                provider,
                format!("{} {}", piece.original.number, piece.original.kind),
                piece.bytes.to_string(),
                format!("{}…", &piece.sha256[..12]),
                theirs,
                if piece.ours_opens { "opens, same bytes" } else { "FAILS" }.to_owned(),
            ]);
        }
        if let Some([id, provider]) = first {
            let [kept, a, b, c, d] = ["nothing", "", "", "", ""].map(str::to_owned);
            rows.push([id, provider, kept, a, b, c, d]);
        }
    }
    table(&rows, &[3])
}

/// One line for each process. The reason comes last, since its length has no limit.
pub(super) fn processes(all: &[Verification]) -> String {
    let heads = ["process", "provider", "script", "status", "passed", "failed", "kept", "certificate", "reason"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(all.iter().map(|verification| {
        let process = &verification.process;
        let count = |outcome: &str| checks(process).filter(|check| check["outcome"] == outcome).count().to_string();
        [
            short(&verification.id).to_owned(),
            verification.script.provider.name().to_owned(),
            verification.script.name(),
            text(process, "status"),
            count("passed"),
            count("failed"),
            kept::in_words(process),
            text(&process["certificate"], "state"),
            process["status_reason"].as_str().unwrap_or("-").to_owned(),
        ]
    }));
    table(&rows, &[4, 5])
}

/// One line for each check that failed: its name, what it belongs to, the provider's own code.
pub(super) fn failed_checks(all: &[Verification]) -> String {
    let mut rows = vec![["process", "provider", "failed check", "of", "provider's code"].map(str::to_owned)];
    for verification in all {
        let mut first = Some([short(&verification.id), verification.script.provider.name()].map(str::to_owned));
        for check in checks(&verification.process).filter(|check| check["outcome"] == "failed") {
            let [id, provider] = first.take().unwrap_or_default();
            let or_dash = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let code = match check["source"].as_str() {
                Some("computed") => "found by Cotejo".to_owned(),
                _ => or_dash(&check["provider_code"]),
            };
            rows.push([id, provider, text(check, "name"), or_dash(&check["detail"]), code]);
        }
    }
    table(&rows, &[])
}

/// Columns with the width of their content under an underlined head; those in `numbers` are right-aligned.
fn table<const N: usize>(rows: &[[String; N]], numbers: &[usize]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if numbers.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, widths.map(|width| "-".repeat(width)).join("  ") + "\n");
    lines.concat()
}
