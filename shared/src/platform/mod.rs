//! What every function stands on: configuration, clock, entropy, clients, secrets and telemetry.
//!
//! Nothing here knows what a verification is. Time and randomness are reached only through [`Seams`], so that a test
//! decides both; `clippy.toml` refuses every other way to them.

pub mod aws;
mod backoff;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod functions;
pub mod http;
pub mod panics;
pub mod secrets;
pub mod telemetry;
pub mod ttl_cache;

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub use clock::{Clock, SystemClock};
pub use config::{Config, ConfigError};
pub use entropy::{Entropy, SystemEntropy};
pub use secrets::{Secrets, SecretsError};

/// The places where the outside world can be replaced: time, randomness, the transport of the AWS clients, and which
/// companies there are.
#[derive(Clone)]
pub struct Seams {
    /// Where the present moment comes from.
    pub clock: Arc<dyn Clock>,
    /// Where unpredictable bytes come from.
    pub entropy: Arc<dyn Entropy>,
    /// The HTTP client under the AWS SDK; `None` builds the one that is deployed.
    pub aws_http: Option<SharedHttpClient>,
}

impl Seams {
    /// The system's clock, the system's entropy, the network as it is, every company that Cotejo connects.
    #[must_use]
    pub fn real() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), aws_http: None }
    }
}

/// One function's share of the platform: built once per execution environment, cloned cheaply.
#[derive(Clone)]
pub struct Platform {
    /// The configuration the function was started with.
    pub config: Arc<Config>,
    /// Time and randomness.
    pub seams: Seams,
    /// DynamoDB, S3 and Secrets Manager.
    pub aws: aws::Clients,
    /// Keys and provider credentials, each read on first use and kept for some minutes.
    pub secrets: Arc<Secrets>,
}

impl Platform {
    /// Builds every client; opens no connection yet.
    #[must_use]
    pub fn new(config: Config, seams: Seams) -> Self {
        let aws = aws::Clients::new(&config, seams.aws_http.clone());
        let secrets = Arc::new(Secrets::new(aws.secrets.clone(), config.secret_id.clone(), Arc::clone(&seams.clock)));
        Self { config: Arc::new(config), seams, aws, secrets }
    }

    /// Reads the deployment's keys ahead of the first request, which also moves the TLS handshake into the init phase.
    ///
    /// # Errors
    /// They cannot be read: the function cannot serve anything and should not start.
    pub async fn warm(&self) -> Result<(), SecretsError> {
        self.secrets.current().await.map(|_| ())
    }
}
