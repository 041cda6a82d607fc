//! Removes the stream records that all mappings have read from the embedded database. AWS does so after 24 hours; here the file
//! would grow by two images for every change.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Poller, Positions};
use crate::stores::dynamodb::Embedded;

/// How many records are read between two trims.
pub(crate) const TRIM_EVERY: usize = 256;

/// Trims the streams that some pollers read.
pub struct Trimmer {
    database: Embedded,
    positions: Arc<Positions>,
    /// The names of the mappings by stream.
    mappings: BTreeMap<String, Vec<String>>,
    /// Records read since the last trim.
    read: AtomicUsize,
}

impl Trimmer {
    /// Trims in `database` what all of `pollers` have read, as `positions` says.
    #[must_use]
    pub fn new(database: Embedded, positions: Arc<Positions>, pollers: &[Poller]) -> Self {
        let mut mappings = BTreeMap::<String, Vec<String>>::new();
        for poller in pollers {
            mappings.entry(poller.stream_arn.clone()).or_default().push(poller.name().to_owned());
        }
        Self { database, positions, mappings, read: AtomicUsize::new(0) }
    }

    /// Counts records that were read, and trims from time to time. A failure is logged; the next trim removes more.
    pub async fn note(&self, read: usize) {
        if self.read.fetch_add(read, Ordering::Relaxed) + read < TRIM_EVERY {
            return;
        }
        self.read.store(0, Ordering::Relaxed);
        for (stream, mappings) in &self.mappings {
            let Some(position) = self.positions.lowest(stream, mappings) else { continue };
            if let Err(error) = self.database.trim_stream(stream, &position).await {
                tracing::warn!(%error, stream, "stream records that were read could not be removed");
            }
        }
    }
}
