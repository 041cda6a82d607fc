//! Configuration: a map of names to values; on Lambda, the environment.
//!
//! | name | meaning | default |
//! | --- | --- | --- |
//! | `TABLE`, `BUCKET` | the DynamoDB table and the S3 bucket | none, must be set |
//! | `COTEJO_SECRET` | name of the Secrets Manager secret with the keys; those with accounts begin with it ([`super::secrets`]) | none, must be set |
//! | `AWS_REGION` | region of all three | none, must be set |
//! | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | credentials, as Lambda gives them | none, the first two must be set |
//! | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL_SESV2`, `AWS_ENDPOINT_URL_LAMBDA` | another server that speaks the same API | AWS |
//! | `COTEJO_NAME_URL` | base URL of the API of the provider NAME (`AUCO`, `LINK`, `TECALIS`), for tenants whose account names none | the provider's own, where it publishes one |
//! | `COTEJO_PUBLIC_URL` | base URL of our own API, as providers reach it to call back | none: what needs a callback of ours is refused |
//! | `COTEJO_MAIL_FROM` | the sender of e-mails: an address or domain that SES has verified | none: channels of type `email` are refused |
//! | `COTEJO_MAIL_REGION` | region of SES | `AWS_REGION` |
//! | `COTEJO_COPY_LONG_FUNCTION` | name of the function for long copies | none: `run-work` must know it, nothing long is copied without |
//! | `AWS_LAMBDA_FUNCTION_NAME` | the function's own name, as Lambda gives it | none: `deliver-notifications` must know it, nothing is tried again without |
//! | `COTEJO_FUNCTION_SECONDS` | for how long a call of the function may run, as in template.yaml: requests to S3 give up before | 60 |
//! | `COTEJO_TRUSTED_PROXIES` | networks of the proxies in front of our API whose `X-Forwarded-For` is trusted, separated by commas | none |
//! | `COTEJO_ALLOW_LOOPBACK` | `true`: pictures may come from this machine, and webhooks lead to it, over plain HTTP; local systems only | `false` |

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
pub use ipnet::IpNet;

/// The settings of a function; see the table above.
pub struct Config {
    /// The DynamoDB table.
    pub table: String,
    /// The S3 bucket.
    pub bucket: String,
    /// The secret with the keys; the names of those with provider accounts begin with it.
    pub secret_id: String,
    /// Region, credentials and endpoints of AWS.
    pub aws: SdkConfig,
    /// The function itself.
    pub function: Option<String>,
    /// The function for long copies.
    pub copy_long: Option<String>,
    /// The sender of e-mails.
    pub mail_from: Option<String>,
    /// The region of SES, if it is another one.
    pub mail_region: Option<String>,
    /// Base URLs of providers' APIs, by the provider's name.
    pub provider_urls: BTreeMap<String, String>,
    /// Base URL of our own API as seen from outside, without a slash at the end.
    pub public_url: Option<String>,
    /// The time limit of the function, in seconds.
    pub function_time: Duration,
    /// The proxies in front of our API whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether media may be fetched from this machine over plain HTTP.
    pub allow_loopback: bool,
}

/// A setting is missing or invalid.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting without a default is missing.
    #[error("setting {0} is missing")]
    Missing(&'static str),
    /// A setting is invalid.
    #[error("setting {name} must be {expected}")]
    Invalid { name: &'static str, expected: &'static str },
}

impl Config {
    /// Reads the process environment, as on Lambda.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_env() -> Result<Self, ConfigError> {
        // A variable that is not UTF-8 is not ours.
        let text = |value: std::ffi::OsString| value.into_string().ok();
        Self::from_map(&std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect())
    }

    /// Reads a map, as the local system does for each function. Nothing else is looked at: neither the process's environment
    /// nor files in somebody's home.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn from_map(settings: &HashMap<String, String>) -> Result<Self, ConfigError> {
        Self::with_aws(settings, aws(settings)?)
    }

    /// Reads a map that says everything but how to reach AWS.
    ///
    /// # Errors
    /// The first setting that is missing or invalid.
    pub fn with_aws(settings: &HashMap<String, String>, aws: SdkConfig) -> Result<Self, ConfigError> {
        let optional = |name: &str| optional(settings, name);
        let required = |name| required(settings, name);
        Ok(Self {
            table: required("TABLE")?,
            bucket: required("BUCKET")?,
            secret_id: required("COTEJO_SECRET")?,
            aws: match aws.region() {
                Some(_) => aws,
                None => return Err(ConfigError::Missing("AWS_REGION")),
            },
            function: optional("AWS_LAMBDA_FUNCTION_NAME"),
            copy_long: optional("COTEJO_COPY_LONG_FUNCTION"),
            mail_from: optional("COTEJO_MAIL_FROM"),
            mail_region: optional("COTEJO_MAIL_REGION"),
            provider_urls: provider_urls(settings),
            public_url: optional("COTEJO_PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned()),
            function_time: match optional("COTEJO_FUNCTION_SECONDS").map(|seconds| seconds.parse()) {
                None => FUNCTION_TIME,
                Some(Ok(seconds @ SHORTEST_SECONDS..)) => Duration::from_secs(seconds),
                Some(_) => {
                    return Err(ConfigError::Invalid { name: "COTEJO_FUNCTION_SECONDS", expected: "4 or more" });
                }
            },
            trusted_proxies: networks(&optional("COTEJO_TRUSTED_PROXIES").unwrap_or_default())?,
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

fn optional(settings: &HashMap<String, String>, name: &str) -> Option<String> {
    settings.get(name).filter(|value| !value.is_empty()).cloned()
}

fn required(settings: &HashMap<String, String>, name: &'static str) -> Result<String, ConfigError> {
    optional(settings, name).ok_or(ConfigError::Missing(name))
}

/// Region, credentials and endpoints as the map has them.
fn aws(settings: &HashMap<String, String>) -> Result<SdkConfig, ConfigError> {
    let region = required(settings, "AWS_REGION")?;
    let (id, secret) = (required(settings, "AWS_ACCESS_KEY_ID")?, required(settings, "AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(id, secret, optional(settings, "AWS_SESSION_TOKEN"), None, "settings");
    let endpoints = settings.iter().filter(|(name, url)| name.starts_with(ENDPOINT) && !url.is_empty());
    let endpoints = Endpoints(endpoints.map(|(name, url)| (name.clone(), url.clone())).collect());
    let builder = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new(region));
    let builder = builder.credentials_provider(SharedCredentialsProvider::new(credentials));
    Ok(builder.service_config(endpoints).build())
}

/// The setting that replaces the endpoint of a service, without the service's name.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Settings that replace endpoints of AWS.
#[derive(Debug)]
struct Endpoints(BTreeMap<String, String>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        self.0.get(&format!("{}_{service}", key.env())).cloned()
    }
}

/// The time limit of what is not a function.
const FUNCTION_TIME: Duration = Duration::from_secs(60);
/// A shorter limit leaves no time for a request.
const SHORTEST_SECONDS: u64 = 4;

/// Networks, or single addresses, separated by commas.
fn networks(text: &str) -> Result<Vec<IpNet>, ConfigError> {
    let network =
        |part: &str| part.parse::<IpNet>().or_else(|_| part.parse().map(|address: std::net::IpAddr| address.into()));
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(network).collect::<Result<_, std::net::AddrParseError>>().map_err(|_| ConfigError::Invalid {
        name: "COTEJO_TRUSTED_PROXIES",
        expected: "networks such as 203.0.113.0/24, separated by commas",
    })
}

/// The values of `COTEJO_NAME_URL`, by the name in lower case.
fn provider_urls(settings: &HashMap<String, String>) -> BTreeMap<String, String> {
    let named = settings.iter().filter(|(_, url)| !url.is_empty()).filter_map(|(setting, url)| {
        let name = setting.strip_prefix("COTEJO_")?.strip_suffix("_URL").filter(|name| *name != "PUBLIC")?;
        Some((name.to_ascii_lowercase(), url.clone()))
    });
    named.collect()
}
