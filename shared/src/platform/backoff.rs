//! Backoff after a write conflict.

use std::time::Duration;

use super::Seams;

/// The longest wait before the second try; it doubles with each try …
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// … this many times.
const MAX_DOUBLINGS: u32 = 5;

impl Seams {
    /// Waits after `tries` failed tries: exponential backoff with full jitter, so that writers that met do not meet
    /// again.
    pub async fn back_off(&self, tries: u32) {
        let most = FIRST_WAIT * 2_u32.pow(tries.saturating_sub(1).min(MAX_DOUBLINGS));
        self.clock.pass(most.mul_f64(self.entropy.fraction())).await;
    }
}
