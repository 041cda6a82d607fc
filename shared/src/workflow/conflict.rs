//! Lost races: whoever loads, changes and stores something does it again where somebody else wrote first.
//!
//! Only a lost race is run again here. What DynamoDB refuses for the moment was sent again below ([`crate::store`]), and what is
//! still refused then is an error.
//!
//! ```text
//! let mut races = means.races();
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

/// How often a lost race is run again before the caller is told to come back.
const MAX_RACES: u32 = 10;

/// The races of one use case for one thing.
pub struct Races<'a> {
    seams: &'a Seams,
    lost: u32,
}

impl<'a> Races<'a> {
    /// None was run yet.
    #[must_use]
    pub fn new(seams: &'a Seams) -> Self {
        Self { seams, lost: 0 }
    }

    /// Whether a write was done. Where somebody else wrote first, it waits, a little longer each time: then it is to be run again.
    ///
    /// # Errors
    /// Any other error of the write, and [`StoreError::Conflict`] where the race was lost too often.
    pub async fn won(&mut self, write: Result<(), StoreError>) -> Result<bool, StoreError> {
        match write {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => self.lose().await.map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// As [`Self::won`] where it is known that somebody else was first.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] likewise.
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
    /// See [`Races`].
    pub(super) fn races(&self) -> Races<'_> {
        Races::new(&self.platform.seams)
    }
}
