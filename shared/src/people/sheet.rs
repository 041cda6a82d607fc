//! Files of rows: a first line that names the columns, then one row a line, as CSV in UTF-8.

use csv::{ReaderBuilder, StringRecord};

/// A file's rows.
pub struct Sheet {
    /// The names of its columns, in small letters.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A row.
pub struct Row {
    /// The line that it begins in, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

impl Sheet {
    /// Reads a file of at most `max_rows` rows.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(file: &[u8], max_rows: usize) -> Result<Self, String> {
        let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
        let mut reader = ReaderBuilder::new().has_headers(true).flexible(true).from_reader(file);
        let unreadable = |_| "is not CSV in UTF-8".to_owned();
        let columns = reader.headers().map_err(unreadable)?;
        let columns = columns.iter().map(|name| name.trim().to_lowercase()).collect();
        let mut rows = Vec::new();
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            if rows.len() == max_rows {
                return Err(format!("has more than {max_rows} rows"));
            }
            let line = record.position().map_or(0, csv::Position::line);
            rows.push(Row { line, cells: record.iter().map(|cell| cell.trim().to_owned()).collect() });
        }
        Ok(Self { columns, rows })
    }
}
