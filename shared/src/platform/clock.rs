//! The clock seam.

use jiff::{Timestamp, ToSpan as _};

/// Tells the present moment, UTC, in whole milliseconds: what is stored and shown has no finer grain.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for the time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now - now.subsec_nanosecond().rem_euclid(1_000_000).nanoseconds()
    }
}
