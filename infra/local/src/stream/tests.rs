use std::sync::Mutex as StdMutex;
use std::time::Duration;

use cotejo::platform::Seams;
use serde_json::json;

use super::*;
use crate::functions::InvokeError;
use crate::template::Template;

/// A mapping with the deployed settings of `run-work`, in front of a function that `answer` replaces. Records the events it
/// was called with and the failures that were kept.
struct Play {
    mapping: Mapping,
    calls: Arc<StdMutex<Vec<Vec<String>>>>,
    kept: Arc<StdMutex<Vec<(String, Value)>>>,
}

fn play(answer: impl Fn(&[String]) -> Result<Value, ()> + Send + Sync + 'static) -> Play {
    let place =
        crate::template::Place { region: "local".to_owned(), stack: "cotejo".to_owned(), parameters: BTreeMap::new() };
    let template = Template::read(crate::template::DEPLOYED, &place).expect("template.yaml");
    let function = template.functions.iter().find(|function| function.crate_name == "run-work").expect("run-work");
    let calls = Arc::new(StdMutex::new(Vec::new()));
    let kept = Arc::new(StdMutex::new(Vec::new()));
    let (seen, stored, answer) = (Arc::clone(&calls), Arc::clone(&kept), Arc::new(answer));
    let mapping = Mapping {
        trigger: function.streams[0].clone(),
        own_time: false,
        function_arn: "arn:aws:lambda:local:000000000000:function:run-work".to_owned(),
        invoke: Arc::new(move |event| {
            let numbers = event["Records"].as_array().expect("records").iter();
            let numbers: Vec<String> = numbers.map(|record| sequence_number(record).to_owned()).collect();
            let answer = answer(&numbers);
            seen.lock().expect("lock").push(numbers);
            let failed = |()| InvokeError::Failed { function: "run-work".to_owned(), problem: "play".to_owned() };
            Box::pin(async move { answer.map_err(failed) })
        }),
        keep: Arc::new(move |bucket, _, content| {
            let content = serde_json::from_slice(&content).expect("JSON");
            stored.lock().expect("lock").push((bucket, content));
            Box::pin(async { Ok(()) })
        }),
        seams: Seams::real(),
        first_wait: Duration::ZERO,
    };
    Play { mapping, calls, kept }
}

impl Play {
    async fn run(&self, numbers: &[&str]) -> Handled {
        let source = Source { stream_arn: "arn:stream".to_owned(), shard: "shard-1".to_owned() };
        let records = numbers.iter().map(|number| json!({"dynamodb": {"SequenceNumber": number}})).collect();
        self.mapping.handle(&source, records).await
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("lock").iter().map(|numbers| numbers.join(" ")).collect()
    }
}

fn failing(numbers: &[&str]) -> Value {
    let failures: Vec<_> = numbers.iter().map(|number| json!({"itemIdentifier": number})).collect();
    json!({"batchItemFailures": failures})
}

#[tokio::test]
async fn batches_hold_as_many_records_as_the_template_says() {
    let play = play(|_| Ok(failing(&[])));
    let numbers: Vec<String> = (10..33).map(|number| number.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(play.run(&numbers).await, Handled { calls: 3, failed_records: 0 });
    assert_eq!(play.calls()[2], "30 31 32");
}

#[tokio::test]
async fn a_partial_answer_repeats_from_the_first_record_that_failed() {
    let tries = StdMutex::new(0);
    let play = play(move |_| {
        let mut tries = tries.lock().expect("lock");
        *tries += 1;
        Ok(if *tries == 1 { failing(&["4", "2"]) } else { json!({}) })
    });
    assert_eq!(play.run(&["1", "2", "3", "4"]).await, Handled { calls: 2, failed_records: 0 });
    assert_eq!(play.calls(), ["1 2 3 4", "2 3 4"]);
}

#[tokio::test]
async fn an_unknown_identifier_fails_the_whole_batch() {
    let tries = StdMutex::new(0);
    let play = play(move |_| {
        let mut tries = tries.lock().expect("lock");
        *tries += 1;
        Ok(if *tries == 1 { failing(&["9"]) } else { Value::Null })
    });
    play.run(&["1", "2"]).await;
    assert_eq!(play.calls(), ["1 2", "1", "2"], "bisected");
}

#[tokio::test]
async fn an_error_splits_the_batch_until_the_bad_record_is_alone() {
    let play = play(|numbers| if numbers.contains(&"3".to_owned()) { Err(()) } else { Ok(json!({})) });
    let handled = play.run(&["1", "2", "3", "4"]).await;
    // Six tries of the bad one: the first and five retries.
    assert_eq!(play.calls(), ["1 2 3 4", "1 2", "3 4", "3", "3", "3", "3", "3", "3", "4"]);
    assert_eq!(handled, Handled { calls: 10, failed_records: 1 });
}

#[tokio::test]
async fn failed_records_are_stored_whole() {
    let play = play(|_| Ok(failing(&["2"])));
    let handled = play.run(&["1", "2", "3"]).await;
    assert_eq!(handled.failed_records, 2, "the bad one and what came after it");
    let kept = play.kept.lock().expect("lock");
    let (bucket, content) = &kept[0];
    assert_eq!(bucket, "cotejo-failedrecords");
    assert_eq!(content["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(content["DDBStreamBatchInfo"]["startSequenceNumber"], "2");
    assert_eq!(content["DDBStreamBatchInfo"]["endSequenceNumber"], "3");
    let payload: Value = serde_json::from_str(content["payload"].as_str().expect("text")).expect("JSON");
    assert_eq!(payload["Records"][0]["dynamodb"]["SequenceNumber"], "2");
}

/// A stream over an embedded database with the deployed table.
async fn stream_of(play: &Play, positions: &std::path::Path) -> (aws_sdk_dynamodb::Client, Poller) {
    use crate::stores::{Access, dynamodb};
    let clock = Arc::clone(&play.mapping.seams.clock);
    let database = dynamodb::Embedded::open(None, clock).expect("database");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(database.serve(listener, std::future::pending()));
    let access = Access {
        dynamodb_url: url.clone(),
        s3_url: url,
        region: "us-east-1".to_owned(),
        access_key_id: "local".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        http: cotejo::platform::aws::transport(),
    };
    let place =
        crate::template::Place { region: "local".to_owned(), stack: "cotejo".to_owned(), parameters: BTreeMap::new() };
    let template = Template::read(crate::template::DEPLOYED, &place).expect("template.yaml");
    let client = access.dynamodb();
    let arn = dynamodb::ensure_table(&client, &template.tables[0], true).await.expect("table").expect("stream");
    let positions = Arc::new(Positions::open(positions.to_owned()).expect("positions"));
    (client, Poller::new(access.streams(), &arn, "us-east-1", play.mapping.clone(), positions))
}

async fn write(client: &aws_sdk_dynamodb::Client, id: &str, wake_token: Option<&str>) {
    use aws_sdk_dynamodb::types::AttributeValue::S;
    let attributes = [("pk", Some(id)), ("sk", Some("-")), ("wake_token", wake_token)];
    let item = attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), S(value?.to_owned()))));
    let put = client.put_item().table_name("cotejo-table").set_item(Some(item.collect()));
    put.send().await.expect("item");
}

#[tokio::test]
async fn a_poller_hands_on_what_the_filter_lets_through_once() {
    let directory = tempfile::tempdir().expect("directory");
    let play = play(|_| Ok(json!({})));
    let (client, poller) = stream_of(&play, &directory.path().join("stream.json")).await;
    write(&client, "a", None).await;
    write(&client, "b", Some("x")).await;
    let step = poller.step().await.expect("step");
    assert_eq!((step.read, step.matched), (2, 1));
    assert_eq!(poller.step().await.expect("step").read, 0);
    write(&client, "b", Some("y")).await;
    assert_eq!(poller.step().await.expect("step").matched, 1);
    assert_eq!(play.calls().len(), 2);
}

#[tokio::test]
async fn what_was_not_handled_before_a_crash_is_read_again() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("stream.json");
    let mut play = play(|_| Ok(json!({})));
    let good = play.mapping.invoke.clone();
    play.mapping.invoke = Arc::new(|_| Box::pin(std::future::pending()));
    let (client, poller) = stream_of(&play, &file).await;
    write(&client, "a", Some("x")).await;
    let crash = tokio::time::timeout(Duration::from_millis(500), poller.step());
    assert!(crash.await.is_err(), "the function hangs and is cut off");
    play.mapping.invoke = good;
    let positions = Arc::new(Positions::open(file.clone()).expect("positions"));
    let again = Poller::new(poller.client.clone(), &poller.stream_arn, "us-east-1", play.mapping.clone(), positions);
    assert_eq!(again.step().await.expect("step").matched, 1);
    let positions = Arc::new(Positions::open(file).expect("positions"));
    let later = Poller::new(poller.client.clone(), &poller.stream_arn, "us-east-1", play.mapping.clone(), positions);
    assert_eq!(later.step().await.expect("step").read, 0, "the position is kept");
}
