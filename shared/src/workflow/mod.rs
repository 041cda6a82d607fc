//! The use cases, one per file. Each one loads, asks, decides and stores.
//!
//! | file | use case | called by |
//! | --- | --- | --- |
//! | `create` | accept a request, store it, submit it to the provider | create-process |
//! | `upload` | create an upload link for a picture or an import file | create-process |
//! | `status` | show one process or a list, request a refresh, link to evidence | query-status |
//! | `decide` | store a reviewer's decision | decide-process |
//! | `redact` | remove all personal data | decide-process |
//! | `certificate` | return the certificate, fetch it if it is missing | fetch-certificate |
//! | `callback` | store a provider's callback | receive-callback |
//! | `refresh` | apply callbacks and the provider's answer to the process, copy its pictures | run-work |
//! | `long_copy` | copy a video outside the refresh | run-work, copy-long |
//! | `poll` | wake overdue items | poll-due |
//! | `wake` | wake the processes of one provider | infra/admin |
//! | `overview` | show overdue items, failing channels and providers | infra/admin |
//! | `deliver` | create deliveries of events | deliver-notifications |
//! | `attempt` | send one delivery | deliver-notifications |
//! | `channels` | manage a tenant's channels | notification-channels |
//! | `deliveries` | show deliveries and replay them | notification-channels |
//! | `records` | manage records of every family | people, person-records |
//! | `catalog_values` | add many values to a catalog | catalogs |
//! | `dynamic_values` | manage persons' values of dynamic properties | catalogs |
//! | `people` | operations on persons only: find, search, delete, restore | people |
//! | `contact_codes` | send a code to a person and verify it | contact-verification |
//! | `temporary_people` | convert a temporary person into a person | temporary-people |
//! | `from_process` | fill a person with the data of a verification | people |
//! | `jobs` | export and import many persons | people, run-work |
//! | `replay` | wake the items of a dead letter again | infra/admin |
//! | `unique_keys` | rotate the key of unique values | infra/admin |
//! | `stream` | handle each distinct item of a batch of stream records once | run-work, deliver-notifications |
//! | `lag` | note how far the stream is behind | run-work, deliver-notifications |
//! | `due` | plan the next check | all of them |
//! | `conflict` | retry a lost race | all of them |
//!
//! Shared helpers: `submitter` (submits a process to its provider), `pictures` (submitted pictures), `answer` (stores
//! provider answers as evidence).

mod answer;
pub mod attempt;
pub mod callback;
pub mod catalog_values;
pub mod certificate;
pub mod channels;
pub mod conflict;
pub mod contact_codes;
pub mod create;
pub mod decide;
pub mod deliver;
pub mod deliveries;
pub mod due;
pub mod dynamic_values;
pub mod error;
pub mod from_process;
pub mod jobs;
pub mod lag;
pub mod long_copy;
pub mod overview;
pub mod people;
mod pictures;
pub mod poll;
pub mod records;
pub mod redact;
pub mod refresh;
pub mod replay;
pub mod status;
pub mod stream;
mod submitter;
pub mod temporary_people;
pub mod unique_keys;
pub mod upload;
pub mod wake;

pub use error::Error;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    common::Authority,
    deployment::Deployment,
    platform::{Entropy, Platform, SecretsError, ttl_cache::TtlCache},
    process::Process,
    providers::{AccessError, Provider, Providers},
    store::{Store, StoreError, Tenant},
};

/// A new `wake_token` or `outbox_token`. It is always unique, since the stream's filter fires only on a new value.
/// `why` is the prefix that [`wants_answer`] and readers of the table see.
fn new_token(why: &str, entropy: &dyn Entropy) -> String {
    format!("{why}-{}", entropy.uuid().simple())
}

/// Prefix of a customer's wake token: the provider is asked in any state.
const ASKED: &str = "asked";
/// Prefix of a callback's wake token.
const CALLED: &str = "called";
/// Prefix of the schedule's wake token.
const OVERDUE: &str = "overdue";

/// Whether a wake token requires a query of the provider even if nothing is open.
fn wants_answer(wake_token: &str) -> bool {
    wake_token.starts_with(ASKED) || wake_token.starts_with(CALLED)
}

/// How long after a wake token the schedule wakes the item again.
const WAKE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// How long a tenant's data is cached: a pause of a provider takes effect everywhere within this time.
pub const TENANT_FRESH_FOR: SignedDuration = SignedDuration::from_mins(2);

/// The longest wait before a process at a paused provider is checked again.
const PAUSED_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// A failure of our own store, bucket or secrets; the only error that fails a stream record.
#[derive(Debug, thiserror::Error)]
pub enum InfraError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the bucket is unavailable")]
    Bucket,
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl InfraError {
    /// Whether a retry would fail in the same way: the store works, but its data is unusable.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(StoreError::Corrupt(_) | StoreError::TooLarge))
    }
}

/// The resources that the use cases share.
#[derive(Clone)]
struct Services {
    platform: Platform,
    store: Store,
    providers: Arc<Providers>,
    tenants: Arc<TtlCache<Tenant>>,
}

impl Services {
    fn new(deployment: &Deployment) -> Self {
        Self {
            platform: deployment.platform.clone(),
            store: Store::new(&deployment.platform),
            providers: Arc::new(Providers::new(deployment.factories, &deployment.platform.config)),
            tenants: Arc::new(TtlCache::fresh_for(TENANT_FRESH_FOR)),
        }
    }

    fn now(&self) -> Timestamp {
        self.platform.seams.clock.now()
    }

    /// The provider called `name`, with the account of the tenant of `who`.
    ///
    /// # Errors
    /// The tenant has no such account, or the account cannot be read.
    async fn provider(&self, who: &impl Authority, name: &str) -> Result<Box<dyn Provider>, AccessError> {
        self.providers.of_tenant(name, who.tenant(), &self.platform.secrets).await
    }

    /// As [`Self::provider`]; `None` if the tenant cannot use it.
    async fn usable_provider(
        &self,
        who: &impl Authority,
        name: &str,
    ) -> Result<Option<Box<dyn Provider>>, SecretsError> {
        match self.provider(who, name).await {
            Ok(provider) => Ok(Some(provider)),
            Err(AccessError::NoProvider(_)) => Ok(None),
            Err(AccessError::Secrets(error)) => Err(error),
        }
    }

    /// When `process` is checked next; see [`due::next_check`].
    ///
    /// # Errors
    /// The tenant's settings, which matter once a process has ended, cannot be read.
    async fn next_check(
        &self,
        who: &impl Authority,
        process: &Process,
        provider: &dyn Provider,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let retention = self.retention(who, process).await?;
        Ok(due::next_check(process, provider, retention, now, self.entropy()))
    }

    /// The tenant's retention of `process`, in days. It is read only once the process has ended.
    async fn retention(&self, who: &impl Authority, process: &Process) -> Result<Option<u32>, StoreError> {
        if process.ended_at.is_none() || process.redaction.is_some() {
            return Ok(None);
        }
        Ok(self.tenant(who).await?.and_then(|tenant| tenant.retention_days))
    }

    /// Whether operators paused the provider `name` for the tenant of `who`. A pause takes effect within two minutes,
    /// its end at once. At most one request in two minutes while not paused; one more request each time while paused.
    async fn is_paused(&self, who: &impl Authority, name: &str) -> Result<bool, StoreError> {
        let is_paused = |tenant: &Tenant| tenant.paused.contains_key(name);
        if !self.tenant(who).await?.is_some_and(|tenant| is_paused(&tenant)) {
            return Ok(false);
        }
        // Items woken at the end of a pause must not see a cached pause.
        Ok(self.store.tenant(who).await?.is_some_and(|tenant| is_paused(&tenant)))
    }

    /// The tenant of `who`, cached for at most [`TENANT_FRESH_FOR`].
    async fn tenant(&self, who: &impl Authority) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.tenants.get(who.tenant().as_str(), self.now(), self.store.tenant(who)).await
    }

    fn entropy(&self) -> &dyn Entropy {
        self.platform.seams.entropy.as_ref()
    }
}
