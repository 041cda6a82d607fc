//! The variables that the environment may set, and the settings of the functions.
//!
//! | name | effect |
//! | --- | --- |
//! | `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_S3` | replace the embedded store |
//! | `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | used where one of those is set |
//! | `COTEJO_STACK` | begins the names of table, buckets and secrets, instead of `cotejo`: for a store that others use too |
//! | `COTEJO_EXISTING_TABLE`, `COTEJO_EXISTING_BUCKET` | the template's `ExistingTable` and `ExistingBucket`: what is there already and is used instead of what the stack would make |
//! | `COTEJO_AUCO_URL` | replaces the sandbox |
//! | `COTEJO_AUCO_PUBLIC_KEY`, `COTEJO_AUCO_PRIVATE_KEY` | the account there |
//! | `COTEJO_TECALIS_URL`, `COTEJO_TECALIS_API_KEY` | likewise |
//! | `COTEJO_TRUSTED_PROXIES` | the template's `TrustedProxies` |
//! | `COTEJO_LOCAL` | none; where it is set, the shell has the settings of a running system, which are refused |
//! | `COTEJO_LINK_URL`, `COTEJO_LINK_USER`, `COTEJO_LINK_PASSWORD` | likewise |

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use cotejo::platform::Config;

use crate::{
    options::LocalError,
    servers::Servers,
    stores::{Access, StoreError},
    template::{Function, Place},
};

/// All variables that count. The binary reads exactly these from its environment.
pub const NAMES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "COTEJO_AUCO_PRIVATE_KEY",
    "COTEJO_AUCO_PUBLIC_KEY",
    "COTEJO_AUCO_URL",
    "COTEJO_EXISTING_BUCKET",
    "COTEJO_EXISTING_TABLE",
    "COTEJO_LINK_PASSWORD",
    "COTEJO_LINK_URL",
    "COTEJO_LINK_USER",
    "COTEJO_LOCAL",
    "COTEJO_STACK",
    "COTEJO_TECALIS_API_KEY",
    "COTEJO_TECALIS_URL",
    "COTEJO_TRUSTED_PROXIES",
];

/// The settings that the file `env` gives to shells. None of them would send a user's AWS tools, or another `cargo local`, to
/// this system.
pub const FOR_PEOPLE: &[&str] = &[
    "BUCKET",
    "COTEJO_API_KEY",
    "COTEJO_AUCO_WEBHOOK_URL",
    "COTEJO_MAILBOX_URL",
    "COTEJO_SANDBOX_URL",
    "COTEJO_URL",
    "TABLE",
];

/// Marks a shell that has the settings of a running system's functions, and names its data directory.
pub const MARK: &str = "COTEJO_LOCAL";

/// Those of [`NAMES`] that name a store.
pub const STORES: [&str; 2] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3"];

const MAIL_FROM: &str = "cotejo@local.example";

/// The variables of the environment that count here.
#[derive(Debug, Clone, Default)]
pub struct Overrides(HashMap<String, String>);

impl Overrides {
    /// Empty values count as absent.
    #[must_use]
    pub fn new(values: HashMap<String, String>) -> Self {
        Self(values.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Refuses a variable that names this system itself, since the system would wait for itself.
    ///
    /// # Errors
    /// The variable that does.
    pub fn refuse_own(&self, servers: &Servers) -> Result<(), LocalError> {
        let ports = servers.ports();
        let is_own = |url: &str| {
            let url = reqwest::Url::parse(url).ok()?;
            let is_here = matches!(url.host_str()?, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0");
            Some(is_here && ports.contains(&url.port_or_known_default()?))
        };
        let mut urls = self.0.iter().filter(|(name, _)| name.contains("_URL"));
        match urls.find(|(_, url)| is_own(url) == Some(true)) {
            Some((name, url)) => Err(LocalError::OwnPort { variable: name.clone(), url: url.clone() }),
            None => Ok(()),
        }
    }

    /// The error of a store, with the variable that named it.
    #[must_use]
    pub fn named(&self, variable: &'static str, error: StoreError) -> StoreError {
        match self.get(variable) {
            Some(url) => StoreError::Outside { variable, url: url.to_owned(), source: Box::new(error) },
            None => error,
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Credentials and region of the environment count only with a store of the environment. They are neither used nor written
    /// down for the embedded stores.
    fn aws(&self, name: &str) -> Option<&str> {
        let outside = STORES.iter().any(|url| self.0.contains_key(*url));
        self.get(name).filter(|_| outside)
    }

    /// How to reach the stores, given where the embedded ones are.
    #[must_use]
    pub fn access(&self, servers: &Servers) -> Access {
        let text = |name: &str, default: &str| self.aws(name).unwrap_or(default).to_owned();
        Access {
            dynamodb_url: self.get("AWS_ENDPOINT_URL_DYNAMODB").map_or_else(|| servers.dynamodb.url(), str::to_owned),
            s3_url: self.get("AWS_ENDPOINT_URL_S3").map_or_else(|| servers.s3.url(), str::to_owned),
            region: text("AWS_REGION", "us-east-1"),
            access_key_id: text("AWS_ACCESS_KEY_ID", "local"),
            secret_access_key: text("AWS_SECRET_ACCESS_KEY", "local-secret-key"),
            session_token: self.aws("AWS_SESSION_TOKEN").map(str::to_owned),
            http: cotejo::platform::aws::transport(),
        }
    }

    /// Where the template is deployed to.
    #[must_use]
    pub fn place(&self, access: &Access) -> Place {
        let stack = self.get("COTEJO_STACK").unwrap_or("cotejo").to_owned();
        let mut parameters = BTreeMap::new();
        if let Some(table) = self.get("COTEJO_EXISTING_TABLE") {
            parameters.insert("ExistingTable".to_owned(), table.to_owned());
            parameters.insert("ExistingTableStream".to_owned(), crate::template::stream_arn(table));
        }
        if let Some(bucket) = self.get("COTEJO_EXISTING_BUCKET") {
            parameters.insert("ExistingBucket".to_owned(), bucket.to_owned());
        }
        if let Some(proxies) = self.get("COTEJO_TRUSTED_PROXIES") {
            parameters.insert("TrustedProxies".to_owned(), proxies.to_owned());
        }
        Place { region: access.region.clone(), stack, parameters }
    }
}

/// What the environment files hold beside what the functions are told.
pub struct SystemValues<'a> {
    pub api_key: &'a str,
    /// Where Auco calls back about the first tenant.
    pub webhook_url: &'a str,
    pub data: &'a Path,
    /// Any function: all have the same table, bucket and secret.
    pub function: &'a Config,
    /// The bucket for stream records that failed.
    pub failed_records: Option<&'a str>,
}

/// Where everything is. The functions are told this beside what the template says.
pub struct Endpoints {
    /// How to reach the stores.
    pub access: Access,
    pub secrets_url: String,
    pub mail_url: String,
    pub lambda_url: String,
    pub provider_urls: ProviderUrls,
    /// Base URL of Cotejo's API.
    pub api_url: String,
    pub sandbox_url: String,
}

/// Base URLs of the providers' APIs.
#[derive(Debug, Clone)]
pub struct ProviderUrls {
    pub auco: String,
    pub link: String,
    pub tecalis: String,
}

impl ProviderUrls {
    /// The URLs of the environment, else those of the sandbox.
    #[must_use]
    pub fn choose(overrides: &Overrides, sandbox_url: &str) -> Self {
        let choose =
            |name: &str, path: &str| overrides.get(name).map_or_else(|| format!("{sandbox_url}{path}"), str::to_owned);
        Self {
            auco: choose("COTEJO_AUCO_URL", "/auco/v1.5/ext"),
            link: choose("COTEJO_LINK_URL", "/link"),
            tecalis: choose("COTEJO_TECALIS_URL", "/tecalis"),
        }
    }
}

impl Endpoints {
    /// A function's configuration: the template's settings and the local endpoints.
    ///
    /// # Errors
    /// The template lacks a setting that the function needs.
    pub fn config(&self, function: &Function) -> Result<Config, LocalError> {
        let mut settings: HashMap<String, String> = function.environment.clone().into_iter().collect();
        settings.extend(self.values());
        settings.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), function.deployed_name.clone());
        Config::from_map(&settings)
            .map_err(|source| LocalError::Config { function: function.crate_name.clone(), source })
    }

    fn values(&self) -> BTreeMap<String, String> {
        let access = &self.access;
        let mut values = BTreeMap::from(
            [
                ("AWS_ACCESS_KEY_ID", &access.access_key_id),
                ("AWS_ENDPOINT_URL_DYNAMODB", &access.dynamodb_url),
                ("AWS_ENDPOINT_URL_LAMBDA", &self.lambda_url),
                ("AWS_ENDPOINT_URL_S3", &access.s3_url),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.secrets_url),
                ("AWS_ENDPOINT_URL_SESV2", &self.mail_url),
                ("AWS_REGION", &access.region),
                ("AWS_SECRET_ACCESS_KEY", &access.secret_access_key),
                ("COTEJO_ALLOW_LOOPBACK", &"true".to_owned()),
                ("COTEJO_AUCO_URL", &self.provider_urls.auco),
                ("COTEJO_MAIL_FROM", &MAIL_FROM.to_owned()),
                ("COTEJO_LINK_URL", &self.provider_urls.link),
                ("COTEJO_PUBLIC_URL", &self.api_url),
                ("COTEJO_TECALIS_URL", &self.provider_urls.tecalis),
            ]
            .map(|(name, value)| (name.to_owned(), value.clone())),
        );
        if let Some(token) = &access.session_token {
            values.insert("AWS_SESSION_TOKEN".to_owned(), token.clone());
        }
        values
    }

    /// The content of `functions.env`, for cargo-lambda and `cargo admin`. Its variables of [`FOR_PEOPLE`] are the content of `env`,
    /// for shells and scripts.
    #[must_use]
    pub fn env(&self, values: &SystemValues<'_>) -> BTreeMap<String, String> {
        let SystemValues { api_key, webhook_url, data, function, failed_records } = *values;
        let mut env = self.values();
        for (name, value) in [
            ("BUCKET", function.bucket.as_str()),
            ("COTEJO_API_KEY", api_key),
            ("COTEJO_AUCO_WEBHOOK_URL", webhook_url),
            (MARK, &data.display().to_string()),
            ("COTEJO_MAILBOX_URL", &format!("{}/mailbox", self.mail_url)),
            ("COTEJO_SANDBOX_URL", &self.sandbox_url),
            // As `cargo lambda watch` calls it.
            ("COTEJO_COPY_LONG_FUNCTION", "copy-long"),
            ("COTEJO_SECRET", &function.secret_id),
            ("COTEJO_URL", &self.api_url),
            ("FAILED_RECORDS_BUCKET", failed_records.unwrap_or_default()),
            ("TABLE", &function.table),
        ] {
            env.insert(name.to_owned(), value.to_owned());
        }
        env
    }
}
