//! Who is calling, and the proof of it: every call of the store takes an [`Authority`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, TenantId};

/// Proof of the tenant for which something is done.
///
/// It is implemented by a [`Caller`] (a checked API key), a verified callback token, the key of an item from our own
/// table, and the [`Operator`] of the deployment. The trait is sealed: no other crate can implement it.
pub trait Authority: sealed::Sealed + Sync {
    fn tenant(&self) -> &TenantId;
}

pub(crate) mod sealed {
    /// Keeps [`super::Authority`] to this crate.
    pub trait Sealed {}
}

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Read processes and their evidence.
    #[serde(rename = "processes:read")]
    ProcessesRead,
    /// Create and refresh processes.
    #[serde(rename = "processes:write")]
    ProcessesWrite,
    /// Decide what is in review.
    #[serde(rename = "processes:decide")]
    ProcessesDecide,
    /// Redact processes, and set legal holds.
    #[serde(rename = "processes:redact")]
    ProcessesRedact,
    /// Read the people registry.
    #[serde(rename = "people:read")]
    PeopleRead,
    /// Change the people registry.
    #[serde(rename = "people:write")]
    PeopleWrite,
    /// Read notification channels and their deliveries.
    #[serde(rename = "channels:read")]
    ChannelsRead,
    /// Change notification channels and replay deliveries.
    #[serde(rename = "channels:write")]
    ChannelsWrite,
}

impl Scope {
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

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

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

/// A holder of a valid API key.
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
    /// Only the store creates callers, from a key's record. The key expires at `until`.
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

    /// When the tenant was created; nothing of it is older.
    #[must_use]
    pub fn tenant_since(&self) -> Timestamp {
        self.tenant_since
    }

    /// Whether the key may do `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Whether the key has expired at `now`.
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

/// The operator of the deployment, acting for a tenant. The proof is the operator's own AWS credentials: only
/// `infra/admin`, and `infra/local` for its first tenant, may create one. `clippy.toml` refuses it everywhere else.
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
