//! The journal, with which the state survives a restart: a file with one JSON record per line. Each record is one whole process,
//! and the last record of a process counts.
//!
//! A change appends one line. A kill in the middle of a line loses that line only, before the call was answered. When the file
//! has grown too long, and at each opening, a new file replaces it by a rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::SandboxError;

/// The file is rewritten when it has this many lines per record, and at least `FLOOR` lines.
const SLACK: usize = 16;
const FLOOR: usize = 2_000;

/// The open file; without a path, saving does nothing.
pub(crate) struct Journal {
    path: Option<PathBuf>,
    file: Option<File>,
    lines: usize,
}

impl Journal {
    /// Reads the records in their order. Call [`Journal::rewrite`] afterwards with the current ones.
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

    /// Replaces the file by these records, atomically.
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
