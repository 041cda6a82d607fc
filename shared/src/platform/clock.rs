//! The clock seam.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use jiff::{Timestamp, ToSpan as _};

/// Tells the present moment, UTC, in whole milliseconds: what is stored and shown has no finer grain.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Lets so much time pass.
    async fn pass(&self, time: Duration);

    /// Returns once it is `moment`. Where [`Self::pass`] is a pause that a test skips, this is a limit that a test reaches only by
    /// letting the time come.
    async fn until(&self, moment: Timestamp);
}

/// What comes of `work`, or `None` where it has not ended at `end`; then it is dropped where it stands.
pub async fn in_time<T>(clock: &dyn Clock, end: Timestamp, work: impl Future<Output = T>) -> Option<T> {
    // The work goes first: what is there in time counts, also where the time is over by now. It is on the heap, for it stands in
    // every future above.
    match select(Box::pin(work), clock.until(end)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// The machine's own clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now - now.subsec_nanosecond().rem_euclid(1_000_000).nanoseconds()
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn until(&self, moment: Timestamp) {
        let left = moment.duration_since(self.now());
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }
}
