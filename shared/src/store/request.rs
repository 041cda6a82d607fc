//! The only way to DynamoDB: it repeats requests that DynamoDB refuses temporarily, and recognises our own writes.
//!
//! DynamoDB refuses a request temporarily if a transaction over the same item is in progress, or if it throttles. The
//! identical request is sent again after a pause. If every try is refused, the result is [`StoreError::Contended`], which
//! says nothing about a condition.
//!
//! The response to a write may be lost. The SDK then repeats the write, and the condition fails because of our own first
//! write. So every conditional write carries a new `write_id`, and DynamoDB returns the item with a failed condition: if
//! the item has this id, the write is done. This also applies an update only once whose condition would hold twice. A
//! transaction has a client token instead, by which DynamoDB recognises it for ten minutes. Writes that may be repeated (a
//! wake token, a callback) do not set the id, so that they do not hide the writer before them.

use std::future::Future;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{CancellationReason, KeysAndAttributes, ReturnValuesOnConditionCheckFailure::AllOld, TransactWriteItem},
};

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure,
};

pub(super) const INCOMPLETE: StoreError = StoreError::Corrupt("incomplete write");

/// Tries of a request that conflicts with other requests: about two seconds.
const TRIES: u32 = 10;
/// Tries of a throttled request. The SDK makes three tries of each, with its own pauses.
const TRIES_THROTTLED: u32 = 4;

/// A conditional write was not done.
pub(super) enum Refused {
    /// The condition failed on this item; `None` if no item exists.
    Condition(Option<Item>),
    Other(StoreError),
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Condition(_) => Self::Conflict,
            Refused::Other(error) => error,
        }
    }
}

/// A transaction was not done.
pub(super) struct Cancelled {
    /// One for each write; empty if DynamoDB did not check the writes.
    pub(super) reasons: Vec<CancellationReason>,
    /// The error, unless a reason says more.
    pub(super) error: StoreError,
}

impl Store {
    /// Sends the request that `request` builds, and repeats it while DynamoDB refuses it temporarily. `request` must build
    /// the same request each time.
    pub(super) async fn send<T, E, R, F>(&self, request: impl Fn() -> F) -> Result<T, SdkError<E, R>>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata,
    {
        self.send_until(request, failure).await
    }

    async fn send_until<T, E, R, F>(
        &self,
        request: impl Fn() -> F,
        meaning: fn(&SdkError<E, R>) -> StoreError,
    ) -> Result<T, SdkError<E, R>>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
    {
        let mut tries = 0;
        loop {
            // On the heap: the SDK's future for one request is large, and would be part of every future above.
            let error = match Box::pin(request()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tries += 1;
            match meaning(&error) {
                StoreError::Contended { code } if tries < tries_of(&code) => {
                    tracing::info!(code, tries, "the table refuses the request temporarily");
                    self.seams.back_off(tries).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// Puts an item once, under the condition of `put`.
    pub(super) async fn put(&self, put: PutItemFluentBuilder) -> Result<(), Refused> {
        let id = self.write_id();
        let put = put.item(WRITE_ID, text(&id)).return_values_on_condition_check_failure(AllOld);
        let Err(error) = self.send(|| put.clone().send()).await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => own(failed.item(), &id).map(|_| ()),
            _ => Err(Refused::Other(failure(&error))),
        }
    }

    /// Applies an update once, under its condition. Returns the requested attributes, or the current item if the response
    /// was lost.
    pub(super) async fn update(&self, update: UpdateItemFluentBuilder) -> Result<Item, Refused> {
        let id = self.write_id();
        let expression = update.get_update_expression().clone().unwrap_or_default();
        let expression = match expression.strip_prefix("SET ") {
            Some(set) => format!("SET {WRITE_ID} = :write_id, {set}"),
            None => format!("SET {WRITE_ID} = :write_id {expression}"),
        };
        let condition = format!("(attribute_not_exists({WRITE_ID}) OR {WRITE_ID} <> :write_id)");
        let condition = match update.get_condition_expression() {
            Some(given) => format!("({given}) AND {condition}"),
            None => condition,
        };
        let update = update
            .update_expression(expression)
            .condition_expression(condition)
            .expression_attribute_values(":write_id", text(&id))
            .return_values_on_condition_check_failure(AllOld);
        let error = match self.send(|| update.clone().send()).await {
            Ok(answer) => return Ok(answer.attributes.unwrap_or_default()),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => own(failed.item(), &id),
            _ => Err(Refused::Other(failure(&error))),
        }
    }

    /// Makes all of `writes` once, or none.
    pub(super) async fn send_transaction(&self, writes: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        let transaction =
            self.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(self.write_id());
        let sent = self.send_until(|| transaction.clone().send(), |error| cancelled(error).error).await;
        sent.map(|_| ()).map_err(|error| cancelled(&error))
    }

    /// The items that exist among at most a hundred `keys` (strongly consistent). Requests again the keys that DynamoDB
    /// leaves out of a response, with growing pauses while a response is empty.
    pub(super) async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let batch = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let mut batch = batch.map_err(|_| StoreError::Corrupt("incomplete read"))?;
        let (mut found, mut tries) = (Vec::new(), 0);
        loop {
            let get = self.client.batch_get_item().request_items(&self.table, batch.clone());
            let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
            let items = answer.responses.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default();
            tries = if items.is_empty() { tries + 1 } else { 1 };
            found.extend(items);
            let rest = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
            match rest.filter(|rest| !rest.keys().is_empty()) {
                None => return Ok(found),
                Some(_) if tries >= TRIES => return Err(StoreError::Contended { code: "UnprocessedKeys".to_owned() }),
                Some(rest) => batch = rest,
            }
            self.seams.back_off(tries).await;
        }
    }

    fn write_id(&self) -> String {
        self.seams.entropy.uuid().simple().to_string()
    }
}

/// The attribute that identifies the last conditional write.
const WRITE_ID: &str = "write_id";

/// The item on which a condition failed, if our own write made it fail.
fn own(present: Option<&Item>, id: &str) -> Result<Item, Refused> {
    match present {
        Some(item) if item.get(WRITE_ID).and_then(|own| own.as_s().ok()).is_some_and(|own| own == id) => {
            tracing::info!("the response to a write was lost; the write is done");
            Ok(item.clone())
        }
        present => Err(Refused::Condition(present.cloned())),
    }
}

fn cancelled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Cancelled {
    let reasons = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => return Cancelled { reasons: Vec::new(), error: failure(error) },
    };
    let error = meaning(reasons);
    Cancelled { reasons: reasons.to_vec(), error }
}

/// Converts the reasons of a cancelled transaction. A failed condition takes precedence over conflicts and throttling.
fn meaning(reasons: &[CancellationReason]) -> StoreError {
    let codes = || reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
    if codes().any(|code| code == "ConditionalCheckFailed") {
        return StoreError::Conflict;
    }
    match codes().find(|code| !is_momentary(code)).or_else(|| codes().next()) {
        Some("ValidationError") => StoreError::TooLarge,
        Some(code) if is_momentary(code) => StoreError::Contended { code: code.to_owned() },
        Some(code) => StoreError::Unavailable { code: code.to_owned() },
        None => StoreError::Unavailable { code: "TransactionCanceledException".to_owned() },
    }
}

/// Whether this code means that DynamoDB refuses a request, or one write of a transaction, temporarily.
pub(super) fn is_momentary(code: &str) -> bool {
    is_in_the_way(code) || is_throttle(code)
}

fn is_in_the_way(code: &str) -> bool {
    matches!(
        code,
        "TransactionConflictException"
            | "TransactionConflict"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException"
    )
}

fn is_throttle(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "Throttling"
            | "RequestLimitExceeded"
    )
}

fn tries_of(code: &str) -> u32 {
    if is_throttle(code) { TRIES_THROTTLED } else { TRIES }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codes: &[&str]) -> StoreError {
        let reasons: Vec<_> = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        meaning(&reasons)
    }

    #[test]
    fn a_cancelled_transaction_maps_its_reasons_to_an_error() {
        let contended = |codes| matches!(of(codes), StoreError::Contended { .. });
        assert!(contended(&["None", "TransactionConflict"]));
        assert!(contended(&["ThrottlingError", "None"]));
        assert!(contended(&["ProvisionedThroughputExceeded", "TransactionConflict"]));
        assert!(matches!(of(&["TransactionConflict", "ConditionalCheckFailed"]), StoreError::Conflict));
        assert!(matches!(of(&["TransactionConflict", "ValidationError"]), StoreError::TooLarge));
        assert!(matches!(of(&["AccessDenied"]), StoreError::Unavailable { .. }));
        assert!(matches!(of(&[]), StoreError::Unavailable { .. }));
    }
}
