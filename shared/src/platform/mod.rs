//! The base of every function: configuration, clock, entropy, clients, secrets and telemetry.
//!
//! Nothing here knows what a verification is. Time and randomness come only through [`Seams`], so that a test
//! controls both; `clippy.toml` refuses every other way.

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

/// What a test can replace: time, randomness, and the transport of the AWS clients.
#[derive(Clone)]
pub struct Seams {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// The HTTP client of the AWS SDK; `None` builds the deployed one.
    pub aws_http: Option<SharedHttpClient>,
}

impl Seams {
    /// The system's clock and entropy, and the real network.
    #[must_use]
    pub fn real() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), aws_http: None }
    }
}

/// The platform of one function: built once per execution environment, cloned cheaply.
#[derive(Clone)]
pub struct Platform {
    /// The configuration the function was started with.
    pub config: Arc<Config>,
    /// Time and randomness.
    pub seams: Seams,
    /// DynamoDB, S3 and Secrets Manager.
    pub aws: aws::Clients,
    /// Keys and provider accounts, each read on first use and cached for some minutes.
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

    /// Reads the deployment's keys before the first request, which also moves the TLS handshake into the init phase.
    ///
    /// # Errors
    /// They cannot be read, so the function should not start.
    pub async fn warm(&self) -> Result<(), SecretsError> {
        self.secrets.current().await.map(|_| ())
    }
}
