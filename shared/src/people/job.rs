//! Jobs over many persons: an export writes a file, an import reads one. Both run in steps, and a repeated step
//! changes nothing.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::common::{FieldError, TenantId, page::Cursor};

/// Failed rows that an import shows; its report has all.
pub const MAX_SHOWN: usize = 100;

/// Bytes of JSON after which no more of them are shown.
pub const MAX_SHOWN_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: Uuid,
    /// Names its files and rows. An earlier, expired job may have had the same id; the run is unique.
    pub run: Uuid,
    pub tenant: TenantId,
    /// What to do, and the progress.
    pub task: Task,
    pub state: JobState,
    /// The pieces of its file, by the tries that wrote them.
    pub pieces: Vec<u64>,
    /// Its file, by the try that wrote it.
    pub file: Option<u64>,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    pub created_at: Timestamp,
    /// When its last step was finished.
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// No step is finished yet.
    Queued,
    Running,
    Done,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// Writes persons into a file.
    Export(Export),
    /// Creates and changes persons from a file.
    Import(Import),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    #[serde(flatten)]
    pub shown: ExportShown,
    /// No person of the tenant is older.
    pub since: Timestamp,
    /// Where to continue; `None` before the first step.
    pub place: Option<Cursor>,
    /// Whether every person was read, and only the file remains to be joined.
    #[serde(default)]
    pub is_read: bool,
}

/// What customers see of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportShown {
    /// The first day of creation of an exported person, UTC.
    pub start_date: Option<Date>,
    /// The last day.
    pub end_date: Option<Date>,
    pub exclude: BTreeSet<Part>,
    /// Persons written so far.
    pub persons: u64,
}

/// What an export can leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Address,
    Contact,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    #[serde(flatten)]
    pub shown: ImportShown,
    /// The object with the file.
    pub source: String,
}

/// What customers see of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportShown {
    /// The number of rows, once counted.
    pub rows: Option<usize>,
    /// Rows handled.
    pub done: usize,
    pub created: usize,
    pub updated: usize,
    /// Rows that changed nothing, because the person already was as the file says.
    pub unchanged: usize,
    /// Rows that were refused.
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
    /// The step that handles it.
    pub step: Step,
    /// Its number in the file, from 0.
    pub number: usize,
}

/// The rows of one step that changed a record. They are stored beside the record, so that a repeated step skips them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsTaken {
    step: Step,
    rows: BTreeSet<usize>,
}

impl RowsTaken {
    /// The rows after `row` changed the record.
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

    /// Whether a later row changed the record, so that `row` was handled before.
    #[must_use]
    pub fn is_past(&self, row: FileRow) -> bool {
        self.step == row.step && self.rows.last().is_some_and(|last| *last > row.number)
    }
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its line in the file, from 1.
    pub row: u64,
    pub fields: Vec<FieldError>,
}

impl Job {
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    pub fn end(&mut self, now: Timestamp) {
        self.state = JobState::Done;
        self.ended_at = Some(now);
    }

    pub fn fail(&mut self, error: &str, now: Timestamp) {
        self.state = JobState::Failed;
        self.error = Some(error.to_owned());
        self.ended_at = Some(now);
    }
}
