//! The stores: DynamoDB, S3, Secrets Manager, a mailbox in place of Amazon SES and what starts functions in place of Lambda, each an HTTP server in this process or, for the first two, a server
//! that the environment names. The AWS SDK cannot tell the difference, and the functions have no second code path.

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
    /// URL of S3.
    pub s3_url: String,
    /// AWS region.
    pub region: String,
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
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
        "{store} cannot use {}: {problem}. Make room or put a copy of it back, or forget everything beside it with --fresh", path.display()
    )]
    Files {
        /// Which one.
        store: &'static str,
        /// The file or directory.
        path: std::path::PathBuf,
        /// What it said.
        problem: String,
    },
    /// A table is not as template.yaml has it.
    #[error("table {table} is not as template.yaml has it: {}", differences.join(", "))]
    Table {
        /// The table.
        table: String,
        /// What is different.
        differences: Vec<String>,
    },
    /// A store that the environment names cannot be used.
    #[error("{variable}={url} cannot be used: {source}")]
    Outside {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        url: String,
        /// What went wrong.
        source: Box<StoreError>,
    },
    /// A store answers with an error, or not at all.
    #[error("{call}: {problem}")]
    Call {
        /// What was asked of it.
        call: String,
        /// What it said.
        problem: String,
    },
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

/// How long a store gets to answer one request. One that never does is no store.
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

    /// A DynamoDB client.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let builder = aws_sdk_dynamodb::config::Builder::from(&self.sdk()).endpoint_url(&self.dynamodb_url);
        aws_sdk_dynamodb::Client::from_conf(builder.build())
    }

    /// A DynamoDB Streams client, for whatever server there is.
    #[must_use]
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        let builder = aws_sdk_dynamodbstreams::config::Builder::from(&self.sdk()).endpoint_url(&self.dynamodb_url);
        let builder = builder.http_client(dynamodb::repaired(self.http.clone()));
        aws_sdk_dynamodbstreams::Client::from_conf(builder.build())
    }

    /// An S3 client.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let builder = aws_sdk_s3::config::Builder::from(&self.sdk()).endpoint_url(&self.s3_url);
        aws_sdk_s3::Client::from_conf(builder.force_path_style(true).build())
    }
}

/// How long a created table may take until it can be used.
const TABLE_TIMEOUT: Duration = Duration::from_secs(60);
