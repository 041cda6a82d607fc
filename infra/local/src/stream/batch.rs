//! One batch of stream records until it is handled or has failed for good: partial answers, bisection, retries and the
//! on-failure bucket, as in Lambda's event source mappings.

use std::{sync::Arc, time::Duration};

use cotejo::platform::Seams;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::record::sequence_number;
use crate::{functions::InvokeError, template::StreamTrigger};

/// Calls the function of a mapping.
pub type Invoke = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, InvokeError>> + Send + Sync>;

/// Stores failed records: bucket, key, content.
pub type Keep = Arc<dyn Fn(String, String, Vec<u8>) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A mapping of a stream to a function.
#[derive(Clone)]
pub struct Mapping {
    /// The mapping in the template.
    pub trigger: StreamTrigger,
    /// Whether a record gets the time at which it is read, by this system's clock: another server's clock differs from a test's.
    pub own_time: bool,
    /// The function's ARN, for the record of a failure.
    pub function_arn: String,
    pub invoke: Invoke,
    /// Stores failed records.
    pub keep: Keep,
    pub seams: Seams,
    /// The wait before the first retry, doubled for each further one up to [`LONGEST_WAIT`]; zero does not wait.
    pub first_wait: Duration,
}

/// The origin of a batch.
#[derive(Debug, Clone)]
pub struct Source {
    pub stream_arn: String,
    pub shard: String,
}

/// The result of handling some records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Handled {
    pub calls: usize,
    /// Records that failed after repeated attempts.
    pub failed_records: usize,
}

/// The longest wait between two tries of one batch.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

struct Batch {
    records: Vec<Value>,
    failures: u64,
    calls: usize,
}

impl Batch {
    /// Removes the records that are done. The record that is first then has failed once.
    fn drop_first(&mut self, done: usize) {
        self.records.drain(..done);
        self.failures = if done > 0 { 1 } else { self.failures + 1 };
    }

    fn split_off_half(&mut self) -> Self {
        let rest = self.records.split_off(self.records.len() / 2);
        Self { records: rest, failures: self.failures, calls: self.calls }
    }
}

/// The result of a call for its batch.
enum Verdict {
    Done,
    /// Everything before this record is done.
    FailedFrom(usize),
    Failed,
}

impl std::ops::AddAssign for Handled {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.failed_records += other.failed_records;
    }
}

impl Mapping {
    /// Handles records in order, batch by batch.
    pub async fn handle(&self, source: &Source, records: Vec<Value>) -> Handled {
        let mut handled = Handled::default();
        for records in records.chunks(self.trigger.batch_size) {
            handled += self.batch(source, Batch { records: records.to_vec(), failures: 0, calls: 0 }).await;
        }
        handled
    }

    async fn batch(&self, source: &Source, batch: Batch) -> Handled {
        let mut handled = Handled::default();
        let mut pending = vec![batch];
        while let Some(mut batch) = pending.pop() {
            if self.is_too_old(&batch) {
                handled.failed_records += batch.records.len();
                self.store_failed(source, &batch, "RecordAgeExceeded").await;
                continue;
            }
            handled.calls += 1;
            batch.calls += 1;
            let answer = (self.invoke)(json!({"Records": batch.records})).await;
            match self.verdict(&batch, answer) {
                Verdict::Done => continue,
                Verdict::FailedFrom(first) => batch.drop_first(first),
                Verdict::Failed if self.trigger.retry.bisect && batch.records.len() > 1 => {
                    // Splitting does not count as a retry.
                    let rest = batch.split_off_half();
                    pending.extend([rest, batch]);
                    continue;
                }
                Verdict::Failed => batch.failures += 1,
            }
            if self.trigger.retry.attempts.is_some_and(|attempts| batch.failures > attempts) {
                handled.failed_records += batch.records.len();
                self.store_failed(source, &batch, "RetryAttemptsExhausted").await;
                continue;
            }
            let doublings = u32::try_from(batch.failures.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
            tokio::time::sleep((self.first_wait * 2_u32.pow(doublings)).min(LONGEST_WAIT)).await;
            pending.push(batch);
        }
        handled
    }

    fn verdict(&self, batch: &Batch, answer: Result<Value, InvokeError>) -> Verdict {
        let Ok(answer) = answer else { return Verdict::Failed };
        if !self.trigger.retry.partial {
            return Verdict::Done;
        }
        let failures = match &answer["batchItemFailures"] {
            Value::Null => return Verdict::Done,
            Value::Array(failures) if failures.is_empty() => return Verdict::Done,
            Value::Array(failures) => failures,
            _ => return Verdict::Failed,
        };
        let place = |failure: &Value| {
            let identifier = failure["itemIdentifier"].as_str()?;
            batch.records.iter().position(|record| sequence_number(record) == identifier)
        };
        // An identifier that names none of the records fails the whole batch.
        let places: Option<Vec<usize>> = failures.iter().map(place).collect();
        places.and_then(|places| places.into_iter().min()).map_or(Verdict::Failed, Verdict::FailedFrom)
    }

    fn is_too_old(&self, batch: &Batch) -> bool {
        let (Some(limit), Some(created)) = (self.trigger.retry.max_age, batch.records.first().and_then(created)) else {
            return false;
        };
        SignedDuration::try_from(limit).is_ok_and(|limit| self.seams.clock.now().duration_since(created) > limit)
    }

    async fn store_failed(&self, source: &Source, batch: &Batch, condition: &str) {
        let function = &self.trigger.name;
        tracing::error!(
            function,
            condition,
            records = batch.records.len(),
            "stream records failed after repeated attempts"
        );
        let Some(bucket) = &self.trigger.retry.on_failure_bucket else { return };
        let now = self.seams.clock.now();
        let arrival = |record: Option<&Value>| record.and_then(created).map(|time| time.to_string());
        let (first, last) = (batch.records.first(), batch.records.last());
        let content = json!({
            "requestContext": {
                "requestId": self.seams.entropy.uuid(),
                "functionArn": self.function_arn,
                "condition": condition,
                "approximateInvokeCount": batch.calls,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": now.to_string(),
            "DDBStreamBatchInfo": {
                "shardId": source.shard,
                "startSequenceNumber": first.map(sequence_number),
                "endSequenceNumber": last.map(sequence_number),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": batch.records.len(),
                "streamArn": source.stream_arn,
            },
            // Text, not JSON: so does Lambda.
            "payload": json!({"Records": batch.records}).to_string(),
        });
        let time = now.to_zoned(TimeZone::UTC);
        let key = format!(
            "aws/lambda/{function}/{}/{}-{}",
            source.shard,
            time.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S"),
            self.seams.entropy.uuid()
        );
        if let Err(problem) = (self.keep)(bucket.clone(), key, content.to_string().into_bytes()).await {
            tracing::error!(function, problem, "stream records were lost: their bucket refused them");
        }
    }
}

fn created(record: &Value) -> Option<Timestamp> {
    let seconds = record["dynamodb"]["ApproximateCreationDateTime"].as_f64()?;
    Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}
