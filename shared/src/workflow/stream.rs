//! Batches of the table's stream: handles each distinct item of a batch once, concurrently and for a limited time, and
//! reports the records of failed items.
//!
//! Lambda retries a reported record, which blocks the records behind it. So only failures of our own store are
//! reported, because a retry may succeed. A lasting failure or a timeout counts as handled; the item is still due, and
//! the schedule wakes it.

use std::{collections::HashMap, future::Future, time::Duration};

use aws_lambda_events::event::{
    dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_dynamo::AttributeValue;

use super::InfraError;
use crate::{
    platform::{
        Clock,
        clock::in_time,
        panics::catch_panic,
        telemetry::{self, Metric},
    },
    store::keys::WorkKey,
};

/// Items of one batch handled concurrently: all of them, so that a batch takes as long as its slowest item
/// (`.ci/check_template.py` compares it with the template's batch sizes).
pub const AT_ONCE: usize = 25;

/// How long a batch may take. The function's timeout must be longer (`.ci/check_template.py` compares them).
pub const BATCH_TIME: Duration = Duration::from_secs(25);

/// The result of an item.
enum Handled {
    Done,
    /// Retried by Lambda.
    Failed(String),
    /// Not retried: it would fail in the same way.
    LeftToSchedule(String),
}

impl Handled {
    fn of(handled: Result<(), InfraError>) -> Self {
        match handled {
            Ok(()) => Self::Done,
            Err(error) if error.is_lasting() => Self::LeftToSchedule(error.to_string()),
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// Calls `handle` once for each distinct item of the batch, with the end of the batch's time; a call still running then
/// is dropped. Several records of one item need one call, because it reads the current item. If the call fails, the
/// item's earliest record is reported, because Lambda retries everything from there.
pub async fn each_item<F, T>(event: Event, clock: &dyn Clock, handle: F) -> DynamoDbEventResponse
where
    F: Fn(WorkKey, Timestamp) -> T,
    T: Future<Output = Result<(), InfraError>>,
{
    let end = clock.now() + BATCH_TIME;
    let (order, mut first_record) = items(event);
    let failures = stream::iter(order)
        .map(|key| {
            let record = first_record.remove(&key).flatten();
            let handled = handle(key.clone(), end);
            async move {
                let began = clock.now();
                let outcome = match in_time(clock, end, catch_panic(handled)).await {
                    Some(Ok(handled)) => Handled::of(handled),
                    Some(Err(panicked)) => Handled::LeftToSchedule(panicked.to_string()),
                    None => Handled::LeftToSchedule("out of time".to_owned()),
                };
                report(&key, &outcome, began, clock.now());
                record.filter(|_| matches!(outcome, Handled::Failed(_)))
            }
        })
        .buffered(AT_ONCE)
        .filter_map(|failed| async { failed });
    let mut response = DynamoDbEventResponse::default();
    for record in failures.collect::<Vec<String>>().await {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(record);
        response.batch_item_failures.push(failure);
    }
    response
}

/// The distinct items of a batch in order, and the first record of each.
fn items(event: Event) -> (Vec<WorkKey>, HashMap<WorkKey, Option<String>>) {
    let mut order = Vec::new();
    let mut first_record = HashMap::new();
    for record in event.records {
        let pk = match record.change.keys.get("pk") {
            Some(AttributeValue::S(pk)) => Some(pk),
            _ => None,
        };
        match pk.and_then(|pk| WorkKey::of(pk)) {
            Some(key) => {
                first_record.entry(key.clone()).or_insert_with(|| {
                    order.push(key);
                    record.change.sequence_number
                });
            }
            // The filter passes only items that can be woken, and a retry would not help.
            None => tracing::error!("a stream record of an unknown kind was skipped"),
        }
    }
    (order, first_record)
}

fn report(key: &WorkKey, outcome: &Handled, began: Timestamp, now: Timestamp) {
    let (tenant, item) = (key.tenant(), key.item().pk());
    let duration_ms = u64::try_from(now.duration_since(began).as_millis()).unwrap_or_default();
    match outcome {
        Handled::Done => return tracing::info!(%tenant, item, duration_ms, "item handled"),
        Handled::Failed(error) => tracing::error!(%tenant, item, duration_ms, error, "a stream record failed"),
        Handled::LeftToSchedule(error) => {
            tracing::error!(%tenant, item, duration_ms, error, "a stream record was left to the schedule");
        }
    }
    telemetry::record(Metric::RecordFailed, &[], 1.0, now);
}
