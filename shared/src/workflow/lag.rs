//! Shows operators how far the stream is behind: a function that reads an old record notes its age in the table.
//!
//! Nothing is written while no record is late, so a healthy system pays nothing; see [`super::overview`].

use std::sync::{Mutex, PoisonError};

use aws_lambda_events::event::dynamodb::Event;
use jiff::{SignedDuration, Timestamp};

use crate::{
    platform::Platform,
    store::{Store, lag::StreamLag},
};

pub const READERS: [&str; 2] = ["run-work", "deliver-notifications"];

/// A record older than this is late.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// How often one execution environment notes a delay.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Watches the lag of one reader of the stream.
pub struct WatchLag {
    platform: Platform,
    store: Store,
    function: &'static str,
    noted_at: Mutex<Option<Timestamp>>,
}

impl WatchLag {
    /// For `function`, one of [`READERS`].
    #[must_use]
    pub fn new(platform: &Platform, function: &'static str) -> Self {
        debug_assert!(READERS.contains(&function));
        Self { platform: platform.clone(), store: Store::new(platform), function, noted_at: Mutex::default() }
    }

    /// Checks the age of a batch's records, concurrently with the batch's own work, and notes it if it is late. At most
    /// one write a minute; a failed write does not affect the batch.
    pub fn look<'a>(&'a self, event: &Event) -> impl Future<Output = ()> + use<'a> {
        let late = self.lateness(event);
        async move {
            let Some(lag) = late else { return };
            if let Err(error) = self.store.note_lag(self.function, &lag).await {
                tracing::warn!(function = self.function, %error, "the stream's lag could not be stored");
            }
        }
    }

    /// The age of the oldest record, if it must be noted.
    fn lateness(&self, event: &Event) -> Option<StreamLag> {
        let now = self.platform.seams.clock.now();
        let made = event.records.iter().map(|record| record.change.approximate_creation_date_time.timestamp());
        // A record without a creation time counts as recent.
        let age = made.filter(|made| *made > 0).min().map(|made| now.as_second() - made);
        let seconds = age.filter(|age| *age > LATE.as_secs())?;
        let mut noted_at = self.noted_at.lock().unwrap_or_else(PoisonError::into_inner);
        if noted_at.is_some_and(|at| now.duration_since(at) < EVERY) {
            return None;
        }
        *noted_at = Some(now);
        Some(StreamLag { seen_at: now, seconds })
    }
}
