//! The settings of the deployment: from the local system's `functions.env`, or from the environment.
//!
//! On AWS, an operator has the same identity as in the AWS CLI: `AWS_PROFILE`, profile files, SSO and the rest of the default
//! chain give region, credentials and endpoints. The local system gives all of these itself.

use std::{collections::HashMap, path::Path};

use aws_config::{BehaviorVersion, SdkConfig};
use cotejo::platform::{Config, ConfigError, aws};

use crate::AdminError;

/// The settings of a deployment.
pub struct Settings {
    /// As a function reads them, with `FAILED_RECORDS_BUCKET` beside them.
    values: HashMap<String, String>,
    /// How to reach AWS, where the values are not to say it.
    aws: Option<SdkConfig>,
}

impl Settings {
    /// Those of the local system in `local`, or of the environment.
    ///
    /// # Errors
    /// The local system's file cannot be read: it is there while the system is up.
    pub async fn read(local: Option<&Path>) -> Result<Self, AdminError> {
        let Some(local) = local else { return Ok(Self::of_environment().await) };
        let file = local.join("functions.env");
        let lines = std::fs::read_to_string(&file).map_err(|source| AdminError::File {
            what: format!("{} (is `cargo local` running?)", file.display()),
            source,
        })?;
        let values = lines.lines().filter_map(|line| line.split_once('='));
        Ok(values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<HashMap<_, _>>().into())
    }

    async fn of_environment() -> Self {
        let text = |value: std::ffi::OsString| value.into_string().ok();
        let values = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(aws::transport()).load().await;
        Self { values, aws: Some(aws) }
    }

    /// A function's configuration.
    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        match &self.aws {
            Some(aws) => Config::with_aws(&self.values, aws.clone()),
            None => Config::from_map(&self.values),
        }
    }

    /// The bucket for stream records that were given up, where it is named.
    pub(crate) fn failed_records(&self) -> Option<String> {
        self.values.get("FAILED_RECORDS_BUCKET").filter(|name| !name.is_empty()).cloned()
    }
}

/// The values say everything, as they do for a function.
impl From<HashMap<String, String>> for Settings {
    fn from(values: HashMap<String, String>) -> Self {
        Self { values, aws: None }
    }
}
