//! A clock that stands still until it is moved, and entropy that is the same in every run.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use cotejo::platform::{Clock, Entropy};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

/// Time that passes only by [`SteppedClock::advance`]: whoever waits gets his turn again at once.
pub struct SteppedClock(Mutex<Timestamp>);

impl SteppedClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Mutex::new(at))
    }

    /// Lets time pass.
    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, _time: Duration) {
        tokio::task::yield_now().await;
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
