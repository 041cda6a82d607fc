//! The steps of an export. Each step writes one piece of CSV with up to 1000 persons, newest first.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use super::{InfraError, Piece, RunJob, Try};
use crate::{
    common::{
        FieldError, RawJson,
        page::{Cursor, MAX_PER_PAGE, PageRequest},
    },
    people::{
        Family, FieldType, Fields, Record, View,
        families::{ADDRESSES, CONTACTS, PEOPLE},
        job::{Export, ExportShown, Job, Part, Task},
        schema, typed,
    },
    store::keys::{JobKey, by_kind_sort, month},
    workflow::Error,
};

/// Persons in one step …
const PER_STEP: u64 = 1000;
/// … unless the piece reaches this size, in bytes, or the time is over first. One more page stays far below the maximum
/// size of a joined piece.
const PIECE_BYTES: usize = 4 << 20;
/// Persons whose address and contact are loaded concurrently.
const AT_ONCE: usize = 8;

/// The fields of the request.
static FIELDS: [schema::Field; 3] = [
    schema::Field::optional("start_date", FieldType::Date),
    schema::Field::optional("end_date", FieldType::Date),
    schema::Field::optional("exclude", FieldType::Texts),
];

/// Reads the request.
///
/// # Errors
/// `Invalid` with every wrong field.
pub(super) fn read(given: &Fields, tenant_since: Timestamp) -> Result<Export, Error> {
    let mut read = schema::read(&FIELDS, given, true);
    let mut wrong = |field: &str, message: &str| {
        read.problems.push(FieldError::new(field, message));
    };
    let date = |name: &str| read.given.get(name).and_then(RawJson::read::<Date>);
    let (start_date, end_date) = (date("start_date"), date("end_date"));
    if start_date.zip(end_date).is_some_and(|(start, end)| end < start) {
        wrong("end_date", "must not be before start_date");
    }
    let exclude = read.given.get("exclude").filter(|exclude| !exclude.is_null());
    let exclude = exclude.map_or_else(|| Some(Default::default()), RawJson::read);
    if exclude.is_none() {
        wrong("exclude", "must be a list of address, contact");
    }
    if !read.problems.is_empty() {
        return Err(Error::Invalid(read.problems));
    }
    let since = start_date.map_or(tenant_since, |start| midnight(start).max(tenant_since));
    let shown = ExportShown { start_date, end_date, exclude: exclude.unwrap_or_default(), persons: 0 };
    Ok(Export { shown, since, place: None, is_read: false })
}

/// The start of a day in UTC; for a day out of range, the minimum or maximum timestamp.
fn midnight(day: Date) -> Timestamp {
    let far = if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    day.to_zoned(TimeZone::UTC).map_or(far, |midnight| midnight.timestamp())
}

impl RunJob {
    pub(super) async fn export(
        &self,
        key: &JobKey,
        job: &mut Job,
        mut export: Export,
        Try { attempt, end }: Try,
    ) -> Result<(), InfraError> {
        if export.is_read {
            job.task = Task::Export(export);
            return self.finish(job, attempt).await;
        }
        let store = &self.tools.services.store;
        let mut piece = Piece::new();
        let mut place = match export.place.clone() {
            Some(place) => place,
            None => {
                piece.line(columns(&export));
                start(&export, job.created_at)
            }
        };
        let mut persons = 0;
        let mut is_over = false;
        let is_full = |persons, piece: &Piece| persons >= PER_STEP || piece.bytes() >= PIECE_BYTES;
        // At least one page per step, so that the export makes progress.
        while !is_over && (persons == 0 || !is_full(persons, &piece) && self.tools.services.now() < end) {
            let request = PageRequest { page: 1, per_page: MAX_PER_PAGE, cursor: Some(place.clone()) };
            let page = store.list_records(key, export.since, (PEOPLE.kind, None), &request, job.created_at).await?;
            let wanted =
                page.entries.iter().map(|listed| &listed.entry).take_while(|person| person.created_at >= export.since);
            let rows: Vec<_> = wanted.map(|person| self.row(key, &export, person)).collect();
            is_over = rows.len() < page.entries.len() || page.next.is_none();
            let rows: Vec<Vec<String>> = stream::iter(rows).buffered(AT_ONCE).try_collect().await?;
            persons += rows.len() as u64;
            rows.into_iter().for_each(|row| piece.line(row));
            place = page.next.unwrap_or(place);
        }
        export.shown.persons += persons;
        export.place = Some(place);
        self.tools.put_piece(job, attempt, piece).await?;
        export.is_read = is_over;
        job.task = Task::Export(export);
        // If the time is over, joining is a step of its own.
        if is_over && self.tools.services.now() < end { self.finish(job, attempt).await } else { Ok(()) }
    }

    async fn row(&self, key: &JobKey, export: &Export, person: &Record) -> Result<Vec<String>, InfraError> {
        let now = self.tools.services.now();
        let mut view = PEOPLE.view(person, now);
        view.rename("biometrics", SUMMARY);
        view.show("biometrics", &person.fields.get("biometrics"));
        let mut cells = cells(&view, own_columns());
        for (part, family) in parts(export) {
            let latest = self.tools.services.store.kept(key, family, person).await?;
            let latest = latest.first().map(|record| family.view(record, now)).unwrap_or_default();
            cells.extend(self::cells(&latest, part_columns(part, family).map(|(_, field)| field)));
        }
        Ok(cells)
    }
}

/// The cursor just above the newest person in the export.
fn start(export: &Export, asked_at: Timestamp) -> Cursor {
    let end = export.shown.end_date.and_then(|day| day.checked_add(1.day()).ok()).map(midnight);
    match end.filter(|end| *end < asked_at) {
        Some(end) => Cursor { month: month(end), below: Some(by_kind_sort(end, "")), seen: 0 },
        None => Cursor { month: month(asked_at), below: None, seen: 0 },
    }
}

/// The optional parts of an export.
static PARTS: [(Part, &Family); 2] = [(Part::Address, &ADDRESSES), (Part::Contact, &CONTACTS)];

fn parts(export: &Export) -> impl Iterator<Item = (Part, &'static Family)> {
    PARTS.into_iter().filter(|(part, _)| !export.shown.exclude.contains(part))
}

/// The column of the person's derived `biometrics`, which includes results. The column `biometrics` has the given
/// value, so that an import of the export changes nothing.
const SUMMARY: &str = "biometrics_summary";

/// The columns of the person itself.
fn own_columns() -> impl Iterator<Item = &'static str> {
    let fields = PEOPLE.fields.iter().filter(|field| field.is_shown()).map(|field| field.name);
    ["id"].into_iter().chain(fields).chain([SUMMARY, "age", "information_percentage", "created_at", "updated_at"])
}

/// The columns of a part: each column's name and the part's field.
fn part_columns(part: Part, family: &'static Family) -> impl Iterator<Item = (String, &'static str)> {
    let prefix = match part {
        Part::Address => "address",
        Part::Contact => "contact",
    };
    let fields = family.fields.iter().map(|field| field.name).filter(|name| *name != "person_id");
    fields.map(move |field| (format!("{prefix}_{field}"), field))
}

fn columns(export: &Export) -> Vec<String> {
    let of_parts = parts(export).flat_map(|(part, family)| part_columns(part, family));
    own_columns().map(str::to_owned).chain(of_parts.map(|(column, _)| column)).collect()
}

/// Whether an export has this column.
pub(super) fn is_exported(column: &str) -> bool {
    let mut of_parts = PARTS.into_iter().flat_map(|(part, family)| part_columns(part, family));
    own_columns().any(|own| own == column) || of_parts.any(|(name, _)| name == column)
}

/// The cells of a view for these columns.
fn cells(view: &View, columns: impl Iterator<Item = &'static str>) -> Vec<String> {
    let parts: Fields = RawJson::of(view).read().unwrap_or_default();
    columns.map(|column| parts.get(column).map(typed::cell).unwrap_or_default()).collect()
}
