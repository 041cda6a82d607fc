//! The table's stream, read as Lambda's event source mappings read it.
//!
//! Each mapping reads every shard independently and has its own position, so that a failure in one does not delay the other. A
//! position advances only after its records were handled or failed for good: after a kill they are read again. Records of one
//! item are handled in order; different items run concurrently, up to the mapping's parallelization factor.

mod batch;
mod position;
mod record;
#[cfg(test)]
mod tests;
mod trim;

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use aws_sdk_dynamodbstreams::{
    Client,
    types::{Record, Shard, ShardIteratorType},
};
use serde_json::Value;
use tokio::sync::Mutex;

pub use batch::{Handled, Invoke, Keep, Mapping, Source};
pub use position::Positions;
#[cfg(test)]
pub(crate) use trim::TRIM_EVERY;
pub use trim::Trimmer;

use crate::stores::StoreError;
use record::{sequence_number, to_lambda};

/// The result of one step of a poller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Records read, whether or not the mapping's filters let them through.
    pub read: usize,
    /// Records that the function received.
    pub matched: usize,
    /// The result of handling them.
    pub handled: Handled,
}

pub struct Poller {
    client: Client,
    stream_arn: String,
    region: String,
    mapping: Mapping,
    positions: Arc<Positions>,
    /// Locked while a step runs.
    reading: Mutex<Reading>,
}

/// How far a poller has read.
#[derive(Default)]
struct Reading {
    /// The stream's shards; `None` if they must be read again. New shards appear only after one has ended, so an idle stream is
    /// not described at every step.
    shards: Option<Vec<Shard>>,
    /// Where to read on, by shard; `None` once a shard is read to its end.
    iterators: BTreeMap<String, Option<String>>,
}

impl Poller {
    /// A mapping that continues at its position, or starts at the oldest record.
    #[must_use]
    pub fn new(client: Client, stream_arn: &str, region: &str, mapping: Mapping, positions: Arc<Positions>) -> Self {
        Self {
            client,
            stream_arn: stream_arn.to_owned(),
            region: region.to_owned(),
            mapping,
            positions,
            reading: Mutex::new(Reading::default()),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.mapping.trigger.name
    }

    /// Reads every shard once, and handles the records.
    ///
    /// # Errors
    /// The stream cannot be read, or the position cannot be stored. The records are then read again.
    pub async fn step(&self) -> Result<Step, StoreError> {
        let mut reading = self.reading.lock().await;
        let Reading { shards: known, iterators } = &mut *reading;
        let mut step = Step::default();
        // Set again when this step has succeeded.
        let shards = match known.take() {
            Some(shards) => shards,
            None => self.shards().await?,
        };
        let present: HashSet<&str> = shards.iter().filter_map(|shard| shard.shard_id.as_deref()).collect();
        for shard in &shards {
            let Some(id) = shard.shard_id.as_deref() else { continue };
            // A child holds what came after its parent.
            let parent = shard.parent_shard_id.as_deref().filter(|parent| present.contains(parent));
            if parent.is_some_and(|parent| iterators.get(parent).is_none_or(Option::is_some)) {
                continue;
            }
            let iterator = match iterators.get(id) {
                Some(None) => continue,
                Some(Some(iterator)) => iterator.clone(),
                None => self.iterator(id).await?,
            };
            // An iterator that fails may have expired; the position gives a new one.
            iterators.remove(id);
            let answer = self.client.get_records().shard_iterator(iterator).send().await;
            let answer = answer.map_err(|error| StoreError::call("GetRecords", &error))?;
            let records: Vec<Value> = answer.records().iter().map(|record| self.to_lambda(record)).collect();
            if let Some(last) = records.last() {
                let last = sequence_number(last).to_owned();
                step.read += records.len();
                let (matched, handled) = self.handle(id, records).await;
                step.matched += matched;
                step.handled += handled;
                self.positions
                    .set(&self.stream_arn, self.name(), id, last)
                    .map_err(|error| StoreError::call("storing the stream's position", &error))?;
            }
            iterators.insert(id.to_owned(), answer.next_shard_iterator);
        }
        iterators.retain(|id, _| present.contains(id.as_str()));
        let has_ended = iterators.values().any(Option::is_none);
        *known = (!has_ended && !shards.is_empty()).then_some(shards);
        Ok(step)
    }

    fn to_lambda(&self, record: &Record) -> Value {
        let mut record = to_lambda(record, &self.stream_arn, &self.region);
        if self.mapping.own_time {
            record["dynamodb"]["ApproximateCreationDateTime"] = self.mapping.seams.clock.now().as_second().into();
        }
        record
    }

    async fn handle(&self, shard: &str, records: Vec<Value>) -> (usize, Handled) {
        let filters = &self.mapping.trigger.filters;
        let mut lanes = BTreeMap::<u64, Vec<Value>>::new();
        let mut matched = 0;
        for record in records {
            if filters.is_empty() || filters.iter().any(|filter| filter.matches(&record)) {
                matched += 1;
                let mut hasher = DefaultHasher::new();
                record["dynamodb"]["Keys"].to_string().hash(&mut hasher);
                let lane = hasher.finish() % u64::try_from(self.mapping.trigger.parallelization).unwrap_or(1);
                lanes.entry(lane).or_default().push(record);
            }
        }
        let source = Source { stream_arn: self.stream_arn.clone(), shard: shard.to_owned() };
        let lanes = lanes.into_values().map(|records| self.mapping.handle(&source, records));
        let mut handled = Handled::default();
        for lane in futures_util::future::join_all(lanes).await {
            handled += lane;
        }
        (matched, handled)
    }

    async fn shards(&self) -> Result<Vec<Shard>, StoreError> {
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let request =
                self.client.describe_stream().stream_arn(&self.stream_arn).set_exclusive_start_shard_id(after);
            let answer = request.send().await.map_err(|error| StoreError::call("DescribeStream", &error))?;
            let Some(description) = answer.stream_description else { return Ok(shards) };
            shards.extend(description.shards.unwrap_or_default());
            after = description.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    async fn iterator(&self, shard: &str) -> Result<String, StoreError> {
        let request = self.client.get_shard_iterator().stream_arn(&self.stream_arn).shard_id(shard);
        let answer = match self.positions.get(&self.stream_arn, self.name(), shard) {
            Some(position) => {
                let request = request.clone().shard_iterator_type(ShardIteratorType::AfterSequenceNumber);
                match request.sequence_number(position).send().await {
                    // The stream no longer has the record that was read last.
                    Err(error) if error.as_service_error().is_some_and(|e| e.is_trimmed_data_access_exception()) => {
                        None
                    }
                    answer => Some(answer),
                }
            }
            None => None,
        };
        let answer = match answer {
            Some(answer) => answer,
            None => request.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await,
        };
        let answer = answer.map_err(|error| StoreError::call("GetShardIterator", &error))?;
        answer.shard_iterator.ok_or_else(|| StoreError::Call {
            call: "GetShardIterator".to_owned(),
            problem: "gave no iterator".to_owned(),
        })
    }
}
