//! How many requests of a tenant are left in this minute: a counter on the tenant's own item, from which functions take
//! blocks. It is the item that says who is suspended, so that whoever takes a block learns that too.
//!
//! Windows are minutes of the clock, by number since 1970. The first to take something in a new window opens it with the
//! tenant's limit, whatever was left of the last one. What is taken and not used is lost with the window.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{Store, StoreError, codec, keys::ItemKey, request::Refused};
use crate::common::Authority;

/// How long a window is, seconds.
pub const WINDOW_SECONDS: i64 = 60;

/// The attribute with the number of the window that is open.
pub(super) const WINDOW: &str = "limit_window";
/// The attribute with what is left of it; below zero where the last block was not full.
pub(super) const LEFT: &str = "limit_left";

/// What came of taking a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was taken.
    Block(Block),
    /// It was not: the counter stands like this.
    Not(Counter),
    /// There is no such tenant.
    NoTenant,
}

/// So many requests, to be made in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The window's number.
    pub window: i64,
    /// How many requests; 0 where nothing is left.
    pub granted: u32,
    /// How many are left for others.
    pub left: u32,
    /// The tenant's limit.
    pub per_minute: u32,
}

/// A tenant's counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// The number of the window that is open.
    pub window: i64,
    /// What is left of it.
    pub left: i64,
    /// The tenant's limit.
    pub per_minute: u32,
    /// Whether the tenant is suspended.
    pub suspended: bool,
}

/// The number of the window that `now` is in.
#[must_use]
pub fn window_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(WINDOW_SECONDS)
}

impl Store {
    /// Takes up to `block` requests of `window` from the limit of `who`'s tenant, and opens the window where `open` says so.
    /// One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`]. Something may have been taken all the same.
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
        // DynamoDB refuses a value that no expression names.
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
