//! What makes the state survive a restart: a file with one JSON record per line, each the whole of one process, the
//! last line of a process being the one that counts.
//!
//! A change appends one line, however many processes there are. A kill in the middle of a line costs that line
//! only, and no answer has been given for it yet. When the file has grown far beyond what it says, and at each
//! opening, it is written anew beside itself and renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::SandboxError;

/// Lines per living record, beyond a floor, at which the file is written anew.
const SLACK: usize = 16;
const FLOOR: usize = 2_000;

/// The open file; without a path, saving does nothing.
pub(crate) struct Journal {
    path: Option<PathBuf>,
    file: Option<File>,
    lines: usize,
}

impl Journal {
    /// Reads the records in the order they were written. Call [`Journal::rewrite`] with what they amount to.
    pub fn open<R: DeserializeOwned>(path: Option<PathBuf>) -> Result<(Journal, Vec<R>), SandboxError> {
        let records = match &path {
            Some(path) => read(path)?,
            None => Vec::new(),
        };
        Ok((Journal { path, file: None, lines: 0 }, records))
    }

    /// Appends one record. `false` asks for a [`Journal::rewrite`]: the file is long, or its end is damaged.
    pub fn append(&mut self, record: &impl Serialize, living: usize) -> io::Result<bool> {
        if self.path.is_none() {
            return Ok(true);
        }
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        if let Err(error) = file.write_all(&line) {
            self.file = None; // half a line may be there: never append to it
            return Err(error);
        }
        self.lines += 1;
        Ok(self.lines < FLOOR + living * SLACK)
    }

    /// Replaces the file by these records, in one step that either happens or does not.
    pub fn rewrite<R: Serialize>(&mut self, records: impl Iterator<Item = R>) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let beside = path.with_extension("new");
        let mut writer = BufWriter::new(File::create(&beside)?);
        let mut lines = 0;
        for record in records {
            serde_json::to_writer(&mut writer, &record)?;
            writer.write_all(b"\n")?;
            lines += 1;
        }
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, path)?;
        self.file = Some(OpenOptions::new().append(true).open(path)?);
        self.lines = lines;
        Ok(())
    }
}

fn read<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, SandboxError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SandboxError::StateFile { path: path.to_owned(), source }),
    };
    // Only what ends in a line break was written to its end.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = text[..whole].split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_slice(line).map_err(|source| SandboxError::StateLine {
                path: path.to_owned(),
                line: number + 1,
                source,
            })
        })
        .collect()
}
