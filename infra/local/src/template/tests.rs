use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::*;

fn place() -> Place {
    Place { region: "eu-south-2".to_owned(), stack: "cotejo".to_owned(), parameters: BTreeMap::new() }
}

fn read(yaml: &str) -> Result<Template, TemplateError> {
    Template::read(yaml, &place())
}

const SMALL: &str = r"
Parameters:
  Loud: { Type: String, Default: '' }
Conditions:
  IsLoud: !Not [!Equals [!Ref Loud, '']]
Globals:
  Function: { Timeout: 7, Environment: { Variables: { EVERYWHERE: !Ref AWS::Region } } }
Resources:
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{ AttributeName: pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: due, AttributeType: N }
      GlobalSecondaryIndexes:
        - IndexName: due
          KeySchema: [{ AttributeName: due, KeyType: HASH }]
          Projection: { ProjectionType: INCLUDE, NonKeyAttributes: [summary] }
      StreamSpecification: { StreamViewType: NEW_IMAGE }
      TimeToLiveSpecification: { AttributeName: ends, Enabled: true }
  Kept:
    Type: AWS::S3::Bucket
    Properties:
      LifecycleConfiguration:
        Rules:
          - { Id: parts, Status: Enabled, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }
          - { Id: old, Status: Enabled, Prefix: old/, ExpirationInDays: 2 }
          - { Id: off, Status: Disabled, ExpirationInDays: 1 }
  Work:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/do-work/
      Environment:
        Variables:
          TABLE: !Ref Items
          ARN: !Sub '${Items.Arn}/index/*'
          BOTH: !Join ['-', [!Ref Kept, !If [IsLoud, loud, quiet]]]
      Events:
        Get: { Type: HttpApi, Properties: { Path: '/items/{id}', Method: get } }
        All: { Type: HttpApi, Properties: { Path: '/files/{rest+}', Method: ANY } }
        Rest: { Type: HttpApi, Properties: { Path: $default, Method: ANY } }
        Often: { Type: Schedule, Properties: { Schedule: rate(2 minutes) } }
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Items.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            ParallelizationFactor: 3
            MaximumRetryAttempts: 5
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: { Filters: [{ Pattern: '{\u0022a\u0022:[\u0022b\u0022]}' }] }
            DestinationConfig: { OnFailure: { Type: S3, Destination: !GetAtt Kept.Arn } }
";

fn small() -> String {
    SMALL.replace("\\u0022", "\"")
}

#[test]
fn the_deployed_template_is_understood() {
    let template = read(DEPLOYED).expect("template.yaml");
    let crates: Vec<_> = template.functions.iter().map(|function| function.crate_name.as_str()).collect();
    assert_eq!(
        crates,
        [
            "catalogs",
            "contact-verification",
            "copy-long",
            "create-process",
            "decide-process",
            "deliver-notifications",
            "fetch-certificate",
            "notification-channels",
            "people",
            "person-records",
            "poll-due",
            "query-status",
            "receive-callback",
            "run-work",
            "temporary-people"
        ]
    );
    assert_eq!(template.tables.len(), 1);
    assert_eq!(template.functions.iter().map(|function| function.streams.len()).sum::<usize>(), 2);
}

#[test]
fn a_table_comes_with_keys_indexes_stream_and_ttl() {
    let template = read(&small()).expect("template");
    let table = &template.tables[0];
    assert_eq!(table.name, "cotejo-items");
    assert_eq!(table.key.len(), 2);
    assert_eq!(table.attributes[2], ("due".to_owned(), "N".to_owned()));
    assert_eq!(table.indexes[0].projection, Projection::Include(vec!["summary".to_owned()]));
    assert_eq!(table.stream_view.as_deref(), Some("NEW_IMAGE"));
    assert_eq!(table.ttl_attribute.as_deref(), Some("ends"));
}

#[test]
fn a_bucket_comes_with_what_vanishes_from_it() {
    let expirations = |text: &str| read(text).map(|template| template.buckets[0].expirations.clone());
    let two_days = Expiration { prefix: "old/".to_owned(), life: jiff::SignedDuration::from_hours(48) };
    assert_eq!(expirations(&small()), Ok(vec![two_days]));
    let refused =
        expirations(&small().replace("ExpirationInDays: 2", "ExpirationDate: 2030-01-01")).expect_err("a date");
    assert!(refused.path.ends_with("Rules[1].ExpirationDate"), "{refused}");
}

#[test]
fn a_function_comes_with_settings_routes_schedules_and_streams() {
    let template = read(&small()).expect("template");
    let function = &template.functions[0];
    assert_eq!(function.crate_name, "do-work");
    assert_eq!(function.timeout, Duration::from_secs(7));
    assert_eq!(
        json!(function.environment),
        json!({
            "EVERYWHERE": "eu-south-2",
            "TABLE": "cotejo-items",
            "ARN": "arn:aws:dynamodb:eu-south-2:000000000000:table/cotejo-items/index/*",
            "BOTH": "cotejo-kept-quiet",
        })
    );
    let mut keys: Vec<_> = function.routes.iter().map(|route| route.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["$default", "ANY /files/{rest+}", "GET /items/{id}"]);
    assert_eq!(function.schedules[0].every, Duration::from_secs(120));
    let stream = &function.streams[0];
    assert_eq!(stream.name, "WorkChanges");
    assert_eq!((stream.batch_size, stream.parallelization), (10, 3));
    assert_eq!(
        stream.retry,
        Retry {
            attempts: Some(5),
            max_age: None,
            bisect: true,
            partial: true,
            on_failure_bucket: Some("cotejo-kept".to_owned()),
        }
    );
}

#[test]
fn parameters_can_be_given() {
    let mut place = place();
    place.parameters.insert("Loud".to_owned(), "yes".to_owned());
    let template = Template::read(&small(), &place).expect("template");
    assert_eq!(template.functions[0].environment["BOTH"], "cotejo-kept-loud");
}

#[test]
fn the_deployed_template_takes_a_table_and_a_bucket_that_are_there_already() {
    let mut place = place();
    for (name, value) in
        [("ExistingTable", "old"), ("ExistingTableStream", &stream_arn("old")), ("ExistingBucket", "pictures")]
    {
        place.parameters.insert(name.to_owned(), value.to_owned());
    }
    let template = Template::read(DEPLOYED, &place).expect("template.yaml");
    let own = read(DEPLOYED).expect("template.yaml");
    let table = &template.tables[0];
    assert_eq!((template.tables.len(), table.name.as_str(), table.is_there), (1, "old", true));
    assert_eq!((&table.key, &table.indexes), (&own.tables[0].key, &own.tables[0].indexes));
    assert!(template.buckets.iter().any(|bucket| bucket.name == "pictures" && !bucket.expirations.is_empty()));
    assert!(!template.buckets.iter().any(|bucket| bucket.name == "cotejo-bucket"));
    for function in &template.functions {
        assert_eq!((&*function.environment["TABLE"], &*function.environment["BUCKET"]), ("old", "pictures"));
        assert!(function.streams.iter().all(|stream| stream.stream == stream_arn("old")));
    }
}

#[test]
fn every_parameter_of_the_deployed_template_may_be_given_and_what_is_not_done_here_is_refused() {
    let given = |name: &str, value: &str| {
        let mut place = place();
        place.parameters.insert(name.to_owned(), value.to_owned());
        Template::read(DEPLOYED, &place)
    };
    for (name, value) in [
        ("CallbackPlaces", "5"),
        ("WorkPlaces", "40"),
        ("KeyArn", "arn:aws:kms:eu-west-1:000000000000:key/x"),
        ("ObjectLogBucket", "logs"),
        ("ProtectTable", "true"),
        ("SubnetIds", "subnet-1,subnet-2"),
    ] {
        given(name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let refused = given("AllowedOrigins", "https://app.example.com").expect_err("no browser is served here");
    assert!(refused.path.contains("CorsConfiguration"), "{refused}");
}

#[test]
fn what_is_not_known_is_an_error_that_names_its_place() {
    let cases = [
        ("!Ref Items", "!ImportValue Items", "Resources.Work.Properties.Environment.Variables.TABLE"),
        ("!Ref Items", "!Ref Itms", "Resources.Work.Properties.Environment.Variables.TABLE"),
        ("${Items.Arn}/index/*", "${Items.Size}", "Resources.Work.Properties.Environment.Variables.ARN"),
        ("IsLoud, loud", "IsQuiet, loud", "Resources.Work.Properties.Environment.Variables.BOTH"),
        ("rate(2 minutes)", "cron(0 * * * ? *)", "Resources.Work.Properties.Events.Often.Properties.Schedule"),
        ("Type: Schedule,", "Type: SQS,", "Resources.Work.Properties.Events.Often.Type"),
        ("'/items/{id}'", "'/items/{id'", "Resources.Work.Properties.Events.Get.Properties"),
        ("Method: get", "Method: BREW", "Resources.Work.Properties.Events.Get.Properties"),
        (
            "[\"b\"]",
            "[{\"suffix\":\"b\"}]",
            "Resources.Work.Properties.Events.Changes.Properties.FilterCriteria.Filters[0].Pattern",
        ),
        ("BatchSize: 10", "TumblingWindowInSeconds: 10", ""),
        ("  Kept:\n", "  Queue: { Type: AWS::SQS::Queue }\n  Kept:\n", "Resources.Queue"),
        ("BillingMode: PAY_PER_REQUEST", "LocalSecondaryIndexes: []", ""),
        ("!GetAtt Items.StreamArn", "!GetAtt Items.Arn", "Resources.Work.Properties.Events.Changes.Properties"),
    ];
    for (from, to, place) in cases {
        let yaml = small();
        assert!(yaml.contains(from), "{from}");
        let error = read(&yaml.replacen(from, to, 1)).expect_err(to);
        assert!(error.path.starts_with(place), "{to}: {error}");
    }
}
