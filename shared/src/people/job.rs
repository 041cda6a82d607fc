//! Jobs over many persons: an export, which ends in a file, and an import, which begins with one. Both are done in steps, and
//! a step that is done again changes nothing.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::{FieldError, TenantId, page::Cursor};

/// Rows of an import that are shown with what was wrong with them; the report has them all.
pub const MAX_SHOWN: usize = 100;

/// Bytes, as JSON, from which on no more of them are shown.
pub const MAX_SHOWN_BYTES: usize = 64 * 1024;

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What its files and rows are named by. The id may be an earlier job's too, whose time is over; this is its own.
    pub run: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// What is to be done, and how far it is.
    pub task: Task,
    /// How far it is.
    pub state: JobState,
    /// The pieces of its file, by the tries that made them.
    pub pieces: Vec<u64>,
    /// Its file, by the try that made it.
    pub file: Option<u64>,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its last step was finished.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// No step was finished yet.
    Queued,
    /// Some were.
    Running,
    /// It is done, and its file is there.
    Done,
    /// It cannot be done.
    Failed,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// Writes persons into a file.
    Export(Export),
    /// Makes and changes persons as a file says.
    Import(Import),
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// What customers see of it.
    #[serde(flatten)]
    pub shown: ExportShown,
    /// No person of the tenant is older.
    pub since: Timestamp,
    /// Where to go on; nothing was written yet where there is none.
    pub place: Option<Cursor>,
    /// Whether every person was written, and only the file remains to be made.
    #[serde(default)]
    pub is_read: bool,
}

/// What customers see of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportShown {
    /// The first day on which an exported person was made, UTC.
    pub start_date: Option<Date>,
    /// The last one.
    pub end_date: Option<Date>,
    /// What is left out.
    pub exclude: BTreeSet<Part>,
    /// Persons written so far.
    pub persons: u64,
}

/// What may be left out of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The latest address.
    Address,
    /// The latest contact.
    Contact,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// What customers see of it.
    #[serde(flatten)]
    pub shown: ImportShown,
    /// The object that has the file.
    pub source: String,
}

/// What customers see of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportShown {
    /// The file's rows, once they were counted.
    pub rows: Option<usize>,
    /// Rows seen to.
    pub done: usize,
    /// Persons made.
    pub created: usize,
    /// Persons changed.
    pub updated: usize,
    /// Persons that were as the file says.
    pub unchanged: usize,
    /// Rows that made and changed nothing.
    pub failed: usize,
    /// The first of those.
    pub failures: Vec<Failure>,
}

/// A step of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The run of the import.
    pub run: Uuid,
    /// The number of its first row.
    pub first: usize,
}

/// A row of an import's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRow {
    /// The step that takes it up.
    pub step: Step,
    /// Its number in the file, from 0.
    pub number: usize,
}

/// The rows of one step that changed a record. They stand beside the record, so that the step done again does not do that again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsTaken {
    step: Step,
    rows: BTreeSet<usize>,
}

impl RowsTaken {
    /// What stands beside a record after `row` changed it.
    #[must_use]
    pub fn with(before: Option<Self>, row: FileRow) -> Self {
        let before = before.filter(|before| before.step == row.step);
        let mut taken = before.unwrap_or(Self { step: row.step, rows: BTreeSet::new() });
        taken.rows.insert(row.number);
        taken
    }

    /// Whether `row` changed the record.
    #[must_use]
    pub fn has(&self, row: FileRow) -> bool {
        self.step == row.step && self.rows.contains(&row.number)
    }

    /// Whether a row behind `row` changed the record: whatever `row` had to say was said before that.
    #[must_use]
    pub fn is_past(&self, row: FileRow) -> bool {
        self.step == row.step && self.rows.last().is_some_and(|last| *last > row.number)
    }
}

/// A row that made and changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its line in the file, from 1.
    pub row: u64,
    /// What is wrong with it.
    pub fields: Vec<FieldError>,
}

impl Job {
    /// Whether nothing more is done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// It is done.
    pub fn end(&mut self, now: Timestamp) {
        self.state = JobState::Done;
        self.ended_at = Some(now);
    }

    /// It cannot be done.
    pub fn fail(&mut self, error: &str, now: Timestamp) {
        self.state = JobState::Failed;
        self.error = Some(error.to_owned());
        self.ended_at = Some(now);
    }
}
