//! The tenants: their API keys, their accounts at the sandbox and their webhook URLs.
//!
//! Keys and dates are in the file `local.json`, accounts are secrets. Both survive a restart. Each start writes the tenants and
//! keys into the table, since a table of the environment may be new.

use std::{collections::BTreeMap, io, net::Ipv4Addr, path::PathBuf, sync::Mutex};

use cotejo::{
    common::{Operator, Scope, TenantId},
    notify::sms,
    platform::{
        Platform, Seams,
        secrets::{SecretDocument, account_name},
    },
    providers::callback_token::{self, Purpose},
    store::{self, ApiKey, Store, StoreError},
};
use cotejo_sandbox::Webhook;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    data::{read_json, write_private},
    options::LocalError,
    settings::Overrides,
    stores::secrets::Secrets,
};

/// The tenant of the local system's user.
pub const TENANT: &str = "local";

/// The tenants' rate limit: higher than one machine reaches, even while a test's clock stands still.
const PER_MINUTE: u32 = 60_000;

/// The fields of an account that are keys.
const KEYS: [&str; 6] = ["public_key", "private_key", "user", "password", "api_key", "url"];

/// How to act as a tenant.
#[derive(Debug, Clone)]
pub struct TenantAccess {
    pub api_key: String,
    /// Where Auco sends the tenant's webhooks.
    pub auco_webhook_url: String,
}

/// A tenant in `local.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tenant {
    api_key: String,
    key_id: String,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_days: Option<u32>,
}

/// The tenants and their file.
pub struct Tenants {
    file: PathBuf,
    tenants: Mutex<BTreeMap<String, Tenant>>,
    accounts: Accounts,
    seams: Seams,
    api_url: String,
}

/// The keys of the tenants' one account at each provider.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Auco's `puk_…`.
    pub auco_public: String,
    /// Auco's `prk_…`.
    pub auco_private: String,
    pub link_user: String,
    pub link_password: String,
    pub tecalis: String,
    /// The URL for text messages.
    pub sms_url: String,
}

impl Keys {
    /// The keys of the environment, else those of the last run, else new ones.
    ///
    /// # Errors
    /// The secrets cannot be read.
    pub fn choose(overrides: &Overrides, accounts: &Accounts, seams: &Seams, mail_url: &str) -> io::Result<Self> {
        let choose = |name: &str, provider: &str, field: &str, prefix: &str| {
            let before = accounts.get(TENANT, provider)?;
            let before = before.as_ref().and_then(|account| account.get(field)?.as_str()).map(str::to_owned);
            let random = || format!("{prefix}_{}", seams.entropy.uuid().simple());
            Ok::<_, io::Error>(overrides.get(name).map(str::to_owned).or(before).unwrap_or_else(random))
        };
        Ok(Self {
            auco_public: choose("COTEJO_AUCO_PUBLIC_KEY", "auco", "public_key", "puk")?,
            auco_private: choose("COTEJO_AUCO_PRIVATE_KEY", "auco", "private_key", "prk")?,
            link_user: choose("COTEJO_LINK_USER", "link", "user", "link")?,
            link_password: choose("COTEJO_LINK_PASSWORD", "link", "password", "link")?,
            tecalis: choose("COTEJO_TECALIS_API_KEY", "tecalis", "api_key", "tecalis")?,
            sms_url: format!("{mail_url}/sms"),
        })
    }

    /// The accounts of `tenant` with these keys, one at each provider.
    fn accounts(&self, tenant: &str) -> [(&'static str, Value); 4] {
        let media_hosts = ["127.0.0.1", "localhost"];
        let auco = json!({
            "public_key": self.auco_public, "private_key": self.auco_private, "webhook_id": webhook_id(tenant),
            "media_hosts": media_hosts,
        });
        let link = json!({
            "user": self.link_user, "password": self.link_password, "callback_addresses": [Ipv4Addr::LOCALHOST],
        });
        let tecalis = json!({"api_key": self.tecalis, "media_hosts": media_hosts});
        [("auco", auco), ("link", link), ("tecalis", tecalis), (sms::ACCOUNT, json!({"url": self.sms_url}))]
    }
}

/// The tenants' accounts, which are secrets.
#[derive(Clone)]
pub struct Accounts {
    /// The name of the secret with the keys; the accounts' names derive from it.
    pub keys_name: String,
    /// Where they are kept.
    pub secrets: Secrets,
}

impl Accounts {
    /// The account of `tenant` at `provider`.
    ///
    /// # Errors
    /// The secrets cannot be read.
    pub fn get(&self, tenant: &str, provider: &str) -> io::Result<Option<Value>> {
        self.secrets.get(&self.name(tenant, provider)?)
    }

    /// Creates or replaces the account of `tenant` at `provider`.
    ///
    /// # Errors
    /// The secrets cannot be written.
    pub fn set(&self, tenant: &str, provider: &str, account: Value) -> io::Result<()> {
        self.secrets.set(&self.name(tenant, provider)?, account)
    }

    fn name(&self, tenant: &str, provider: &str) -> io::Result<String> {
        let tenant = tenant.parse().map_err(io::Error::other)?;
        Ok(account_name(&self.keys_name, &tenant, provider))
    }
}

impl Tenants {
    /// The tenants of the last run.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: PathBuf, accounts: Accounts, seams: Seams, api_url: String) -> io::Result<Self> {
        let tenants = Mutex::new(read_json(&file)?.unwrap_or_default());
        Ok(Self { file, tenants, accounts, seams, api_url })
    }

    /// Makes sure of a tenant: itself and its key in the table, its accounts in the secrets. Functions that looked for
    /// them before do not know them yet.
    ///
    /// # Errors
    /// The name is no tenant id, or a store or file refuses.
    pub async fn ensure(&self, name: &str, keys: &Keys, platform: &Platform) -> Result<String, LocalError> {
        let remembered = self.remember(name)?;
        let tenant = self.put(name, platform).await?;
        let key = ApiKey {
            key_id: remembered.key_id,
            name: "the first".to_owned(),
            scopes: Scope::ALL.to_vec(),
            created_at: remembered.since,
            expires_at: None,
            revoked_at: None,
        };
        match Store::new(platform).put_api_key(&tenant, &remembered.api_key, &key).await {
            // The key was revoked, and stays revoked.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(LocalError::Seed(error.to_string())),
        }
        for (provider, account) in keys.accounts(name) {
            let account = match self.accounts.get(name, provider)? {
                Some(before) => with_keys_of(before, &account),
                None => account,
            };
            self.accounts.set(name, provider, account)?;
        }
        Ok(remembered.api_key)
    }

    /// Writes a tenant into the table. Settings that were changed there stay.
    async fn put(&self, name: &str, platform: &Platform) -> Result<store::Tenant, LocalError> {
        let id: TenantId = name.parse().map_err(|_| LocalError::Tenant(name.to_owned()))?;
        let Tenant { since, retention_days, .. } = self.remember(name)?;
        let (store, failed) = (Store::new(platform), |error: StoreError| LocalError::Seed(error.to_string()));
        let before = store.tenant(&operator(id.clone())).await.map_err(failed)?;
        let new = || store::Tenant { per_minute: PER_MINUTE, ..store::Tenant::new(id, name.to_owned(), since) };
        let mut tenant = before.unwrap_or_else(new);
        tenant.retention_days = retention_days.or(tenant.retention_days);
        store.put_tenant(&tenant).await.map_err(failed)?;
        Ok(tenant)
    }

    /// Sets the retention of a tenant, in days.
    ///
    /// # Errors
    /// The table or a file refuses.
    pub async fn retain(&self, name: &str, days: u32, platform: &Platform) -> Result<(), LocalError> {
        self.remember(name)?;
        {
            let mut tenants = self.tenants.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(tenant) = tenants.get_mut(name) {
                tenant.retention_days = Some(days);
            }
            self.save(&tenants)?;
        }
        self.put(name, platform).await.map(|_| ())
    }

    fn remember(&self, name: &str) -> io::Result<Tenant> {
        let mut tenants = self.tenants.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(tenant) = tenants.get(name) {
            return Ok(tenant.clone());
        }
        let mut secret = [0; 24];
        self.seams.entropy.fill(&mut secret);
        let tenant = Tenant {
            api_key: format!("cotejo_live_{}", hex::encode(secret)),
            key_id: format!("key-{name}"),
            since: self.seams.clock.now(),
            retention_days: None,
        };
        tenants.insert(name.to_owned(), tenant.clone());
        self.save(&tenants)?;
        Ok(tenant)
    }

    fn save(&self, tenants: &BTreeMap<String, Tenant>) -> io::Result<()> {
        write_private(&self.file, &serde_json::to_vec_pretty(tenants)?)
    }

    /// Creates or replaces a tenant's account at `provider`.
    ///
    /// # Errors
    /// It is no tenant id, or the file refuses.
    pub fn set_account(&self, name: &str, provider: &str, account: Value) -> Result<(), LocalError> {
        Ok(self.accounts.set(name, provider, account)?)
    }

    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.tenants.lock().unwrap_or_else(std::sync::PoisonError::into_inner).keys().cloned().collect()
    }

    /// Where Auco sends a tenant's webhooks.
    ///
    /// # Errors
    /// The secret cannot be read or has no usable key.
    pub fn webhook_url(&self, name: &str) -> Result<String, LocalError> {
        let id: TenantId = name.parse().map_err(|_| LocalError::Tenant(name.to_owned()))?;
        let keys = self.accounts.secrets.get(&self.accounts.keys_name)?.unwrap_or_default();
        let document = SecretDocument::parse(&keys.to_string()).map_err(|error| LocalError::Seed(error.to_string()))?;
        let token = callback_token::mint(&document, "auco", &id, None, Purpose::Webhook);
        let token = token.map_err(|error| LocalError::Seed(error.to_string()))?;
        Ok(format!("{}/callbacks/auco/{token}", self.api_url))
    }

    /// The webhooks of all tenants, in the form of the sandbox's Auco.
    ///
    /// # Errors
    /// As [`Self::webhook_url`].
    pub fn webhooks(&self) -> Result<Vec<Webhook>, LocalError> {
        let webhook = |name: &String| {
            let url = self.webhook_url(name)?;
            Ok(Webhook { id: webhook_id(name), url, default: name == TENANT, header: None })
        };
        self.names().iter().map(webhook).collect()
    }
}

/// An account as it was set up, with the keys of `account`, which the environment may replace.
fn with_keys_of(mut before: Value, account: &Value) -> Value {
    for field in KEYS {
        if let (Some(place), Some(value)) = (before.get_mut(field), account.get(field)) {
            *place = value.clone();
        }
    }
    before
}

/// All tenants share one account at Auco; each has a webhook of its own there.
fn webhook_id(tenant: &str) -> String {
    if tenant == TENANT { "cotejo".to_owned() } else { format!("cotejo-{tenant}") }
}

#[expect(clippy::disallowed_methods, reason = "the table is this system's own")]
fn operator(tenant: TenantId) -> Operator {
    Operator::acting_for(tenant)
}
