use cotejo::platform::Seams;
use rusqlite::{Connection, StatementStatus};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::template::{DEPLOYED, Place, Template};

/// The statements of dynoxide 3.2 about its stream records (`next_stream_sequence_number` and
/// `stream_records_with_event_ids` in its `storage.rs`), word by word.
const OF_DYNOXIDE: [&str; 2] = [
    "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
    "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, event_id
             FROM _stream_records
             WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
             ORDER BY CAST(sequence_number AS INTEGER) ASC
             LIMIT ?4",
];

fn request<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("request")
}

/// A database with the deployed table.
fn open(file: Option<&Path>) -> Embedded {
    let embedded = Embedded::open(file, Seams::real().clock).expect("database");
    if embedded.database.get_table_metadata("cotejo-table").expect("metadata").is_none() {
        let created = embedded.database.create_table(request(json!({
            "TableName": "cotejo-table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
        })));
        created.expect("table");
        let ttl = json!({"AttributeName": "expires_at_epoch", "Enabled": true});
        let ttl = json!({"TableName": "cotejo-table", "TimeToLiveSpecification": ttl});
        embedded.database.update_time_to_live(request(ttl)).expect("time to live");
    }
    embedded
}

fn put(embedded: &Embedded, id: &str, ends: i64) {
    let item = json!({"pk": {"S": id}, "expires_at_epoch": {"N": ends.to_string()}});
    embedded.database.put_item(request(json!({"TableName": "cotejo-table", "Item": item}))).expect("item");
}

fn stream_arn(embedded: &Embedded) -> String {
    let streams = embedded.database.list_streams(request(json!({"TableName": "cotejo-table"}))).expect("streams");
    streams.streams[0].stream_arn.clone()
}

/// The numbers of all records that are there.
fn records(embedded: &Embedded) -> Vec<String> {
    let iterator = json!({
        "StreamArn": stream_arn(embedded), "ShardId": "shardId-00000001-cotejo-table", "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = embedded.database.get_shard_iterator(request(iterator)).expect("iterator").shard_iterator;
    let answer = embedded.database.get_records(request(json!({"ShardIterator": iterator}))).expect("records");
    answer.records.into_iter().map(|record| record.dynamodb.sequence_number).collect()
}

fn deployed() -> Vec<Table> {
    let place = Place { region: "local".to_owned(), stack: "cotejo".to_owned(), parameters: Default::default() };
    Template::read(DEPLOYED, &place).expect("template.yaml").tables
}

/// How many steps SQLite's machine takes for a statement.
fn steps(connection: &Connection, statement: &str, parameters: impl rusqlite::Params) -> i32 {
    let mut statement = connection.prepare(statement).expect("statement");
    let mut rows = statement.query(parameters).expect("rows");
    while rows.next().expect("row").is_some() {}
    drop(rows);
    statement.get_status(StatementStatus::VmStep)
}

/// The steps for each statement that is carried out again and again, with nothing new to be found.
fn all_steps(database: &Path) -> Vec<i32> {
    let connection = Connection::open(database).expect("connection");
    let shard = "shardId-00000001-cotejo-table";
    let mut all = vec![
        steps(&connection, OF_DYNOXIDE[0], ["cotejo-table"]),
        steps(&connection, OF_DYNOXIDE[1], rusqlite::params!["cotejo-table", shard, i64::MAX, 1000]),
    ];
    let tables = deployed();
    let ends: Vec<_> = schema::ends(&tables).collect();
    assert!(!ends.is_empty(), "the deployed table's items end");
    all.extend(ends.iter().map(|(table, end)| steps(&connection, &schema::expired(table, end), [1])));
    all
}

#[tokio::test]
async fn the_work_of_a_request_does_not_grow_with_what_was_written() {
    let directory = tempfile::tempdir().expect("directory");
    let path = |name: &str| directory.path().join(name);
    let on_disk = open(Some(&path("file.db")));
    on_disk.index_ends(&deployed()).await.expect("index");
    let in_memory = open(None);
    let (mut of_file, mut of_memory) = (Vec::new(), Vec::new());
    for (round, items) in [5, 500].into_iter().enumerate() {
        for embedded in [&on_disk, &in_memory] {
            (0..items).for_each(|item| put(embedded, &format!("{round}-{item}"), i64::MAX));
        }
        let copy = path(&format!("memory-{round}.db"));
        in_memory.database.vacuum_into(&copy.to_string_lossy()).expect("copy");
        of_file.push(all_steps(&path("file.db")));
        // A database in memory is swept unchanged: a test cannot inspect it.
        of_memory.push(all_steps(&copy)[..2].to_vec());
    }
    assert_eq!(of_file[0], of_file[1]);
    assert_eq!(of_memory[0], of_memory[1]);
}

#[tokio::test]
async fn a_trimmed_stream_keeps_its_newest_record_and_counts_on() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("dynamodb.db");
    for file in [None, Some(file.as_path())] {
        let mut embedded = open(file);
        for id in ["a", "b", "c", "d"] {
            put(&embedded, id, i64::MAX);
        }
        let before = records(&embedded);
        let arn = stream_arn(&embedded);
        embedded.trim_stream(&arn, &before[2]).await.expect("trim");
        assert_eq!(records(&embedded), before[2..], "what was read last stays");
        // A position that the stream has not reached yet.
        embedded.trim_stream(&arn, "109000000000000000000").await.expect("trim");
        assert_eq!(records(&embedded), before[3..]);
        if file.is_some() {
            drop(embedded);
            embedded = open(file);
        }
        put(&embedded, "e", i64::MAX);
        let after = records(&embedded);
        assert_eq!(after.len(), 2);
        assert!(after[0] == before[3] && after[1] > before[3], "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn a_file_is_swept_only_where_something_has_ended() {
    let directory = tempfile::tempdir().expect("directory");
    let embedded = open(Some(&directory.path().join("dynamodb.db")));
    let tables = deployed();
    embedded.index_ends(&tables).await.expect("index");
    put(&embedded, "later", i64::MAX);
    embedded
        .database
        .put_item(request(json!({"TableName": "cotejo-table", "Item": {"pk": {"S": "never"}}})))
        .expect("item");
    assert!(!embedded.has_expired(&tables).await.expect("answer"));
    put(&embedded, "over", 1);
    assert!(embedded.has_expired(&tables).await.expect("answer"));
    assert_eq!(embedded.sweep_ttl().await.expect("sweep"), 1);
    assert!(!embedded.has_expired(&tables).await.expect("answer"));
}
