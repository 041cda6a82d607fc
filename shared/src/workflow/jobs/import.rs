//! The steps of an import. The first step checks the whole file; each further step imports up to 1000 rows and writes
//! one piece of the report.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{InfraError, Piece, RunJob, Try, export::is_exported};
use crate::{
    common::{FieldError, RawJson, raw_json::length},
    objects::{BucketError, JobFile, ObjectKey},
    people::{
        Fields,
        families::person::{self, PEOPLE},
        job::{Failure, FileRow, Import, ImportShown, Job, MAX_SHOWN, MAX_SHOWN_BYTES, Step, Task},
        said::Said,
        sheet::{self, Columns, Row, Sheet},
    },
    store::{StoreError, keys::JobKey},
    workflow::{
        Error,
        people::{How, RowOutcome},
    },
};

/// The largest file that is imported: 20 MiB.
pub const MAX_FILE_BYTES: usize = 20 << 20;
/// The largest file whose rows are read, in bytes: the uploaded file, or its conversion from a workbook or from UTF-16.
const MAX_SOURCE_BYTES: usize = sheet::MAX_ROWS_BYTES;
const _: () = assert!(MAX_SOURCE_BYTES >= MAX_FILE_BYTES / 2 * 3);
/// The column that identifies a person.
const KNOWN_BY: &str = "national_id";
/// The maximum number of rows in a file.
const MAX_ROWS: usize = 100_000;
/// Rows in one step.
const PER_STEP: usize = 1000;
/// Rows after which a step checks its remaining time.
const TOGETHER: usize = 50;
/// Rows imported concurrently.
const AT_ONCE: usize = 8;

/// A new import.
pub(super) fn of(source: String) -> Import {
    Import { shown: ImportShown::default(), source }
}

/// Checks a file before the import is accepted, as far as that is possible without reading all rows.
///
/// # Errors
/// The problem with the file.
pub(super) fn inspect(file: &[u8]) -> Result<(), String> {
    sheet::inspect(file)?;
    if sheet::is_packed(file) { Ok(()) } else { judge(&Sheet::open(file)?.columns) }
}

/// Checks that the columns are fields of a person.
fn judge(columns: &Columns) -> Result<(), String> {
    if !columns.has(KNOWN_BY) {
        return Err(format!("must begin with a header row that includes {KNOWN_BY}"));
    }
    match columns.unknown(|column| is_given(column) || is_exported(column)) {
        // The column's name may be personal data if the header row is missing.
        Some(number) => Err(format!("has a column, number {number}, that is not a field of a person")),
        None => Ok(()),
    }
}

fn is_given(column: &str) -> bool {
    PEOPLE.fields.iter().any(|field| field.name == column && field.is_given())
}

/// The result of the row in a line of the file.
type Outcome = (u64, Result<RowOutcome, Error>);

/// Counts the result of a row, and adds it to the report.
fn report((row, outcome): Outcome, shown: &mut ImportShown, piece: &mut Piece) {
    match outcome {
        Ok(RowOutcome { person, how }) => {
            let (count, word) = match how {
                How::Created => (&mut shown.created, "created"),
                How::Updated => (&mut shown.updated, "updated"),
                How::Unchanged => (&mut shown.unchanged, "unchanged"),
            };
            *count += 1;
            piece.line([&row.to_string(), word, &person.to_string(), "", ""]);
        }
        Err(error) => {
            shown.failed += 1;
            let fields = problems(error);
            for FieldError { field, message, .. } in &fields {
                piece.line([&row.to_string(), "failed", "", field, message]);
            }
            let is_short = length(&shown.failures) < MAX_SHOWN_BYTES;
            if is_short && shown.failures.len() < MAX_SHOWN {
                shown.failures.push(Failure { row, fields });
            }
        }
    }
}

/// Why a step stops.
enum Halt {
    Ours(InfraError),
    /// The file is invalid.
    File(String),
}

impl RunJob {
    pub(super) async fn import(
        &self,
        key: &JobKey,
        job: &mut Job,
        mut import: Import,
        this: Try,
    ) -> Result<(), InfraError> {
        let attempt = this.attempt;
        let went = match import.shown.rows {
            None => self.begin(job, &mut import, attempt).await,
            Some(_) => self.go_on(key, job, &mut import, this).await,
        };
        let is_over = import.shown.rows == Some(import.shown.done);
        job.task = Task::Import(import);
        match went {
            // If the time is over, joining is a step of its own.
            Ok(()) if is_over && self.tools.services.now() < this.end => self.finish(job, attempt).await,
            Ok(()) => Ok(()),
            Err(Halt::File(fault)) => {
                job.fail(&format!("The file {fault}."), self.tools.services.now());
                Ok(())
            }
            Err(Halt::Ours(trouble)) => Err(trouble),
        }
    }

    /// Counts the rows, extracts them from a workbook, and begins the report.
    async fn begin(&self, job: &mut Job, import: &mut Import, attempt: u64) -> Result<(), Halt> {
        let mut file = self.source(&import.source, MAX_FILE_BYTES).await?;
        sheet::inspect(&file).map_err(Halt::File)?;
        if sheet::is_packed(&file) {
            file = sheet::readable(&file, KNOWN_BY).map_err(Halt::File)?.into_owned().into();
            let source = ObjectKey::Job { tenant: &job.tenant, run: job.run, file: JobFile::Workbook };
            self.tools.put(&source, file.clone()).await.map_err(|_| Halt::Ours(InfraError::Bucket))?;
            import.source = source.to_string();
        }
        let sheet = Sheet::open(&file).map_err(Halt::File)?;
        judge(&sheet.columns).map_err(Halt::File)?;
        let mut rows = 0;
        for row in sheet {
            row.map_err(Halt::File)?;
            rows += 1;
            if rows > MAX_ROWS {
                return Err(Halt::File(format!("has more than {MAX_ROWS} rows")));
            }
        }
        import.shown.rows = Some(rows);
        let mut piece = Piece::new();
        piece.line(["row", "outcome", "person_id", "field", "message"]);
        self.tools.put_piece(job, attempt, piece).await.map_err(Halt::Ours)
    }

    /// Imports the next rows, as many as there is time for.
    async fn go_on(&self, key: &JobKey, job: &mut Job, import: &mut Import, this: Try) -> Result<(), Halt> {
        let file = self.source(&import.source, MAX_SOURCE_BYTES).await?;
        let mut sheet = Sheet::open(&file).map_err(Halt::File)?;
        let columns = std::mem::take(&mut sheet.columns);
        let done = import.shown.done;
        // If the time ended in the middle of a step, these rows are the rest of the same step, which is part of their
        // identity.
        let step = Step { run: job.run, first: done - done % PER_STEP };
        let rows: Result<Vec<Row>, String> = sheet.skip(done).take(step.first + PER_STEP - done).collect();
        let rows: Vec<_> =
            rows.map_err(Halt::File)?.into_iter().map(|row| (row.line, Said::of(&columns, &row))).collect();
        let mut piece = Piece::new();
        for rows in rows.chunks(TOGETHER) {
            let mut outcomes = self.take_up(key, step, import.shown.done, rows).await.map_err(Halt::Ours)?;
            outcomes.sort_by_key(|(line, _)| *line);
            outcomes.into_iter().for_each(|outcome| report(outcome, &mut import.shown, &mut piece));
            import.shown.done += rows.len();
            if self.tools.services.now() >= this.end {
                break;
            }
        }
        self.tools.put_piece(job, this.attempt, piece).await.map_err(Halt::Ours)
    }

    /// Imports `rows`, the first of which is row `first` of the file: concurrently, except rows that share a person or
    /// a record.
    async fn take_up(
        &self,
        key: &JobKey,
        step: Step,
        first: usize,
        rows: &[(u64, Result<Said, FieldError>)],
    ) -> Result<Vec<Outcome>, InfraError> {
        let (mut outcomes, mut waiting) = (Vec::new(), Vec::new());
        for (at, (line, said)) in rows.iter().enumerate() {
            match said {
                Err(fault) => outcomes.push((*line, Err(Error::Invalid(vec![fault.clone()])))),
                // An empty row is skipped.
                Ok(said) if said.fields.is_empty() => {}
                Ok(said) => waiting.push((at, *line, said)),
            }
        }
        while !waiting.is_empty() {
            let mut taken = HashSet::new();
            let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, _, said)| {
                let names = names(&said.fields);
                let is_free = !names.iter().any(|name| taken.contains(name));
                taken.extend(names);
                is_free
            });
            let taken = now.into_iter().map(|(at, line, said)| async move {
                match self.people.take_up(key, said, FileRow { step, number: first + at }).await {
                    Err(error) if error.is_ours() => Err(trouble(&error)),
                    outcome => Ok((line, outcome)),
                }
            });
            let taken = stream::iter(taken.collect::<Vec<_>>());
            let taken: Vec<_> = taken.buffered(AT_ONCE).try_collect().await?;
            outcomes.extend(taken);
            waiting = later;
        }
        Ok(outcomes)
    }

    async fn source(&self, key: &str, max: usize) -> Result<Bytes, Halt> {
        self.tools.bucket.get(key, max).await.map_err(|error| match error {
            BucketError::NotFound => Halt::File("is no longer there".to_owned()),
            BucketError::TooLarge => Halt::File("is too large".to_owned()),
            _ => Halt::Ours(InfraError::Bucket),
        })
    }
}

/// The keys that concurrent rows must not share. Rows about the same person are imported in order, one after the other;
/// so are rows that refer to the same record, because it is part of each row's transaction.
fn names(fields: &Fields) -> Vec<String> {
    let national_id = fields.get("national_id").and_then(RawJson::read::<String>);
    let person = national_id.map(|national_id| person::canonical("national_id", &national_id));
    let others = PEOPLE.references.map(|references| references(fields)).unwrap_or_default();
    person.into_iter().chain(others.into_iter().map(|(_, _, id)| id.to_string())).collect()
}

fn problems(error: Error) -> Vec<FieldError> {
    match error {
        Error::Invalid(fields) => fields,
        error => vec![FieldError::new("", error.to_string())],
    }
}

fn trouble(error: &Error) -> InfraError {
    InfraError::Store(StoreError::Unavailable { code: error.to_string() })
}
