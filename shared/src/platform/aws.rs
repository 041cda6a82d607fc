//! The AWS clients, built once per execution environment from [`Config::aws`].
//!
//! A function's own settings are all that says where AWS is and whose credentials are used: Lambda puts them there, and the
//! chain of places that a developer's machine may have would cost start-up time and find nothing.

use aws_config::{Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::service_config::ServiceConfigKey;
use std::time::Duration;

use super::Config;

/// The roots that AWS's endpoints are signed by. Parsing these five instead of the machine's 140 roots is most of what
/// makes start-up short.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// One client for each service that most functions use, sharing one connection pool.
#[derive(Clone)]
pub struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// What a further client is made from.
    sdk: SdkConfig,
}

impl Clients {
    /// Builds the clients over `http`, or over the deployed transport where that is `None`.
    #[must_use]
    pub fn new(config: &Config, http: Option<SharedHttpClient>) -> Self {
        // The shortest function may run for 10 seconds; a hung connection must leave time for a second try.
        let builder =
            config.aws.to_builder().http_client(http.unwrap_or_else(transport)).timeout_config(timeouts(3, 8));
        let sdk = builder.retry_config(RetryConfig::standard().with_max_attempts(3)).build();
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&sdk).retry_config(dynamodb_retries());
        let (attempt, operation) = object_times(config.function_time);
        let s3 = aws_sdk_s3::config::Builder::from(&sdk)
            .timeout_config(timeouts(attempt, operation))
            // A server named by URL has no DNS name per bucket.
            .force_path_style(is_elsewhere(&sdk, "S3"));
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            secrets: aws_sdk_secretsmanager::Client::new(&sdk),
            sdk,
        }
    }

    /// A client of Amazon SES, in another region where one is named.
    #[must_use]
    pub fn mail(&self, region: Option<&str>) -> aws_sdk_sesv2::Client {
        let mut mail = aws_sdk_sesv2::config::Builder::from(&self.sdk).timeout_config(timeouts(5, 12));
        if let Some(region) = region {
            mail = mail.region(Region::new(region.to_owned()));
        }
        aws_sdk_sesv2::Client::from_conf(mail.build())
    }

    /// A client of Lambda itself.
    #[must_use]
    pub fn functions(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk)
    }
}

/// A request may take `attempt` seconds, and `operation` with its repetitions.
fn timeouts(attempt: u64, operation: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(attempt))
        .operation_timeout(Duration::from_secs(operation))
        .build()
}

/// Whether the service is another server than AWS's own.
fn is_elsewhere(sdk: &SdkConfig, service: &str) -> bool {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let named = |key| sdk.service_config().and_then(|services| services.load_config(key));
    sdk.endpoint_url().is_some() || key.is_ok_and(|key| named(key).is_some())
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
    fn a_request_to_s3_times_out_before_the_function() {
        for seconds in [4, 10, 29, 30, 60, 900] {
            let (attempt, operation) = object_times(Duration::from_secs(seconds));
            assert!(operation + 2 <= seconds && attempt > 0 && 2 * attempt <= operation, "{seconds}");
        }
        assert_eq!(object_times(Duration::from_secs(10)), (4, 8));
        assert_eq!(object_times(Duration::from_secs(900)), (20, 40));
    }
}
