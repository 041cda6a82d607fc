//! The one way to DynamoDB: requests that it refuses for the moment are sent again, and our own writes are known again.
//!
//! DynamoDB refuses a request for the moment where a transaction is under way over the same item, or where it is asked too much.
//! The very same request is sent again after a pause. What is refused until the end is
//! [`StoreError::Contended`], which nobody may take for an answer to a condition.
//!
//! The answer to a write may be lost. The SDK then writes again, and the condition that held the first time fails because of our own
//! write. So every write under a condition carries a fresh `write_id`, and DynamoDB hands out the item with a failed condition: where
//! the item has this very id, the write is done. An update is done once that way even where its condition would hold twice.
//! A transaction has a token instead, by which DynamoDB itself knows it again for ten minutes.
//! Writes that may be repeated (a wake token, a callback) leave the id alone, so that they do not hide whose write was before them.

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

/// Tries of a request that others are in the way of: some two seconds.
const TRIES: u32 = 10;
/// Tries of one that is throttled. The SDK makes three of each, with pauses of its own.
const TRIES_THROTTLED: u32 = 4;

/// A write under a condition was not done.
pub(super) enum Refused {
    /// The condition fails, on this item; on none where there is none.
    Condition(Option<Item>),
    /// Anything else.
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
    /// One for each of its writes; none where it came to none.
    pub(super) reasons: Vec<CancellationReason>,
    /// What that means where nothing more is known of the writes.
    pub(super) error: StoreError,
}

impl Store {
    /// Sends what `request` makes, again where DynamoDB refuses it for the moment. It must make the same each time.
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
            // On the heap: what the SDK does for one request is large, and stands in every future above.
            let error = match Box::pin(request()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tries += 1;
            match meaning(&error) {
                StoreError::Contended { code } if tries < tries_of(&code) => {
                    tracing::info!(code, tries, "the table refuses for the moment");
                    self.seams.back_off(tries).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// Puts an item under the condition of `put`, once.
    pub(super) async fn put(&self, put: PutItemFluentBuilder) -> Result<(), Refused> {
        let id = self.write_id();
        let put = put.item(WRITE_ID, text(&id)).return_values_on_condition_check_failure(AllOld);
        let Err(error) = self.send(|| put.clone().send()).await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => own(failed.item(), &id).map(|_| ()),
            _ => Err(Refused::Other(failure(&error))),
        }
    }

    /// Makes an update under its condition, once. Gives what it is asked to return: where its answer was lost, the item as it
    /// stands.
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

    /// Makes all of `writes` or none, once.
    pub(super) async fn send_transaction(&self, writes: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        let transaction =
            self.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(self.write_id());
        let sent = self.send_until(|| transaction.clone().send(), |error| cancelled(error).error).await;
        sent.map(|_| ()).map_err(|error| cancelled(&error))
    }

    /// The items of at most a hundred `keys` that there are (strongly consistent). What DynamoDB leaves out of an answer is asked for
    /// again, with growing pauses while it leaves out everything.
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

/// The attribute by which a write is known again.
const WRITE_ID: &str = "write_id";

/// The item on which a condition failed, where it is our own write that it failed on.
fn own(present: Option<&Item>, id: &str) -> Result<Item, Refused> {
    match present {
        Some(item) if item.get(WRITE_ID).and_then(|own| own.as_s().ok()).is_some_and(|own| own == id) => {
            tracing::info!("the answer to a write was lost; it is done");
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

/// What the reasons for a cancelled transaction come to. A condition that fails stays failed, whatever else is in the way.
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

/// Whether DynamoDB says by this code that it refuses a request, or one write of a transaction, for the moment.
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
    fn a_cancelled_transaction_means_what_its_reasons_say() {
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
