//! Tenants: their API keys, their accounts at the sandbox, the webhooks that lead back to us.
//!
//! Keys and dates are in the file `local.json`, accounts in the secret. Both survive a restart; the keys' records are
//! written into the table at every start, since a table of the environment may be a new one.

use std::{collections::BTreeMap, io, net::Ipv4Addr, path::PathBuf, sync::Mutex};

use cotejo::{
    api::{
        NewApiKey, Scope,
        callback_token::{self, Purpose},
    },
    platform::{Platform, Seams, secrets::SecretDocument},
    process::TenantId,
    store::Store,
};
use cotejo_sandbox::Webhook;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    data::{read_json, write_private},
    options::LocalError,
    settings::Overrides,
    stores::secrets::{AucoAccount, LinkAccount, Secrets, TecalisAccount, TenantAccounts},
};

/// The tenant that everybody who runs this locally is.
pub const TENANT: &str = "local";

/// How to act as a tenant.
#[derive(Debug, Clone)]
pub struct TenantAccess {
    /// The API key.
    pub api_key: String,
    /// Where Auco sends the tenant's webhooks.
    pub auco_webhook_url: String,
}

/// What is remembered of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tenant {
    api_key: String,
    key_id: String,
    since: Timestamp,
}

/// The tenants and where they are kept.
pub struct Tenants {
    file: PathBuf,
    tenants: Mutex<BTreeMap<String, Tenant>>,
    secrets: Secrets,
    seams: Seams,
    api_url: String,
}

/// The keys of the tenants' one account at each company.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Auco's `puk_…`.
    pub auco_public: String,
    /// Auco's `prk_…`.
    pub auco_private: String,
    /// LINK's user.
    pub link_user: String,
    /// LINK's password.
    pub link_password: String,
    /// Tecalis's API key.
    pub tecalis: String,
}

impl Keys {
    /// The keys that the environment says, or those of the last run, or new ones.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub fn choose(overrides: &Overrides, secrets: &Secrets, seams: &Seams) -> io::Result<Self> {
        let before = secrets.read()?.tenants.remove(TENANT);
        let auco = before.as_ref().map(|tenant| &tenant.auco);
        let tecalis = before.as_ref().and_then(|tenant| tenant.tecalis.as_ref());
        let link = before.as_ref().and_then(|tenant| tenant.link.as_ref());
        let random = |prefix: &str| format!("{prefix}_{}", seams.entropy.uuid().simple());
        let choose = |name: &str, before: Option<&String>, prefix: &str| {
            overrides.get(name).map(str::to_owned).or_else(|| before.cloned()).unwrap_or_else(|| random(prefix))
        };
        Ok(Self {
            auco_public: choose("COTEJO_AUCO_PUBLIC_KEY", auco.map(|auco| &auco.public_key), "puk"),
            auco_private: choose("COTEJO_AUCO_PRIVATE_KEY", auco.map(|auco| &auco.private_key), "prk"),
            link_user: choose("COTEJO_LINK_USER", link.map(|link| &link.user), "link"),
            link_password: choose("COTEJO_LINK_PASSWORD", link.map(|link| &link.password), "link"),
            tecalis: choose("COTEJO_TECALIS_API_KEY", tecalis.map(|tecalis| &tecalis.api_key), "tecalis"),
        })
    }
}

impl Tenants {
    /// The tenants of the last run.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: PathBuf, secrets: Secrets, seams: Seams, api_url: String) -> io::Result<Self> {
        let tenants = Mutex::new(read_json(&file)?.unwrap_or_default());
        Ok(Self { file, tenants, secrets, seams, api_url })
    }

    /// Makes sure of a tenant: its key in the table, its accounts in the secret. Functions that read the secret
    /// before do not know it yet.
    ///
    /// # Errors
    /// The name is no tenant id, or a store or file refuses.
    pub async fn ensure(&self, name: &str, keys: &Keys, platform: &Platform) -> Result<String, LocalError> {
        let id: TenantId = name.parse().map_err(|_| LocalError::Tenant(name.to_owned()))?;
        let tenant = self.remember(name)?;
        let store = Store::new(platform);
        let key = NewApiKey {
            secret: &tenant.api_key,
            key_id: &tenant.key_id,
            tenant: id,
            scopes: &Scope::ALL,
            tenant_since: tenant.since,
        };
        store.put_api_key(&key).await.map_err(|error| LocalError::Seed(error.to_string()))?;
        let media_hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let accounts = TenantAccounts {
            auco: AucoAccount {
                public_key: keys.auco_public.clone(),
                private_key: keys.auco_private.clone(),
                creator_email: None,
                webhook_id: webhook_id(name),
                media_hosts: media_hosts.clone(),
            },
            tecalis: Some(TecalisAccount { api_key: keys.tecalis.clone(), media_hosts }),
            link: Some(LinkAccount {
                user: keys.link_user.clone(),
                password: keys.link_password.clone(),
                callback_addresses: vec![Ipv4Addr::LOCALHOST.into()],
            }),
            more: self.secrets.read()?.tenants.remove(name).map(|tenant| tenant.more).unwrap_or_default(),
        };
        self.secrets.set_tenant(name, accounts)?;
        Ok(tenant.api_key)
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
        };
        tenants.insert(name.to_owned(), tenant.clone());
        write_private(&self.file, &serde_json::to_vec_pretty(&*tenants)?)?;
        Ok(tenant)
    }

    /// Adds a setting of a tenant, or an account at a company of another's making.
    ///
    /// # Errors
    /// There is no such tenant, or the file refuses.
    pub fn set_up(&self, name: &str, what: &str, value: serde_json::Value) -> Result<(), LocalError> {
        let mut accounts = self.secrets.read()?.tenants.remove(name);
        let accounts = accounts.as_mut().ok_or_else(|| LocalError::Tenant(name.to_owned()))?;
        accounts.more.insert(what.to_owned(), value);
        Ok(self.secrets.set_tenant(name, accounts.clone())?)
    }

    /// The tenants there are.
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
        let document: SecretDocument = serde_json::from_str(&self.secrets.text()?)
            .map_err(|error| LocalError::Seed(format!("the secret's file is malformed: {error}")))?;
        let token = callback_token::mint(&document, &id, None, Purpose::Webhook);
        let token = token.map_err(|error| LocalError::Seed(error.to_string()))?;
        Ok(format!("{}/callbacks/auco/{token}", self.api_url))
    }

    /// The webhooks of all tenants, as the sandbox's Auco is told them.
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

/// All tenants share one account at Auco; each has a webhook of its own there.
fn webhook_id(tenant: &str) -> String {
    if tenant == TENANT { "cotejo".to_owned() } else { format!("cotejo-{tenant}") }
}
