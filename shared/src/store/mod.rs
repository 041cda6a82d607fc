//! The table: typed keys, one codec, conditional writes.
//!
//! Every operation takes an [`crate::common::Authority`], which gives the tenant, and documents its number of requests.
//! Nothing here scans. Nothing here decides whether to repeat after a lost race; the workflow decides that. The store
//! itself repeats requests that DynamoDB refuses temporarily; the documented numbers leave those out.
//!
//! | file | subject |
//! | --- | --- |
//! | `keys` | the only place where keys are built |
//! | `request` | sending requests: retries after temporary refusals, and recognising our own writes |
//! | `codec` | converts a process to an item and back |
//! | `processes` | create, load, commit, wake, callback, outbox |
//! | `lists` | a tenant's processes, newest first |
//! | `long_copies` | the task of copying evidence that takes long |
//! | `channels` | a tenant's notification channels |
//! | `deliveries` | messages to channels |
//! | `records` | records of the people registry |
//! | `record_item` | converts a record to an item and back |
//! | `unique` | guards of values that only one record may have |
//! | `guard_moves` | progress of moving such guards from one key to another |
//! | `projections` | short copies that an owner keeps of its records |
//! | `listed` | values that an owner's records are searched by |
//! | `codes` | one-time codes that were sent to persons |
//! | `jobs` | work that runs step by step in the background |
//! | `due` | overdue items |
//! | `lag` | how far the functions were behind the stream |
//! | `api_keys` | callers, by the hash of their key |
//! | `limits` | rate limits of tenants |
//! | `tenants` | tenants and their settings |

pub mod api_keys;
#[cfg(test)]
mod bounds;
pub mod channels;
pub mod codec;
pub mod codes;
pub mod deliveries;
pub mod due;
pub mod guard_moves;
pub mod jobs;
pub mod keys;
pub mod lag;
pub mod limits;
pub mod listed;
pub mod lists;
pub mod long_copies;
pub mod processes;
pub mod projections;
mod record_item;
pub mod records;
mod request;
pub mod tenants;
pub mod unique;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::platform::{Platform, Seams};
pub use api_keys::ApiKey;
pub use codec::{CallbackBody, InboxEntry, ProcessRecord};
pub use keys::ItemKey;
pub use tenants::Tenant;

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer was first; load again.
    #[error("the item changed meanwhile")]
    Conflict,
    /// The provider's reference belongs to another process.
    #[error("the reference belongs to another process")]
    ReferenceTaken,
    /// DynamoDB refuses the request temporarily, also after retries: a transaction conflict, or throttling. The error says
    /// nothing about any condition.
    #[error("the table refuses the request temporarily ({code})")]
    Contended {
        /// DynamoDB's error code.
        code: String,
    },
    /// DynamoDB does not answer, or refuses.
    #[error("the table is unavailable ({code})")]
    Unavailable {
        /// DynamoDB's error code, or the kind of failure.
        code: String,
    },
    /// An item does not have the expected format.
    #[error("an item is corrupt: {0}")]
    Corrupt(&'static str),
    /// The item would be over DynamoDB's 400 KB.
    #[error("the item is too large")]
    TooLarge,
}

/// The table, shared by everything in a function.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
    seams: Seams,
}

impl Store {
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self {
            client: platform.aws.dynamodb.clone(),
            table: platform.config.table.clone(),
            seams: platform.seams.clone(),
        }
    }
}

/// Converts an SDK error. A failed condition is [`StoreError::Conflict`].
fn failure<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> StoreError {
    let code = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("unknown"),
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "unreachable",
        SdkError::ConstructionFailure(_) => "request",
        _ => "response",
    };
    match code {
        "ConditionalCheckFailedException" => StoreError::Conflict,
        code if request::is_momentary(code) => StoreError::Contended { code: code.to_owned() },
        "ValidationException" if is_about_size(error) => StoreError::TooLarge,
        code => StoreError::Unavailable { code: code.to_owned() },
    }
}

/// Whether the error is about an item over DynamoDB's size limit, which has no code of its own.
fn is_about_size<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
    message.to_ascii_lowercase().contains("item size")
}
