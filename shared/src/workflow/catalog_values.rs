//! Adds many values to a catalog, from a file whose first line is `type,label,value` (seed `002_62dc5acb5b5aea27`).
//!
//! Every line is checked before any value is stored. The ids of the values are derived from the file: sending it again
//! adds no duplicates, and completes an import that stopped half way.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::records::{Records, Request};
use crate::{
    common::{Caller, FieldError, RawJson},
    people::{
        FieldType, Fields, Kind,
        families::{CATALOG_VALUES, CATALOGS},
        said,
        sheet::{self, Cell, Sheet},
        typed,
    },
    workflow::Error,
};

/// The maximum number of values in one file.
const MAX_ROWS: usize = 1000;
/// The columns in order.
const COLUMNS: [&str; 3] = ["type", "label", "value"];

/// Adds the values in `file` to `catalog`. Two reads, and one transaction for each 49 values.
///
/// # Errors
/// `Invalid` if the catalog does not exist, or with the errors of every line, as `csv_file[LINE].COLUMN`.
pub async fn add(records: &Records, caller: &Caller, catalog: Uuid, file: &[u8]) -> Result<(), Error> {
    records.get(&CATALOGS, caller, catalog).await.map_err(|error| match error {
        Error::NotFound(_) => Error::invalid_field("custom_catalog_id", "does not refer to an existing record"),
        _ => error,
    })?;
    let wrong = |fault: String| Error::invalid_field("csv_file", &fault);
    let rows = sheet::readable(file, COLUMNS[0]).map_err(wrong)?;
    let mut sheet = Sheet::open(&rows).map_err(wrong)?;
    let columns = std::mem::take(&mut sheet.columns);
    let is_known = |name: &str| COLUMNS.contains(&name);
    if !COLUMNS.into_iter().all(|name| columns.has(name)) || columns.unknown(is_known).is_some() {
        return Err(Error::invalid_field("csv_file", "must begin with the line type,label,value"));
    }
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for (number, row) in sheet.enumerate() {
        let row = row.map_err(wrong)?;
        if number == MAX_ROWS {
            return Err(wrong(format!("has more than {MAX_ROWS} values")));
        }
        let part = format!("csv_file[{}]", row.line);
        let (cells, fault) = columns.cells(&row);
        if let Some(fault) = fault {
            problems.push(FieldError::new(part, fault));
            continue;
        }
        let cells: BTreeMap<_, _> = cells.collect();
        if cells.values().all(|cell| cell.is_blank()) {
            continue;
        }
        let given = match value_of(&cells, catalog) {
            Ok(given) => given,
            Err(doubts) => {
                problems.extend(doubts.into_iter().map(|doubt| doubt.within(&part)));
                continue;
            }
        };
        match CATALOG_VALUES.read(&given, None, true, records.now()) {
            Ok(fields) => values.push((given, fields)),
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| problem.within(&part))),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let hash = hex::encode(Sha256::digest(file));
    // A customer's key cannot contain a tab.
    let keys: Vec<_> = (0..values.len()).map(|number| format!("bulk\t{catalog}\t{hash}\t{number}")).collect();
    let made = values.into_iter().zip(&keys);
    let made = made.map(|((given, fields), key)| (fields, Request::new(&given, Some(key)))).collect();
    records.make_all(&CATALOG_VALUES, caller, ("custom_catalog_id", Kind::Catalog, catalog), made).await
}

/// The value in a row, or the errors of its cells.
fn value_of(cells: &BTreeMap<&str, &Cell>, catalog: Uuid) -> Result<Fields, Vec<FieldError>> {
    let [kind, label, value] = COLUMNS.map(|name| cells.get(name).map_or("", |cell| cell.text.trim()));
    let form = |name: &str| match name {
        "label" => Some(FieldType::Name),
        "value" => typed::form(kind),
        _ => None,
    };
    let doubts = cells.iter().filter(|(_, cell)| !cell.is_blank()).filter_map(|(name, cell)| {
        let doubt = cell.doubt.as_deref().or_else(|| said::doubt(form(name)?, &cell.text))?;
        Some(FieldError::new(*name, doubt))
    });
    let doubts: Vec<_> = doubts.collect();
    if !doubts.is_empty() {
        return Err(doubts);
    }
    let value = typed::form(kind).map_or_else(|| RawJson::of(&value), |form| typed::of_cell(form, value));
    let given = [
        ("custom_catalog_id", RawJson::of(&catalog)),
        ("type", RawJson::of(&kind)),
        ("label", RawJson::of(&label)),
        ("value", value),
    ];
    Ok(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
