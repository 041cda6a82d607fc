//! Handing events on: every event goes to each channel that subscribes to it, then leaves the outbox.
//!
//! An event without a subscriber is handed on by closing it. There is no way to register a channel yet, so that is every
//! event today; the timeline keeps what happened all the same.

use super::{MAX_RACES, Means, OwnTrouble};
use crate::{
    platform::Platform,
    store::{StoreError, keys::OwnKey},
};

/// The use case.
pub struct DeliverNotifications(Means);

impl DeliverNotifications {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self(Means::new(platform))
    }

    /// Hands on what is in the outbox of `key`, and says how many events that were.
    ///
    /// # Errors
    /// Our own store; the events stay in the outbox.
    pub async fn run(&self, key: &OwnKey) -> Result<usize, OwnTrouble> {
        for _ in 0..MAX_RACES {
            let Some(record) = self.0.store.load(key, key.id).await? else { return Ok(0) };
            if record.outbox.is_empty() {
                return Ok(0);
            }
            match self.0.store.close_outbox(key, &record).await {
                Ok(()) => return Ok(record.outbox.len()),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }
}
