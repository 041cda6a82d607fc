//! The table of what differs, in `docs/registry-seed.md`.

use std::collections::{BTreeMap, BTreeSet};

/// Operation, place, what the seed has there, what we have.
pub type Row = (String, String, String, String);

/// Every row of the table, one for each operation it names. A row without a reason is no row.
pub fn read(document: &str) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for line in document.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect();
        let [operations, place, seed, here, reason] = cells.as_slice() else { panic!("five cells: {line}") };
        assert!(!reason.is_empty(), "a reason: {line}");
        for operation in operations.split("; ") {
            let row = (operation.to_owned(), place.clone(), seed.clone(), here.clone());
            assert!(rows.insert(row), "twice: {operation}: {line}");
        }
    }
    rows
}

/// Rows as the table has them, but for the reason.
pub fn written<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut together = BTreeMap::<_, Vec<&str>>::new();
    for (operation, place, seed, here) in rows {
        together.entry((place, seed, here)).or_default().push(operation);
    }
    let line = |((place, seed, here), operations): (_, Vec<&str>)| {
        format!("| `{}` | `{place}` | {seed} | {here} | |\n", operations.join("; "))
    };
    together.into_iter().map(line).collect()
}
