//! What dynoxide's SQLite database lacks, added to its schema, so that the time of a request does not grow with what was
//! written before.
//!
//! Dynoxide 3.2 looks for the stream's last record at every write and reads the records by their number, both without an
//! index, and it never removes a record. The expired items it finds by reading all items.
//!
//! Dynoxide does not expose its connection, and a database in memory has no other. So the repairs are part of the schema: a
//! second connection adds them to a file before its first use, and a database in memory starts as a copy of such a file.
//! Trimming is a trigger on our own table, which dynoxide knows: one write through dynoxide's API says how far the stream
//! was read.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use cotejo::platform::{Entropy as _, SystemEntropy};
use dynoxide::{
    Database, DynoxideError,
    storage_backend::{Clock, SystemClock},
};
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::template::Table;

/// The table that says how far each stream was read.
const READ: &str = "cotejo-local-stream-read";

/// The first two are what dynoxide's own statements look for: see the tests. The trigger leaves the newest record, since
/// the next record's number follows from it.
const SCHEMA: &str = r#"
    CREATE INDEX IF NOT EXISTS cotejo_stream_table
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
    CREATE INDEX IF NOT EXISTS cotejo_stream_shard
        ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
    CREATE TRIGGER IF NOT EXISTS cotejo_stream_trim AFTER INSERT ON "cotejo-local-stream-read" BEGIN
        DELETE FROM _stream_records
        WHERE table_name = json_extract(NEW.item_json, '$.table.S')
          AND CAST(sequence_number AS INTEGER) < min(
            CAST(json_extract(NEW.item_json, '$.read_to.N') AS INTEGER),
            (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
             WHERE table_name = json_extract(NEW.item_json, '$.table.S')));
    END;
"#;

/// The difference between a record's public number and the stored one.
const NUMBER_OFFSET: u128 = 100_000_000_000_000_000_000;

/// How long a second connection waits for dynoxide's.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The database cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(transparent)]
    Dynoxide(#[from] DynoxideError),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Request(#[from] serde_json::Error),
    #[error("the empty database could not be made: {0}")]
    Empty(&'static str),
    #[error("{0} is not a position in a stream")]
    Position(String),
}

/// Opens the database in a file.
pub(super) fn open(file: &Path) -> Result<Database, SchemaError> {
    let database = Database::new(&file.to_string_lossy())?;
    if database.get_table_metadata(READ)?.is_none() {
        database.create_table(request(json!({
            "TableName": READ,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "table", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "table", "KeyType": "HASH"}],
        }))?)?;
    }
    connect(file)?.execute_batch(SCHEMA)?;
    Ok(database)
}

/// Creates a database in memory that uses `clock`.
pub(super) fn in_memory(clock: Arc<dyn Clock>) -> Result<Database, SchemaError> {
    // Created once: a new file takes about 20 ms, and the tests create hundreds of databases.
    static EMPTY: LazyLock<Result<Vec<u8>, String>> = LazyLock::new(|| empty().map_err(|error| error.to_string()));
    let empty = EMPTY.as_ref().map_err(|problem| SchemaError::Empty(problem))?;
    let database = Database::memory_with_clock(clock)?;
    let file = Scratch::new();
    fs::write(&file.0, empty)?;
    database.restore_from(&file.0.to_string_lossy())?;
    Ok(database)
}

/// The bytes of an empty database with the schema.
fn empty() -> Result<Vec<u8>, SchemaError> {
    let (made, compact) = (Scratch::new(), Scratch::new());
    // After compaction it is one file, without a log file.
    open(&made.0)?.vacuum_into(&compact.0.to_string_lossy())?;
    Ok(fs::read(&compact.0)?)
}

/// Removes a stream's records before `position`, except the newest one.
pub(super) fn trim_stream(database: &Database, stream_arn: &str, position: &str) -> Result<(), SchemaError> {
    let table = stream_arn.split('/').nth(1).unwrap_or_default();
    let number = position.parse().ok().and_then(|public: u128| public.checked_sub(NUMBER_OFFSET));
    let number = number.ok_or_else(|| SchemaError::Position(position.to_owned()))?;
    database.put_item(request(json!({
        "TableName": READ,
        "Item": {"table": {"S": table}, "read_to": {"N": number.to_string()}},
    }))?)?;
    Ok(())
}

/// Adds an index over the items' expiry times, if the table has a TTL attribute.
pub(super) fn index_ends(file: &Path, tables: &[Table]) -> Result<(), SchemaError> {
    let connection = connect(file)?;
    for (table, end) in ends(tables) {
        let index = quoted(&format!("cotejo_ends_{table}"));
        let table = quoted(table);
        connection
            .execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {table} ({end}) WHERE {end} IS NOT NULL"))?;
    }
    Ok(())
}

/// Whether one of the tables has an expired item.
pub(super) fn has_expired(file: &Path, tables: &[Table]) -> Result<bool, SchemaError> {
    let connection = connect(file)?;
    // Dynoxide uses this clock to sweep a file.
    let now = i64::try_from(SystemClock.now_unix_secs()).unwrap_or(i64::MAX);
    for (table, end) in ends(tables) {
        let expired = expired(table, &end);
        if connection.query_row(&format!("SELECT EXISTS ({expired})"), [now], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The items of a table that expired before the parameter.
pub(super) fn expired(table: &str, end: &str) -> String {
    format!("SELECT 1 FROM {} WHERE {end} IS NOT NULL AND {end} < ?1", quoted(table))
}

/// The tables with a TTL attribute, each with the expression for an item's expiry time.
pub(super) fn ends(tables: &[Table]) -> impl Iterator<Item = (&str, String)> {
    tables.iter().filter_map(|table| Some((table.name.as_str(), end_of_item(table.ttl_attribute.as_deref()?))))
}

/// The expiry time of an item, as an SQL expression over its row.
fn end_of_item(attribute: &str) -> String {
    let path = format!("$.{attribute}.N").replace('\'', "''");
    format!("CAST(json_extract(item_json, '{path}') AS INTEGER)")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn connect(file: &Path) -> Result<Connection, SchemaError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(TIMEOUT)?;
    Ok(connection)
}

/// A request of dynoxide's, from the JSON that it takes over HTTP.
fn request<T: DeserializeOwned>(body: Value) -> Result<T, SchemaError> {
    Ok(serde_json::from_value(body)?)
}

/// A file in the system's place for such things, and what SQLite puts beside it; gone when this value is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("cotejo-local-{}.db", SystemEntropy.uuid())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for beside in ["", "-wal", "-shm"] {
            let mut file = self.0.clone().into_os_string();
            file.push(beside);
            // An error has no reader here, and most of the files do not exist.
            let _ = fs::remove_file(file);
        }
    }
}
