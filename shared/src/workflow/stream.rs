//! Batches of the table's stream: whatever a record is about is seen to once, side by side, and the records of those
//! that failed are named.

use std::{collections::HashMap, future::Future};

use aws_lambda_events::event::{
    dynamodb::Event,
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use futures_util::{StreamExt as _, stream};
use serde_dynamo::AttributeValue;

use super::OwnTrouble;
use crate::{
    platform::{
        Clock,
        contained::contained,
        telemetry::{self, Metric},
    },
    store::keys::WorkKey,
};

/// Items of one batch seen to at once.
const AT_ONCE: usize = 10;

/// Calls `see_to` once for each item in the batch. Several records of one item are one look, since a look sees the item
/// as it stands; where it fails, the earliest of its records is named, for Lambda brings everything from there again.
pub async fn each_item<F, T>(event: Event, clock: &dyn Clock, see_to: F) -> DynamoDbEventResponse
where
    F: Fn(WorkKey) -> T,
    T: Future<Output = Result<(), OwnTrouble>>,
{
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
            // Nothing that is wished for: the filter lets nothing else through, and bringing it again would not change it.
            None => tracing::error!("a stream record of an unknown kind was passed over"),
        }
    }
    let failures = stream::iter(order)
        .map(|key| {
            let record = first_record.remove(&key).flatten();
            let seen_to = see_to(key.clone());
            async move {
                let began = clock.now();
                let trouble = match contained(seen_to).await {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(panicked) => Some(panicked.to_string()),
                };
                let (tenant, item) = (key.tenant(), key.item().pk());
                let duration_ms = u64::try_from(clock.now().duration_since(began).as_millis()).unwrap_or_default();
                let Some(trouble) = trouble else {
                    tracing::info!(%tenant, item, duration_ms, "seen to");
                    return None;
                };
                tracing::error!(%tenant, item, duration_ms, error = trouble, "a stream record failed");
                telemetry::record(Metric::RecordFailed, &[], 1.0, clock.now());
                record
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
