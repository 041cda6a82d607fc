//! The promise behind the stream: whatever is overdue is wished for again.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Means, OVERDUE, OwnTrouble, WISH_PATIENCE, fresh};
use crate::{
    platform::Platform,
    store::{due::DueItem, keys::DUE_SHARDS},
};

/// Items of one shard seen to by one run; the next run takes the rest.
const PER_SHARD: i32 = 200;
/// Shards and items seen to at once.
const AT_ONCE: usize = 8;

/// The use case.
pub struct PollDue(Means);

impl PollDue {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self(Means::new(platform))
    }

    /// Wakes whatever is due, and says how many that were.
    ///
    /// # Errors
    /// The table; what was not woken is still due at the next run.
    pub async fn run(&self) -> Result<usize, OwnTrouble> {
        let now = self.0.now();
        let shards = stream::iter(0..DUE_SHARDS).map(|shard| self.0.store.due(shard, now, PER_SHARD));
        let due: Vec<Vec<DueItem>> = shards.buffer_unordered(AT_ONCE).try_collect().await?;
        let woken = stream::iter(due.into_iter().flatten()).map(|item| async move {
            let wish = fresh(OVERDUE, self.0.entropy());
            self.0.store.wish_due(&item, &wish, now + WISH_PATIENCE).await
        });
        let woken: Vec<bool> = woken.buffer_unordered(AT_ONCE).try_collect().await?;
        let count = woken.into_iter().filter(|woken| *woken).count();
        tracing::info!(count, "woken");
        Ok(count)
    }
}
