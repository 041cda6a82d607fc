//! Who is calling, and what proves it: only an [`Authority`] opens the store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, TenantId};

/// What proves for which tenant something is done. Every call of the store takes one.
///
/// The implementations are a [`Caller`] (an API key was checked), a verified callback token, the key of an item that came
/// from our own table, and the [`Operator`] of the deployment. No other type can have one.
pub trait Authority: sealed::Sealed + Sync {
    /// The tenant.
    fn tenant(&self) -> &TenantId;
}

pub(crate) mod sealed {
    /// Keeps [`super::Authority`] to this crate.
    pub trait Sealed {}
}

/// What a key may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Read processes and their evidence.
    #[serde(rename = "processes:read")]
    ProcessesRead,
    /// Create processes and ask for a refresh.
    #[serde(rename = "processes:write")]
    ProcessesWrite,
    /// Decide what is in review.
    #[serde(rename = "processes:decide")]
    ProcessesDecide,
    /// Remove everything about a person from a process, or keep that from happening.
    #[serde(rename = "processes:redact")]
    ProcessesRedact,
    /// Read the people registry.
    #[serde(rename = "people:read")]
    PeopleRead,
    /// Change the people registry.
    #[serde(rename = "people:write")]
    PeopleWrite,
    /// Read notification channels and what was delivered.
    #[serde(rename = "channels:read")]
    ChannelsRead,
    /// Change notification channels and repeat deliveries.
    #[serde(rename = "channels:write")]
    ChannelsWrite,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 8] = [
        Self::ProcessesRead,
        Self::ProcessesWrite,
        Self::ProcessesDecide,
        Self::ProcessesRedact,
        Self::PeopleRead,
        Self::PeopleWrite,
        Self::ChannelsRead,
        Self::ChannelsWrite,
    ];

    /// The scope called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The scope's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProcessesRead => "processes:read",
            Self::ProcessesWrite => "processes:write",
            Self::ProcessesDecide => "processes:decide",
            Self::ProcessesRedact => "processes:redact",
            Self::PeopleRead => "people:read",
            Self::PeopleWrite => "people:write",
            Self::ChannelsRead => "channels:read",
            Self::ChannelsWrite => "channels:write",
        }
    }
}

/// Somebody with a valid API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    tenant: TenantId,
    scopes: Vec<Scope>,
    key_id: String,
    key_name: String,
    tenant_since: Timestamp,
    until: Option<Timestamp>,
}

impl Caller {
    /// Only the store makes callers, from a key's record. The key is good until `until`.
    pub(crate) fn new(
        tenant: TenantId,
        scopes: Vec<Scope>,
        key_id: String,
        key_name: String,
        tenant_since: Timestamp,
        until: Option<Timestamp>,
    ) -> Self {
        Self { tenant, scopes, key_id, key_name, tenant_since, until }
    }

    /// The key's public id, for audit lines.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Who the caller is, for what it does.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::key(&self.key_id, &self.key_name)
    }

    /// When the tenant began; nothing of it is older.
    #[must_use]
    pub fn tenant_since(&self) -> Timestamp {
        self.tenant_since
    }

    /// Whether the key may do `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the key's own end has come at `now`.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl<T: Authority + Send> sealed::Sealed for std::sync::Arc<T> {}

impl<T: Authority + Send> Authority for std::sync::Arc<T> {
    fn tenant(&self) -> &TenantId {
        self.as_ref().tenant()
    }
}

impl sealed::Sealed for Caller {}

impl Authority for Caller {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// Whoever operates the deployment, acting for a tenant. What proves it are the credentials for table and secrets, which
/// no function hands on: only `infra/admin`, and `infra/local` for its own first tenant, may make one. `clippy.toml`
/// refuses it everywhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    tenant: TenantId,
}

impl Operator {
    /// Acts for `tenant`.
    #[must_use]
    pub fn acting_for(tenant: TenantId) -> Self {
        Self { tenant }
    }
}

impl sealed::Sealed for Operator {}

impl Authority for Operator {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}
