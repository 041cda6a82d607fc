//! Batches of the table's stream: handles each distinct item of a batch once, concurrently and for a limited time, and the records
//! of those that failed are named.
//!
//! A record that is named is brought again, and holds up what comes behind it. So only that is named which may be otherwise the
//! next time: trouble of our own store. What would fail again in the same way, and what was not done in time, counts as
//! handled; it is still due, and the clock wakes it.

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

/// Items of one batch seen to at once: all of them, so that a batch takes as long as the longest of them (`.ci/check_template.py`
/// compares it with the template's batch sizes).
pub const AT_ONCE: usize = 25;

/// How long a batch may take. The function's own time must be longer (`.ci/check_template.py` compares them).
pub const BATCH_TIME: Duration = Duration::from_secs(25);

/// What became of an item.
enum Handled {
    Done,
    /// To be brought again.
    Failed(String),
    /// Not to be brought again: it would end alike.
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

/// Calls `handle` once for each item in the batch, with the moment when the batch must have ended; what runs then is dropped where
/// it stands. Several records of one item are one look, since a look sees the item as it stands; where it fails, the earliest of its
/// records is named, for Lambda brings everything from there again.
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

/// What a batch is about, in its order, and the first record of each.
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
            // Nothing that can be woken: the filter lets nothing else through, and bringing it again would not change it.
            None => tracing::error!("a stream record of an unknown kind was passed over"),
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
            tracing::error!(%tenant, item, duration_ms, error, "a stream record was left to the clock");
        }
    }
    telemetry::record(Metric::RecordFailed, &[], 1.0, now);
}
