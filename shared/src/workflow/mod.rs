//! The use cases, one a file. Each reads like what it does: load, ask, decide, store.
//!
//! | file | use case | called by |
//! | --- | --- | --- |
//! | `create` | take a request, store it, hand it to the provider | create-process |
//! | `upload` | give a place for a picture before the process that needs it | create-process |
//! | `status` | show one process or a list, ask for a refresh, link to evidence | query-status |
//! | `decide` | take a reviewer's decision | decide-process |
//! | `redact` | remove everything about the person | decide-process |
//! | `certificate` | give out the certificate, fetch it where it is missing | fetch-certificate |
//! | `callback` | put a provider's callback where it cannot be lost | receive-callback |
//! | `refresh` | fold callbacks and the provider's answer into the process, copy its pictures | run-work |
//! | `long_copy` | copy a video beside its process | run-work, copy-long |
//! | `poll` | wake whatever is overdue | poll-due |
//! | `wake` | wake the processes of one provider | infra/admin |
//! | `overview` | say what is behind, failing or given up | infra/admin |
//! | `deliver` | make deliveries of events | deliver-notifications |
//! | `attempt` | hand one delivery over | deliver-notifications |
//! | `channels` | keep a tenant's channels | notification-channels |
//! | `deliveries` | show what was delivered, and deliver it again | notification-channels |
//! | `records` | keep records of the registry, whatever their family | people, person-records |
//! | `catalog_values` | add many values to a catalog | catalogs |
//! | `dynamic_values` | keep what persons have in dynamic properties | catalogs |
//! | `people` | what persons have beyond that: find, search, delete, restore | people |
//! | `contact_codes` | send a code to a person, and see whether it comes back | contact-verification |
//! | `temporary_people` | make a person of a temporary one | temporary-people |
//! | `from_process` | fill a person with what a verification read | people |
//! | `jobs` | export and import many persons | people, run-work |
//! | `replay` | wake again what a stream record that was given up was about | infra/admin |
//! | `unique_keys` | replace the key of unique values by another | infra/admin |
//! | `stream` | one look per process of a batch of stream records | run-work, deliver-notifications |
//! | `lag` | note how far the stream is behind | run-work, deliver-notifications |
//! | `due` | when to look again | all of them |
//! | `conflict` | running a lost race again | all of them |
//!
//! What several of them do is in `submitter` (handing a process to its provider), `pictures` (those a customer submits),
//! `answer` (keeping what a provider said).

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

/// A new `wake_token` or `outbox_token`: never the same twice, since the stream's filter fires only on a new value. `why` is what
/// [`wants_answer`] and whoever reads the table can see in it.
fn new_token(why: &str, entropy: &dyn Entropy) -> String {
    format!("{why}-{}", entropy.uuid().simple())
}

/// The wake token of a customer, who wants the provider asked whatever the state.
const ASKED: &str = "asked";
/// The wake token that comes with a callback.
const CALLED: &str = "called";
/// The wake token of the schedule.
const OVERDUE: &str = "overdue";

/// Whether a wake token wants the provider asked even where nothing is open.
fn wants_answer(wake_token: &str) -> bool {
    wake_token.starts_with(ASKED) || wake_token.starts_with(CALLED)
}

/// How long a wake token is waited for before the schedule wakes the item again.
const WAKE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

/// How long what is known of a tenant serves: so fast a pause of a provider, and its end, count everywhere.
pub const TENANT_FRESH_FOR: SignedDuration = SignedDuration::from_mins(2);

/// When what waits for a paused provider is looked at again, at the latest.
const PAUSED_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// Our own store or bucket did not do its part; the only trouble that fails a stream record.
#[derive(Debug, thiserror::Error)]
pub enum InfraError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket.
    #[error("the bucket is unavailable")]
    Bucket,
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl InfraError {
    /// Whether the next try would end alike: the store is well, and what is in it is not.
    fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(StoreError::Corrupt(_) | StoreError::TooLarge))
    }
}

/// What the workflows share of a platform.
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

    /// The provider called `name`, speaking for the tenant of `who`, or why there is none.
    ///
    /// # Errors
    /// The account cannot be looked up.
    async fn provider(&self, who: &impl Authority, name: &str) -> Result<Box<dyn Provider>, AccessError> {
        self.providers.of_tenant(name, who.tenant(), &self.platform.secrets).await
    }

    /// When to look at `process` again; see [`due::next_check`].
    ///
    /// # Errors
    /// The tenant's settings, which count once a process has ended, cannot be looked up.
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

    /// After how many days its tenant wants `process` redacted. It is looked up only where that counts: once it has ended.
    async fn retention(&self, who: &impl Authority, process: &Process) -> Result<Option<u32>, StoreError> {
        if process.ended_at.is_none() || process.redaction.is_some() {
            return Ok(None);
        }
        Ok(self.tenant(who).await?.and_then(|tenant| tenant.retention_days))
    }

    /// Whether operators have the provider called `name` left alone for the tenant of `who`. A pause counts within two minutes, its end
    /// at once. No request of its own but for one in two minutes, and one where it is paused.
    async fn is_paused(&self, who: &impl Authority, name: &str) -> Result<bool, StoreError> {
        let is_paused = |tenant: &Tenant| tenant.paused.contains_key(name);
        if !self.tenant(who).await?.is_some_and(|tenant| is_paused(&tenant)) {
            return Ok(false);
        }
        // Whatever is woken as soon as the pause ends must not find it remembered.
        Ok(self.store.tenant(who).await?.is_some_and(|tenant| is_paused(&tenant)))
    }

    /// The tenant of `who`, as it was at most [`TENANT_FRESH_FOR`] ago.
    async fn tenant(&self, who: &impl Authority) -> Result<Option<Arc<Tenant>>, StoreError> {
        self.tenants.get(who.tenant().as_str(), self.now(), self.store.tenant(who)).await
    }

    fn entropy(&self) -> &dyn Entropy {
        self.platform.seams.entropy.as_ref()
    }
}
