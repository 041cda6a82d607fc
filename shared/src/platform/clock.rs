//! The clock seam.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan as _};

/// Tells the present moment, UTC, in whole milliseconds: what is stored and shown has no finer grain.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Lets so much time pass.
    async fn pass(&self, time: Duration);
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
}
