//! Retries after lost races: load, change and store again when another execution wrote first.
//!
//! This module retries lost races only. The layer below ([`crate::store`]) retries transient DynamoDB errors; an error
//! that remains is returned.
//!
//! ```text
//! let mut races = services.races();
//! loop {
//!     let mut record = store.load(…).await?;
//!     …
//!     if races.won(store.commit(…, &record).await).await? {
//!         return Ok(record);
//!     }
//! }
//! ```

use super::Services;
use crate::{platform::Seams, store::StoreError};

/// How many lost races are retried before the caller gets an error.
const MAX_RACES: u32 = 10;

/// The lost races of one use case on one item.
pub struct Races<'a> {
    seams: &'a Seams,
    lost: u32,
}

impl<'a> Races<'a> {
    /// Starts with no lost race.
    #[must_use]
    pub fn new(seams: &'a Seams) -> Self {
        Self { seams, lost: 0 }
    }

    /// Whether the write was done. If another execution wrote first, this waits with backoff and returns `false`: the
    /// caller must try again.
    ///
    /// # Errors
    /// Any other error of the write, and [`StoreError::Conflict`] after too many lost races.
    pub async fn won(&mut self, write: Result<(), StoreError>) -> Result<bool, StoreError> {
        match write {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => self.lose().await.map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// As [`Self::won`] when the caller already knows that it lost the race.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] after too many lost races.
    pub async fn lose(&mut self) -> Result<(), StoreError> {
        self.lost += 1;
        if self.lost >= MAX_RACES {
            return Err(StoreError::Conflict);
        }
        tracing::info!(lost = self.lost, "lost a race");
        self.seams.back_off(self.lost).await;
        Ok(())
    }
}

impl Services {
    pub(super) fn races(&self) -> Races<'_> {
        Races::new(&self.platform.seams)
    }
}
