//! Configuration: a map of names to values, which on Lambda is the environment.
//!
//! | name | meaning | default |
//! | --- | --- | --- |
//! | `TABLE`, `BUCKET` | the DynamoDB table and the S3 bucket | none, must be set |
//! | `COTEJO_SECRET` | name or ARN of the Secrets Manager secret (shape: [`super::secrets::SecretDocument`]) | none, must be set |
//! | `AWS_REGION` | region of all three | none, must be set |
//! | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | credentials, as Lambda gives them | none, the first two must be set |
//! | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_SECRETS_MANAGER` | another server that speaks the same API | AWS |
//! | `COTEJO_AUCO_URL` | base URL of Auco's API for tenants that name none of their own | production |
//! | `COTEJO_TECALIS_URL` | base URL of Tecalis's API, likewise | none: tenants without one of their own have no Tecalis |
//! | `COTEJO_ALLOW_LOOPBACK` | `true`: pictures may come from this machine over plain HTTP; local systems only | `false` |

use std::collections::HashMap;

use secrecy::SecretString;

/// What a function is told when it starts. No field is optional by accident: see the table above.
pub struct Config {
    /// The DynamoDB table.
    pub table: String,
    /// The S3 bucket.
    pub bucket: String,
    /// Name or ARN of the secret with keys and provider credentials.
    pub secret_id: String,
    /// AWS region.
    pub region: String,
    /// Access key id.
    pub access_key_id: SecretString,
    /// Secret access key.
    pub secret_access_key: SecretString,
    /// Session token, where the credentials are temporary.
    pub session_token: Option<SecretString>,
    /// Replaces DynamoDB's own endpoint.
    pub dynamodb_url: Option<String>,
    /// Replaces S3's own endpoint.
    pub s3_url: Option<String>,
    /// Replaces Secrets Manager's own endpoint.
    pub secrets_url: Option<String>,
    /// Replaces Auco's production base URL.
    pub auco_url: Option<String>,
    /// Base URL of Tecalis's API.
    pub tecalis_url: Option<String>,
    /// Whether media may be fetched from this machine over plain HTTP.
    pub allow_loopback: bool,
}

/// A setting is missing or makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting that has no default is absent.
    #[error("setting {0} is missing")]
    Missing(&'static str),
    /// A setting has a value that cannot be understood.
    #[error("setting {name} must be {expected}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the process environment, as on Lambda.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads a map, as the local system does for each function.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_map(settings: &HashMap<String, String>) -> Result<Self, ConfigError> {
        Self::read(|name| settings.get(name).cloned())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let optional = |name| get(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(ConfigError::Missing(name));
        Ok(Self {
            table: required("TABLE")?,
            bucket: required("BUCKET")?,
            secret_id: required("COTEJO_SECRET")?,
            region: required("AWS_REGION")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?.into(),
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: optional("AWS_SESSION_TOKEN").map(Into::into),
            dynamodb_url: optional("AWS_ENDPOINT_URL_DYNAMODB"),
            s3_url: optional("AWS_ENDPOINT_URL_S3"),
            secrets_url: optional("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            auco_url: optional("COTEJO_AUCO_URL"),
            tecalis_url: optional("COTEJO_TECALIS_URL"),
            allow_loopback: match optional("COTEJO_ALLOW_LOOPBACK").as_deref() {
                None | Some("false") => false,
                Some("true") => true,
                Some(_) => {
                    return Err(ConfigError::Invalid { name: "COTEJO_ALLOW_LOOPBACK", expected: "true or false" });
                }
            },
        })
    }
}
