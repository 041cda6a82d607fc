//! The overview for an operator on call: overdue items, stream lag, failing channels, each provider's last hour, and
//! pauses.
//!
//! All data comes from the table, so it needs no further permission. It is bounded: counts stop at a limit and say so.
//! It contains no personal data.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{InfraError, Services, lag::READERS};
use crate::{
    common::Authority,
    deployment::Deployment,
    notify::Channel,
    process::{Process, ProcessId, Status},
    store::{Tenant, keys::DUE_SHARDS, lists::created_at},
};

/// Overdue items counted in one shard.
const PER_SHARD: i32 = 1_000;
/// Processes of one tenant's last hour that are counted, the newest first.
const MOST_PROCESSES: usize = 200;
/// Concurrent requests.
const AT_ONCE: usize = 8;
/// The period that is counted for each provider.
const LAST: SignedDuration = SignedDuration::from_hours(1);
/// An item overdue for longer than this is more than one missed run of the schedule.
const LONG: SignedDuration = SignedDuration::from_mins(10);

/// The overdue items of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overdue {
    pub kind: &'static str,
    pub count: usize,
    /// How many of them are overdue for more than ten minutes.
    pub over_10_minutes: usize,
    /// When the oldest of them was due.
    pub since: Timestamp,
}

/// The progress of one reader of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    /// The name of the function.
    pub function: &'static str,
    /// When it last read a record older than a minute; `None` if never.
    pub late_at: Option<Timestamp>,
    /// The age of that record, in seconds.
    pub late_by_seconds: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailingChannel {
    pub tenant: String,
    pub channel: Uuid,
    /// When the failures began.
    pub since: Timestamp,
    /// While its breaker is open, no delivery calls the channel.
    pub breaker_open_until: Option<Timestamp>,
    /// The reason it was disabled, if it was.
    pub disabled: Option<String>,
}

/// A provider's processes of one tenant in the last hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProviderHour {
    pub created: usize,
    /// The processes among them that have ended.
    pub ended: usize,
    /// The processes that the provider has not confirmed.
    pub unconfirmed: usize,
    /// The current failures of open processes, with the number of processes for each.
    pub trouble: BTreeMap<String, usize>,
    /// Whether more processes were created than counted.
    pub and_more: bool,
    /// The start of the pause, if the provider is paused.
    pub paused_since: Option<Timestamp>,
}

/// The state of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// When it was read.
    pub at: Timestamp,
    /// Overdue items by kind.
    pub overdue: Vec<Overdue>,
    /// Whether more items are overdue than counted.
    pub more_overdue: bool,
    pub stream: Vec<Reader>,
    /// Channels that fail or were disabled after failures.
    pub channels: Vec<FailingChannel>,
    /// Each tenant's providers that were used in the last hour or are paused.
    pub providers: BTreeMap<String, BTreeMap<String, ProviderHour>>,
}

pub struct LookOver(Services);

impl LookOver {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Reads the state of the deployment; `tenants` are all tenants, each with its authority. 16 requests and one for
    /// each reader of the stream; for each tenant one and a few for its processes of the last hour, and one for each
    /// open process.
    ///
    /// # Errors
    /// The store fails.
    pub async fn run<A: Authority>(&self, tenants: &[(A, Tenant)]) -> Result<Overview, InfraError> {
        let at = self.0.now();
        let (overdue, more_overdue) = self.overdue(at).await?;
        let mut readers = Vec::new();
        for function in READERS {
            let lag = self.0.store.lag(function).await?;
            let (late_at, late_by_seconds) = (lag.map(|lag| lag.seen_at), lag.map(|lag| lag.seconds));
            readers.push(Reader { function, late_at, late_by_seconds });
        }
        let (mut channels, mut providers) = (Vec::new(), BTreeMap::new());
        for (who, tenant) in tenants {
            let of_tenant = self.0.store.channels(who).await?;
            channels.extend(of_tenant.iter().filter_map(|record| failing(&record.channel, at)));
            let hours = self.hours(who, tenant, at).await?;
            if !hours.is_empty() {
                providers.insert(tenant.id.to_string(), hours);
            }
        }
        Ok(Overview { at, overdue, more_overdue, stream: readers, channels, providers })
    }

    async fn overdue(&self, at: Timestamp) -> Result<(Vec<Overdue>, bool), InfraError> {
        let shards = stream::iter(0..DUE_SHARDS).map(|shard| self.0.store.due(shard, at, PER_SHARD));
        let shards: Vec<_> = shards.buffer_unordered(AT_ONCE).try_collect().await?;
        let is_full = |items: &Vec<_>| i32::try_from(items.len()).is_ok_and(|count| count >= PER_SHARD);
        let more = shards.iter().any(is_full);
        let mut kinds = BTreeMap::<&str, Overdue>::new();
        for item in shards.into_iter().flatten() {
            let (kind, since) = (item.key.kind(), item.due_at()?);
            let overdue = kinds.entry(kind).or_insert(Overdue { kind, count: 0, over_10_minutes: 0, since });
            overdue.count += 1;
            overdue.over_10_minutes += usize::from(at.duration_since(since) > LONG);
            overdue.since = overdue.since.min(since);
        }
        Ok((kinds.into_values().collect(), more))
    }

    /// The last hour of each provider that the tenant used or paused.
    async fn hours(
        &self,
        who: &impl Authority,
        tenant: &Tenant,
        at: Timestamp,
    ) -> Result<BTreeMap<String, ProviderHour>, InfraError> {
        let mut hours = BTreeMap::<String, ProviderHour>::new();
        for (provider, since) in &tenant.paused {
            hours.entry(provider.clone()).or_default().paused_since = Some(*since);
        }
        let (since, mut open, mut seen, mut place) = (at - LAST, Vec::new(), 0, None);
        loop {
            let page = self.0.store.walk_processes(who, since, None, place, at).await?;
            let is_whole = page.entries.iter().all(|listed| created_at(&listed.entry).is_some_and(|at| at >= since));
            let entries = page.entries.into_iter().map(|listed| listed.entry);
            for entry in entries.filter(|entry| created_at(entry).is_some_and(|at| at >= since)) {
                let hour = hours.entry(entry["provider"].as_str().unwrap_or_default().to_owned()).or_default();
                seen += 1;
                hour.and_more |= seen > MOST_PROCESSES;
                let counted = (seen <= MOST_PROCESSES).then(|| hour.count(&entry));
                open.extend(counted.flatten());
            }
            place = page.next.filter(|_| is_whole && seen <= MOST_PROCESSES);
            if place.is_none() {
                break;
            }
        }
        let loads = stream::iter(open).map(|id| self.0.store.load(who, id));
        let open: Vec<_> = loads.buffer_unordered(AT_ONCE).try_collect().await?;
        for Process { provider, trouble, .. } in open.into_iter().flatten().map(|record| record.process) {
            let Some(kind) = trouble.kind() else { continue };
            *hours.entry(provider).or_default().trouble.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(hours)
    }
}

impl ProviderHour {
    /// Counts the process of a list entry, and returns its id if it is still open.
    fn count(&mut self, entry: &Value) -> Option<ProcessId> {
        let status = entry["status"].as_str().and_then(Status::from_name);
        let is_terminal = status.is_some_and(Status::is_terminal);
        self.created += 1;
        self.ended += usize::from(is_terminal);
        self.unconfirmed += usize::from(status == Some(Status::Submitting));
        entry["id"].as_str().filter(|_| !is_terminal)?.parse().ok()
    }
}

/// The channel's failure, if it has one.
fn failing(channel: &Channel, now: Timestamp) -> Option<FailingChannel> {
    let since = channel.disabled.as_ref().map(|disabled| disabled.at);
    let since = channel.trouble.map(|trouble| trouble.since).or(since)?;
    let open_until = channel.trouble.and_then(|trouble| trouble.breaker.resting_until());
    Some(FailingChannel {
        tenant: channel.tenant.to_string(),
        channel: channel.id,
        since,
        breaker_open_until: open_until.filter(|until| *until > now),
        disabled: channel.disabled.as_ref().map(|disabled| disabled.reason.clone()),
    })
}
