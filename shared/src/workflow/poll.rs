//! The schedule behind the stream: it wakes every overdue item again.

use futures_util::{StreamExt as _, stream};

use super::{InfraError, OVERDUE, Services, WAKE_TIMEOUT, new_token};
use crate::{
    deployment::Deployment,
    platform::{
        panics::catch_panic,
        telemetry::{self, Metric},
    },
    store::{StoreError, due::DueItem, keys::DUE_SHARDS},
};

/// Items of one shard handled by one run; the next run takes the rest.
const PER_SHARD: i32 = 200;
/// Shards and items handled concurrently.
const AT_ONCE: usize = 8;

pub struct PollDue(Services);

impl PollDue {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Wakes the due items, and returns their number. An item that cannot be woken does not stop the others.
    ///
    /// # Errors
    /// The table fails, returned after all items were tried; an item that was not woken is due at the next run.
    pub async fn run(&self) -> Result<usize, InfraError> {
        let now = self.0.now();
        let shards = stream::iter(0..DUE_SHARDS).map(|shard| self.0.store.due(shard, now, PER_SHARD));
        let shards: Vec<_> = shards.buffer_unordered(AT_ONCE).collect().await;
        let mut trouble = None;
        let mut due: Vec<DueItem> = Vec::new();
        for shard in shards {
            match shard {
                Ok(items) => due.extend(items),
                Err(error) => trouble = Some(error),
            }
        }
        let overdue = due.iter().filter_map(|item| item.due_at().ok()).map(|at| now.duration_since(at).as_secs_f64());
        telemetry::record(Metric::OldestOverdue, &[], overdue.fold(0.0, f64::max), now);
        let woken = stream::iter(due).map(|item| async move {
            let wake_token = new_token(OVERDUE, self.0.entropy());
            let woken = catch_panic(self.0.store.wake_due(&item, &wake_token, now + WAKE_TIMEOUT)).await;
            // A panic affects one item only, which stays due.
            let woken = woken.unwrap_or(Err(StoreError::Corrupt("what is due")));
            if let Err(error) = &woken {
                tracing::error!(tenant = %item.key.tenant(), item = item.key.item().pk(), %error, "could not be woken");
            }
            woken
        });
        let woken: Vec<_> = woken.buffer_unordered(AT_ONCE).collect().await;
        let mut count = 0;
        for each in woken {
            match each {
                Ok(woken) => count += usize::from(woken),
                Err(error) => trouble = Some(error),
            }
        }
        tracing::info!(count, "woken");
        trouble.map_or(Ok(count), |error| Err(error.into()))
    }
}
