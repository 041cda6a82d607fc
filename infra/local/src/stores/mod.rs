//! The stores: DynamoDB, S3, Secrets Manager, a mailbox in place of Amazon SES and what starts functions in place of Lambda, each an HTTP server in this process or, for the first two, a server
//! that the environment names. The AWS SDK cannot tell the difference, and the functions have no second code path.

pub mod dynamodb;
pub mod lambda;
pub mod mail;
pub mod s3;
pub mod secrets;

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

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

/// A client of `$sdk` for `$url`, as `$access` says.
macro_rules! client {
    ($sdk:ident, $access:expr, $url:expr, $($more:tt)*) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .region($sdk::config::Region::new($access.region.clone()))
                .credentials_provider($access.credentials())
                .http_client($access.http.clone())
                .endpoint_url($url)
                .timeout_config(
                    aws_smithy_types::timeout::TimeoutConfig::builder().operation_attempt_timeout(ANSWER_TIME).build(),
                )
                $($more)*
                .build(),
        )
    };
}

impl Access {
    fn credentials(&self) -> Credentials {
        let token = self.session_token.clone();
        Credentials::new(&self.access_key_id, &self.secret_access_key, token, None, "local")
    }

    /// A DynamoDB client.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(aws_sdk_dynamodb, self, &self.dynamodb_url,)
    }

    /// A DynamoDB Streams client, for whatever server there is.
    #[must_use]
    pub fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        client!(aws_sdk_dynamodbstreams, self, &self.dynamodb_url, .http_client(dynamodb::repaired(self.http.clone())))
    }

    /// An S3 client.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        client!(aws_sdk_s3, self, &self.s3_url, .force_path_style(true))
    }
}

/// How long a created table may take until it can be used.
const TABLE_TIMEOUT: Duration = Duration::from_secs(60);
