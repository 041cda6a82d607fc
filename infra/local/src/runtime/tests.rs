use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use std::{collections::HashMap, path::Path};

use cotejo::{platform::Seams, providers::PROVIDERS};
use cotejo_sandbox::Times;

use super::*;
use crate::{
    data::{DataError, FORMAT},
    options::Mode,
    stream::TRIM_EVERY,
};

fn options(data: Option<&Path>) -> Options {
    Options {
        port: 0,
        data: data.map(Path::to_owned),
        fresh: false,
        seams: Seams::real(),
        factories: PROVIDERS,
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
    assert_eq!(
        error.to_string(),
        format!("port {port} is in use; stop the process that uses it, or choose another port with --port")
    );
}

#[tokio::test]
async fn the_env_file_is_there_once_all_is_up_and_temporary_data_goes() {
    let local = Local::start(options(None)).await.expect("start");
    let data = local.data().to_owned();
    let env = std::fs::read_to_string(data.join("env")).expect("env");
    assert!(env.lines().any(|line| line == format!("COTEJO_URL={}", local.url())), "{env}");
    for theirs in ["AWS_", "COTEJO_AUCO_URL", "COTEJO_LINK_URL", "COTEJO_TECALIS_URL"] {
        assert!(!env.contains(theirs), "sourcing it leads nothing else here: {env}");
    }
    let functions = std::fs::read_to_string(data.join("functions.env")).expect("functions.env");
    for needed in ["AWS_ENDPOINT_URL_DYNAMODB=", "AWS_SECRET_ACCESS_KEY=", "TABLE=", "COTEJO_LOCAL="] {
        assert!(functions.lines().any(|line| line.starts_with(needed)), "{needed}: {functions}");
    }
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

/// Why a system does not start.
async fn refused(options: Options) -> String {
    Local::start(options).await.err().expect("refused").to_string()
}

#[tokio::test]
async fn the_api_answers_before_the_env_file_is_there() {
    let data = tempfile::tempdir().expect("directory");
    let (path, file) = (data.path().to_owned(), data.path().join("env"));
    let starting =
        tokio::spawn(async move { Local::start(Options { mode: Mode::Live, ..options(Some(&path)) }).await });
    while !file.exists() {
        assert!(!starting.is_finished() || file.exists(), "it ended without the file");
        tokio::task::yield_now().await;
    }
    let env = std::fs::read_to_string(&file).expect("env");
    let url = env.lines().find_map(|line| line.strip_prefix("COTEJO_URL=")).expect("URL");
    assert_eq!(reqwest::get(format!("{url}/health")).await.expect("answer").status(), 200);
    starting.await.expect("task").expect("start").shutdown().await;
}

#[tokio::test]
async fn a_store_of_the_environment_that_cannot_be_used_is_named_with_its_variable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address");
    for variable in crate::settings::STORES {
        let url = format!("http://{closed}");
        let overrides = HashMap::from([(variable.to_owned(), url.clone())]);
        let problem = refused(Options { overrides, ..options(None) }).await;
        assert!(problem.starts_with(&format!("{variable}={url} cannot be used: ")), "{problem}");
    }
}

#[tokio::test]
async fn what_leads_back_to_the_system_itself_is_refused() {
    let port = loop {
        let first = std::net::TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address").port();
        if first < 65_000 && (first..first + 7).all(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            break first;
        }
    };
    for (variable, host, of) in [
        ("AWS_ENDPOINT_URL_DYNAMODB", "127.0.0.1", port + 2),
        ("AWS_ENDPOINT_URL_S3", "localhost", port + 3),
        ("COTEJO_AUCO_URL", "127.0.0.1", port + 1),
    ] {
        let url = format!("http://{host}:{of}/x");
        let overrides = HashMap::from([(variable.to_owned(), url.clone())]);
        let problem = refused(Options { port, overrides, ..options(None) }).await;
        assert!(problem.starts_with(&format!("{variable}={url} is this system's own address")), "{problem}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_with_what_to_do() {
    for (name, content) in [
        ("local.json", "{"),
        ("secrets.json", "[1]"),
        ("stream.json", "{\"x\": 1}"),
        ("sandbox-seed.json", "x"),
        ("sandbox.jsonl", "{}\n"),
        ("dynamodb.db", "no database at all, but a file of some hundred bytes that somebody put here by mistake "),
        ("version.json", "x"),
    ] {
        let data = tempfile::tempdir().expect("directory");
        let one = || Options { sandbox_seed: 0, ..options(Some(data.path())) };
        Local::start(one()).await.expect("start").shutdown().await;
        let file = data.path().join(name);
        std::fs::write(&file, content.repeat(5)).expect("write");
        let problem = refused(one()).await;
        assert!(problem.contains(&file.display().to_string()), "{name}: {problem}");
        let helps = ["--fresh", "remove the file"].iter().any(|help| problem.contains(help));
        assert!(helps, "{name}: {problem}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_said_with_the_file_that_had_no_room() {
    let data = tempfile::tempdir().expect("directory");
    // Where the next version of a file is written stands a device without room.
    std::os::unix::fs::symlink("/dev/full", data.path().join("secrets.json.new")).expect("link");
    std::fs::write(data.path().join("version.json"), FORMAT.to_string()).expect("stamp");
    let problem = refused(options(Some(data.path()))).await;
    let file = data.path().join("secrets.json");
    assert!(
        problem.starts_with(&file.display().to_string()) && problem.ends_with("make room on the disk"),
        "{problem}"
    );
}

#[tokio::test]
async fn data_of_another_version_is_refused_and_says_so() {
    let data = tempfile::tempdir().expect("directory");
    Local::start(options(Some(data.path()))).await.expect("start").shutdown().await;
    let stamp = data.path().join("version.json");
    for (version, other) in [(Some("999"), "a later"), (Some("0"), "an earlier"), (None, "an earlier")] {
        match version {
            Some(version) => std::fs::write(&stamp, version).expect("write"),
            None => std::fs::remove_file(&stamp).expect("remove"),
        }
        let problem = refused(options(Some(data.path()))).await;
        let said = format!("{} was written by {other} version of Cotejo", data.path().display());
        assert!(problem.starts_with(&said) && problem.contains("--fresh"), "{problem}");
    }
    Local::start(Options { fresh: true, ..options(Some(data.path())) }).await.expect("fresh").shutdown().await;
    Local::start(options(Some(data.path()))).await.expect("again").shutdown().await;
}

#[tokio::test]
async fn a_table_whose_indexes_are_others_is_named_with_them() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType,
    };
    let outside = Local::start(options(None)).await.expect("start");
    let client = outside.system.endpoints.access.dynamodb();
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("key");
    let index = |name: &str, hash: &str| {
        let all = Projection::builder().projection_type(ProjectionType::All).build();
        let index =
            GlobalSecondaryIndex::builder().index_name(name).key_schema(key(hash, KeyType::Hash)).projection(all);
        index.build().expect("index")
    };
    let mut table = client.create_table().table_name("other-table").billing_mode(BillingMode::PayPerRequest);
    for name in ["pk", "sk", "due_shard"] {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        table = table.attribute_definitions(attribute.build().expect("attribute"));
    }
    let table = table.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    let table = table.global_secondary_indexes(index("due", "due_shard")).global_secondary_indexes(index("odd", "sk"));
    table.send().await.expect("table");
    let names = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let mut overrides: HashMap<_, _> =
        names.map(|name| (name.to_owned(), outside.env()[name].clone())).into_iter().collect();
    overrides.insert("COTEJO_STACK".to_owned(), "other".to_owned());
    let problem = refused(Options { overrides, ..options(None) }).await;
    let said = "table other-table differs from template.yaml: index by_kind is missing, index by_owner is missing, \
                index due has another key, index odd is not known";
    assert!(problem.ends_with(said), "{problem}");
}

#[tokio::test]
async fn the_greeting_s_example_names_nobody_where_the_provider_is_a_real_one() {
    let played = Local::start(options(None)).await.expect("start");
    assert!(crate::demo::example(&played).contains("+57300"));
    let overrides = HashMap::from([("COTEJO_AUCO_URL".to_owned(), "https://dev.auco.example/v1.5/ext".to_owned())]);
    let real = Local::start(Options { overrides, ..options(None) }).await.expect("start");
    let example = crate::demo::example(&real);
    assert!(example.contains(r#""phone":"PHONE""#) && !example.contains("57300"), "{example}");
    assert!(!example.contains("sandbox") && !example.contains("1020304050"), "{example}");
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
    let auco: cotejo::providers::auco::AucoAccount = account.read().expect("the shape that the provider reads");
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
    let streams = local.system.endpoints.access.streams();
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
