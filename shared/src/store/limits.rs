//! Rate limits: a counter on the tenant's item has the requests that are left in this minute. Functions take blocks from
//! it. The same item says whether the tenant is suspended, so that taking a block checks that too.
//!
//! A window is a minute of the clock, numbered since 1970. The first block of a new window resets the counter to the
//! tenant's limit. Unused quota expires with the window.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{Store, StoreError, codec, keys::ItemKey, request::Refused};
use crate::common::Authority;

/// Length of a window, seconds.
pub const WINDOW_SECONDS: i64 = 60;

/// The attribute with the number of the open window.
pub(super) const WINDOW: &str = "limit_window";
/// The attribute with the requests left in the open window; negative if the last block was not fully granted.
pub(super) const LEFT: &str = "limit_left";

/// Outcome of taking a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The block was taken.
    Block(Block),
    /// The block was not taken. The counter has these values.
    Not(Counter),
    /// The tenant does not exist.
    NoTenant,
}

/// Requests that may be made in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Number of the window.
    pub window: i64,
    /// Requests granted; 0 if none are left.
    pub granted: u32,
    /// Requests left in the counter.
    pub left: u32,
    /// The tenant's limit a minute.
    pub per_minute: u32,
}

/// A tenant's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// Number of the open window.
    pub window: i64,
    /// Requests left in it.
    pub left: i64,
    /// The tenant's limit a minute.
    pub per_minute: u32,
    pub suspended: bool,
}

/// The number of the window that contains `now`.
#[must_use]
pub fn window_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(WINDOW_SECONDS)
}

impl Store {
    /// Takes up to `block` requests of `window` from the limit of `who`'s tenant; `open` also opens the window. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`]. The block may be taken nevertheless.
    pub async fn take_block(
        &self,
        who: &impl Authority,
        window: i64,
        block: u32,
        open: bool,
    ) -> Result<Taken, StoreError> {
        let (change, condition) = if open {
            ("SET #window = :window, #left = per_minute - :block", "#window < :window")
        } else {
            ("SET #left = #left - :block", "#window = :window AND #left > :zero")
        };
        let number = |value: i64| AttributeValue::N(value.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Tenant(who.tenant()).attributes()))
            .update_expression(change)
            .condition_expression(format!("suspended = :no AND {condition}"))
            .expression_attribute_names("#window", WINDOW)
            .expression_attribute_names("#left", LEFT)
            .expression_attribute_values(":window", number(window))
            .expression_attribute_values(":block", number(block.into()))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .return_values(ReturnValue::AllNew);
        // DynamoDB rejects a value that no expression uses.
        let update = if open { update } else { update.expression_attribute_values(":zero", number(0)) };
        match self.update(update).await {
            Ok(item) => {
                let counter = Counter::read(&item)?;
                let missing = u32::try_from(counter.left.min(0).unsigned_abs()).unwrap_or(block);
                Ok(Taken::Block(Block {
                    window,
                    granted: block.saturating_sub(missing),
                    left: u32::try_from(counter.left.max(0)).unwrap_or(u32::MAX),
                    per_minute: counter.per_minute,
                }))
            }
            Err(Refused::Condition(None)) => Ok(Taken::NoTenant),
            Err(Refused::Condition(Some(existing))) => Ok(Taken::Not(Counter::read(&existing)?)),
            Err(Refused::Other(error)) => Err(error),
        }
    }
}

impl Counter {
    fn read(item: &codec::Item) -> Result<Self, StoreError> {
        let number = |name: &'static str| {
            let value: Option<i64> = item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
            value.ok_or(StoreError::Corrupt(name))
        };
        let suspended = item.get("suspended").and_then(|value| value.as_bool().ok());
        Ok(Self {
            window: number(WINDOW)?,
            left: number(LEFT)?,
            per_minute: u32::try_from(number("per_minute")?).map_err(|_| StoreError::Corrupt("per_minute"))?,
            suspended: *suspended.ok_or(StoreError::Corrupt("suspended"))?,
        })
    }
}
