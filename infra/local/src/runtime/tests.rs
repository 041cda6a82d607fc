use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use cotejo_sandbox::Times;
use std::path::Path;

use super::*;
use crate::stream::TRIM_EVERY;

fn options(data: Option<&Path>) -> Options {
    Options {
        port: 0,
        data: data.map(Path::to_owned),
        fresh: false,
        seams: Seams::real(),
        sandbox_times: Times::default(),
        sandbox_seed: 1,
        mode: Mode::Pumped,
        functions: true,
        overrides: HashMap::new(),
    }
}

async fn write_item(local: &Local, id: &str) {
    let platform = local.platform("run-work").expect("platform");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = platform.aws.dynamodb.put_item().table_name(&platform.config.table);
    put.item("pk", text(id)).item("sk", text("-")).send().await.expect("item");
}

async fn write(local: &Local, id: &str) {
    write_item(local, id).await;
    let platform = local.platform("run-work").expect("platform");
    let put = platform.aws.s3.put_object().bucket(&platform.config.bucket).key(id);
    put.body(b"picture".to_vec().into()).send().await.expect("object");
}

async fn is_there(local: &Local, id: &str) -> bool {
    let platform = local.platform("run-work").expect("platform");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let get = platform.aws.dynamodb.get_item().table_name(&platform.config.table);
    let item = get.key("pk", text(id)).key("sk", text("-")).send().await.expect("answer").item;
    let head = platform.aws.s3.head_object().bucket(&platform.config.bucket).key(id);
    item.is_some() && head.send().await.is_ok()
}

#[tokio::test]
async fn everything_is_there_after_a_crash() {
    let data = tempfile::tempdir().expect("directory");
    let local = Local::start(options(Some(data.path()))).await.expect("start");
    write(&local, "one").await;
    let before = (local.api_key().to_owned(), local.auco_public_key().to_owned());
    drop(local);
    let local = Local::start(options(Some(data.path()))).await.expect("start again");
    assert!(is_there(&local, "one").await);
    assert_eq!((local.api_key().to_owned(), local.auco_public_key().to_owned()), before);
    local.shutdown().await;
    let local = Local::start(Options { fresh: true, ..options(Some(data.path())) }).await.expect("fresh");
    assert!(!is_there(&local, "one").await);
    assert_ne!(local.api_key(), before.0);
}

#[tokio::test]
async fn a_data_directory_serves_one_system() {
    let data = tempfile::tempdir().expect("directory");
    let _local = Local::start(options(Some(data.path()))).await.expect("start");
    let second = Local::start(options(Some(data.path()))).await.err().expect("refused");
    assert!(matches!(second, LocalError::Data(DataError::InUse(_))), "{second}");
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    let error = Local::start(Options { port, ..options(None) }).await.err().expect("refused");
    assert_eq!(error.to_string(), format!("port {port} is in use; stop whoever uses it or choose another with --port"));
}

#[tokio::test]
async fn the_env_file_is_there_once_all_is_up_and_temporary_data_goes() {
    let local = Local::start(options(None)).await.expect("start");
    let data = local.data().to_owned();
    let env = std::fs::read_to_string(data.join("env")).expect("env");
    assert!(env.lines().any(|line| line == format!("COTEJO_URL={}", local.url())), "{env}");
    let health = reqwest::get(format!("{}/health", local.url())).await.expect("answer");
    assert_eq!(health.text().await.expect("body"), r#"{"result":{"status":"ok"},"success":true}"#);
    local.shutdown().await;
    assert!(!data.exists());
}

#[tokio::test]
async fn the_stores_of_the_environment_replace_the_embedded_ones() {
    let outside = Local::start(options(None)).await.expect("start");
    let overrides = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| (name.to_owned(), outside.env()[name].clone()));
    let local = Local::start(Options { overrides: overrides.into(), ..options(None) }).await.expect("start");
    write(&local, "one").await;
    assert!(is_there(&outside, "one").await);
}

#[tokio::test]
async fn a_further_tenant_has_a_key_and_a_webhook_of_its_own() {
    let local = Local::start(options(None)).await.expect("start");
    let other = local.add_tenant("other").await.expect("tenant");
    assert_ne!(other.api_key, local.api_key());
    assert_ne!(other.auco_webhook_url, local.auco_webhook_url());
    let secrets = local.platform("run-work").expect("platform").secrets;
    secrets.current().await.expect("the keys have the shape that the functions read");
    let account = secrets.account(&"other".parse().expect("id"), "auco").await.expect("secret").expect("account");
    let auco: cotejo::providers::auco::AucoAccount = account.read().expect("the shape that the company reads");
    assert_eq!(auco.webhook_id.as_deref(), Some("cotejo-other"));
    assert!(local.add_tenant("No Tenant").await.is_err());
}

#[tokio::test]
async fn the_stream_keeps_no_more_than_what_was_read_lately() {
    let data = tempfile::tempdir().expect("directory");
    for data in [None, Some(data.path())] {
        let local = Local::start(options(data)).await.expect("start");
        for round in 0..3 {
            for item in 0..300 {
                write_item(&local, &format!("{round}-{item}")).await;
            }
            local.pump().await;
        }
        let kept = stream_records(&local).await;
        assert!((1..=2 * TRIM_EVERY).contains(&kept), "{kept} records");
        local.shutdown().await;
    }
}

/// The number of records in the table's stream.
async fn stream_records(local: &Local) -> usize {
    let streams = local.inner.access.streams();
    let arn = streams.list_streams().send().await.expect("streams").streams()[0].stream_arn.clone().expect("ARN");
    let described = streams.describe_stream().stream_arn(&arn).send().await.expect("stream").stream_description;
    let shard = described.expect("description").shards()[0].shard_id.clone().expect("shard");
    let iterator = streams.get_shard_iterator().stream_arn(arn).shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("iterator");
    let records = streams.get_records().set_shard_iterator(iterator.shard_iterator).send().await.expect("records");
    records.records().len()
}

#[tokio::test]
async fn a_table_that_is_said_to_be_there_is_not_made() {
    let overrides = HashMap::from([("COTEJO_EXISTING_TABLE".to_owned(), "nowhere".to_owned())]);
    let started = Local::start(Options { overrides, ..options(None) }).await;
    let problem = started.err().expect("there is none").to_string();
    assert!(problem.starts_with("DescribeTable of table nowhere"), "{problem}");
}
