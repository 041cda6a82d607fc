//! Waiting before something is tried again that others were in the way of.

use std::time::Duration;

use super::Seams;

/// The longest wait before the second try; it doubles with every try …
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// … so often.
const MAX_DOUBLINGS: u32 = 5;

impl Seams {
    /// Waits after `tries` tries in vain: exponential backoff with full jitter. Who waits longest is left to chance, or all who
    /// were in each other's way would meet again.
    pub async fn back_off(&self, tries: u32) {
        let most = FIRST_WAIT * 2_u32.pow(tries.saturating_sub(1).min(MAX_DOUBLINGS));
        self.clock.pass(most.mul_f64(self.entropy.fraction())).await;
    }
}
