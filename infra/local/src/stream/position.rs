//! How far each mapping has read, in a file.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use crate::data::{read_json, write_private};

/// By stream, mapping and shard: the sequence number of the last record that was handled or failed for good.
type ByStream = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;

/// The positions of all mappings.
pub struct Positions {
    file: PathBuf,
    positions: Mutex<ByStream>,
}

impl Positions {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(file: PathBuf) -> io::Result<Self> {
        let positions = read_json(&file)?.unwrap_or_default();
        Ok(Self { file, positions: Mutex::new(positions) })
    }

    pub(super) fn get(&self, stream: &str, mapping: &str, shard: &str) -> Option<String> {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions.get(stream)?.get(mapping)?.get(shard).cloned()
    }

    /// The position up to which every one of `mappings` has read `stream`; `None` while one of them has read nothing.
    pub(super) fn lowest(&self, stream: &str, mappings: &[String]) -> Option<String> {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let of_stream = positions.get(stream)?;
        let lowest = |mapping: &String| of_stream.get(mapping)?.values().min_by_key(|position| in_order(position));
        // A mapping without a position has the lowest.
        let all: Option<Vec<_>> = mappings.iter().map(lowest).collect();
        all?.into_iter().min_by_key(|position| in_order(position)).cloned()
    }

    pub(super) fn set(&self, stream: &str, mapping: &str, shard: &str, position: String) -> io::Result<()> {
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let shards = positions.entry(stream.to_owned()).or_default().entry(mapping.to_owned()).or_default();
        shards.insert(shard.to_owned(), position);
        write_private(&self.file, &serde_json::to_vec_pretty(&*positions)?)
    }
}

/// Sequence numbers are long, without leading zeros, and in numeric order.
fn in_order(position: &str) -> (usize, &str) {
    (position.len(), position)
}
