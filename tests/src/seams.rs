//! A clock that stands still until it is moved, and entropy that is the same in every run.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use cotejo::platform::{Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

/// The DynamoDB that the tests' tables are in, if not the embedded one.
pub(crate) fn second_store() -> Option<String> {
    std::env::var("COTEJO_TEST_DYNAMODB").ok().filter(|url| !url.is_empty())
}

/// Time that passes only when a test says so: whoever pauses gets his turn again at once, and a limit is reached when the time
/// comes.
pub struct SteppedClock(watch::Sender<Time>);

#[derive(Clone, Copy)]
struct Time {
    now: Timestamp,
    /// What of it counts for limits.
    ran: SignedDuration,
}

impl SteppedClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(watch::Sender::new(Time { now: at, ran: SignedDuration::ZERO }))
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|time| {
            time.now += by;
            time.ran += by;
        });
    }

    /// Makes it later without letting time pass: nobody's limit is nearer for it.
    pub fn leap(&self, by: SignedDuration) {
        self.0.send_modify(|time| time.now += by);
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    async fn pass(&self, time: Duration) {
        match second_store() {
            // What is waited for there takes real time.
            Some(_) => tokio::time::sleep(time).await,
            None => tokio::task::yield_now().await,
        }
    }

    async fn until(&self, moment: Timestamp) {
        let mut time = self.0.subscribe();
        let Time { now, ran } = *time.borrow();
        let end = ran + moment.duration_since(now);
        // It fails only where the clock is gone, and then nobody waits.
        let _ = time.wait_for(|time| time.ran >= end).await;
    }
}

/// Bytes that follow from a seed and a counter.
pub struct SeededEntropy {
    seed: i64,
    count: AtomicU64,
}

impl SeededEntropy {
    /// The bytes of `seed`, from their beginning.
    #[must_use]
    pub fn new(seed: i64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::digest([self.seed.to_be_bytes(), count.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
