//! The AWS clients, built once per execution environment.
//!
//! Credentials come from the function's own settings and nothing else: Lambda puts them there, and the longer chain of
//! places a developer's machine may have would cost start-up time and find nothing.

use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use secrecy::ExposeSecret as _;
use std::time::Duration;

use super::Config;

/// The roots that AWS's endpoints are signed by. Parsing these five instead of the machine's 140 roots is most of what
/// makes start-up short.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// One client for each service that most functions use, sharing one connection pool.
#[derive(Clone)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    http: Http,
}

/// The transport under all clients.
#[derive(Clone)]
pub struct Http(SharedHttpClient);

/// A client of `$sdk` over `$http` as `$config` says, in `$region` where that is another one, at `$endpoint` where that is another one
/// than AWS's own. A request may
/// take `$attempt` seconds, and `$operation` with its repetitions.
macro_rules! client {
    ($sdk:ident, $http:expr, $config:expr, $endpoint:expr, $attempt:expr, $operation:expr, $($more:tt)*) => {
        client!(in None, $sdk, $http, $config, $endpoint, $attempt, $operation, $($more)*)
    };
    (in $region:expr, $sdk:ident, $http:expr, $config:expr, $endpoint:expr, $attempt:expr, $operation:expr, $($more:tt)*) => {{
        let config: &Config = $config;
        let credentials = Credentials::new(
            config.access_key_id.expose_secret(),
            config.secret_access_key.expose_secret(),
            config.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            None,
            "settings",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs($attempt))
            .operation_timeout(Duration::from_secs($operation))
            .build();
        let region: Option<&str> = $region;
        let mut builder = $sdk::Config::builder()
            .region($sdk::config::Region::new(region.unwrap_or(&config.region).to_owned()))
            .credentials_provider(credentials)
            .http_client($http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(timeouts);
        if let Some(url) = $endpoint {
            builder = builder.endpoint_url(url);
        }
        $sdk::Client::from_conf(builder $($more)* .build())
    }};
}

impl Clients {
    /// Builds the clients over `http`, or over the deployed transport where that is `None`.
    #[must_use]
    pub fn new(config: &Config, http: Option<SharedHttpClient>) -> Self {
        let http = http.unwrap_or_else(transport);
        let path_style = config.s3_url.is_some();
        let (attempt, operation) = object_times(config.function_time);
        Self {
            // The shortest function may run for 10 seconds; a hung connection must leave time for a second try.
            dynamodb: client!(aws_sdk_dynamodb, http, config, &config.dynamodb_url, 3, 8, .retry_config(dynamodb_retries())),
            // A server named by URL has no DNS name per bucket.
            s3: client!(aws_sdk_s3, http, config, &config.s3_url, attempt, operation, .force_path_style(path_style)),
            secrets: client!(aws_sdk_secretsmanager, http, config, &config.secrets_url, 3, 8,),
            http: Http(http),
        }
    }

    /// The transport, for a client that few functions need.
    #[must_use]
    pub fn http(&self) -> Http {
        self.http.clone()
    }
}

impl Http {
    /// A client of Amazon SES.
    #[must_use]
    pub fn mail(&self, config: &Config) -> aws_sdk_sesv2::Client {
        client!(in config.mail_region.as_deref(), aws_sdk_sesv2, self.0, config, &config.mail_url, 5, 12,)
    }

    /// A client of Lambda itself.
    #[must_use]
    pub fn functions(&self, config: &Config) -> aws_sdk_lambda::Client {
        client!(aws_sdk_lambda, self.0, config, &config.lambda_url, 3, 8,)
    }
}

/// Seconds that one request to S3 may take, and that it may with its repetitions: less than the function's time, so that there is
/// time for a second try and for an answer; a picture of some megabytes never needs as much as the most.
fn object_times(function: Duration) -> (u64, u64) {
    let operation = function.as_secs().saturating_sub(2).min(40);
    (operation / 2, operation)
}

/// DynamoDB answers within milliseconds, so that a second is too long a first pause. What it refuses beyond these tries, the store
/// tries again itself.
fn dynamodb_retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50))
}

/// The transport that is deployed: rustls with Amazon's roots.
#[must_use]
pub fn transport() -> SharedHttpClient {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    #[expect(clippy::expect_used, reason = "the roots are compiled in; a test builds this transport")]
    let context = TlsContext::builder().with_trust_store(roots).build().expect("the embedded roots are valid PEM");
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build_https()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_s3_gives_up_before_the_function_does_and_may_be_repeated() {
        for seconds in [4, 10, 29, 30, 60, 900] {
            let (attempt, operation) = object_times(Duration::from_secs(seconds));
            assert!(operation + 2 <= seconds && attempt > 0 && 2 * attempt <= operation, "{seconds}");
        }
        assert_eq!(object_times(Duration::from_secs(10)), (4, 8));
        assert_eq!(object_times(Duration::from_secs(900)), (20, 40));
    }
}
