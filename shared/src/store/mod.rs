//! The table: typed keys, one codec, conditional writes.
//!
//! Every operation takes an [`crate::common::Authority`], which is where its tenant comes from, and says in its
//! documentation how many requests it makes. Nothing here scans, and nothing decides: whether a lost race is tried again
//! is the workflow's matter. What DynamoDB refuses for the moment is sent again here, which those numbers leave out.
//!
//! | file | subject |
//! | --- | --- |
//! | `keys` | the only place where keys are built |
//! | `request` | sending requests: what is refused for the moment, and knowing our own writes again |
//! | `codec` | a process as an item, and back |
//! | `processes` | create, load, commit, wake, callback, outbox |
//! | `lists` | a tenant's processes, newest first |
//! | `long_copies` | the work of copying what takes long |
//! | `channels` | a tenant's notification channels |
//! | `deliveries` | messages on their way to channels |
//! | `records` | records of the people registry |
//! | `record_item` | one of them as an item |
//! | `unique` | guards of values that one record alone may have |
//! | `guard_moves` | how far such guards are moved from one key to another |
//! | `projections` | what records keep of those that belong to them |
//! | `listed` | values by which an owner's records are looked for |
//! | `codes` | codes that were sent to persons |
//! | `jobs` | what is done step by step |
//! | `due` | what is overdue |
//! | `lag` | how far the stream's readers were behind |
//! | `api_keys` | callers by the hash of their key |
//! | `limits` | how many requests of a tenant are left in this minute |
//! | `tenants` | who they are, and what is set up for them |

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

/// The table could not be used as wanted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first; load again.
    #[error("the item changed meanwhile")]
    Conflict,
    /// The provider's reference belongs to another process.
    #[error("the reference belongs to another process")]
    ReferenceTaken,
    /// DynamoDB refuses for the moment, also after some waiting: others use the same items, or it is asked too much. Nothing
    /// is said about any condition. The code is its own.
    #[error("the table refuses for the moment ({code})")]
    Contended {
        /// DynamoDB's error code.
        code: String,
    },
    /// DynamoDB did not answer, or refuses. The code is its own.
    #[error("the table is unavailable ({code})")]
    Unavailable {
        /// DynamoDB's error code, or the kind of failure.
        code: String,
    },
    /// An item is not what we write.
    #[error("an item is corrupt: {0}")]
    Corrupt(&'static str),
    /// The item would be over DynamoDB's 400 KB.
    #[error("the item is too large")]
    TooLarge,
}

/// The table, shared by everything a function does.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
    seams: Seams,
}

impl Store {
    /// The platform's table.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self {
            client: platform.aws.dynamodb.clone(),
            table: platform.config.table.clone(),
            seams: platform.seams.clone(),
        }
    }
}

/// What an SDK error means. A failed condition is [`StoreError::Conflict`].
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

/// DynamoDB has no code of its own for an item over its limit.
fn is_about_size<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
    message.to_ascii_lowercase().contains("item size")
}
