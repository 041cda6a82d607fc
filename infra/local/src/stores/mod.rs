//! The stores: DynamoDB, S3, Secrets Manager, a mailbox in place of Amazon SES, and Lambda's `Invoke`. Each is an HTTP server in
//! this process; the environment may name other servers for the first two. The AWS SDK sees no difference, and the functions
//! have no second code path.

pub mod dynamodb;
pub mod lambda;
pub mod mail;
pub mod s3;
pub mod secrets;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;

/// Where the stores are and how to speak to them.
#[derive(Debug, Clone)]
pub struct Access {
    /// URL of DynamoDB and of its streams.
    pub dynamodb_url: String,
    pub s3_url: String,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Session token, where the credentials are temporary.
    pub session_token: Option<String>,
    /// The transport under all clients.
    pub http: SharedHttpClient,
}

/// A store could not be opened or prepared.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The embedded store does not open its files.
    #[error(
        "{store} cannot use {}: {problem}. Free disk space, restore a copy, or delete all local data with --fresh", path.display()
    )]
    Files { store: &'static str, path: std::path::PathBuf, problem: String },
    /// A table differs from template.yaml.
    #[error("table {table} differs from template.yaml: {}", differences.join(", "))]
    Table { table: String, differences: Vec<String> },
    /// A store that the environment names cannot be used.
    #[error("{variable}={url} cannot be used: {source}")]
    Outside { variable: &'static str, url: String, source: Box<StoreError> },
    /// A store answers with an error, or does not answer.
    #[error("{call}: {problem}")]
    Call { call: String, problem: String },
}

impl StoreError {
    /// The error of an SDK call, with the causes that the SDK's own text leaves out.
    pub(crate) fn call(call: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let mut problem = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            problem.push_str(": ");
            problem.push_str(&error.to_string());
            cause = error.source();
        }
        Self::Call { call: call.into(), problem }
    }
}

/// How long a store may take to answer one request.
const ANSWER_TIME: Duration = Duration::from_secs(20);

impl Access {
    /// What the clients share.
    fn sdk(&self) -> SdkConfig {
        let token = self.session_token.clone();
        let credentials = Credentials::new(&self.access_key_id, &self.secret_access_key, token, None, "local");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http.clone())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ANSWER_TIME).build())
            .build()
    }

    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let builder = aws_sdk_dynamodb::config::Builder::from(&self.sdk()).endpoint_url(&self.dynamodb_url);
        aws_sdk_dynamodb::Client::from_conf(builder.build())
    }

    /// A DynamoDB Streams client for the configured server.
    #[must_use]
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        let builder = aws_sdk_dynamodbstreams::config::Builder::from(&self.sdk()).endpoint_url(&self.dynamodb_url);
        let builder = builder.http_client(dynamodb::repaired(self.http.clone()));
        aws_sdk_dynamodbstreams::Client::from_conf(builder.build())
    }

    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let builder = aws_sdk_s3::config::Builder::from(&self.sdk()).endpoint_url(&self.s3_url);
        aws_sdk_s3::Client::from_conf(builder.force_path_style(true).build())
    }
}

/// How long a created table may take until it can be used.
const TABLE_TIMEOUT: Duration = Duration::from_secs(60);
