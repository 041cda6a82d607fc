//! The clock seam.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use jiff::{Timestamp, ToSpan as _};

/// The current time in UTC, in whole milliseconds, as it is stored and shown.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Waits for `time`.
    async fn pass(&self, time: Duration);

    /// Waits until `moment`. A test skips [`Self::pass`]; it reaches this limit only by setting the time.
    async fn until(&self, moment: Timestamp);
}

/// The result of `work`, or `None` where it has not ended by `end`; then it is dropped.
pub async fn in_time<T>(clock: &dyn Clock, end: Timestamp, work: impl Future<Output = T>) -> Option<T> {
    // The work is polled first: a result in time counts, even if the time is over by now. It is boxed, because it is
    // part of every future above.
    match select(Box::pin(work), clock.until(end)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// The system clock.
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
