//! A tenant's processes, newest first, from the index `by_kind`.
//!
//! The index has one partition a month. A list walks back from the present month to the one the tenant began in, so an
//! empty month costs one request and nothing is ever scanned.

use jiff::{Timestamp, ToSpan as _, civil::Date};
use serde_json::Value;

use super::{
    Store, StoreError,
    codec::{self, text},
    failure, keys,
};
use crate::{
    api::{
        Authority as _, Caller,
        page::{Cursor, PageRequest},
    },
    process::Status,
};

/// Requests one page may cost at most beyond one for each page that is skipped.
const MAX_REQUESTS: usize = 15;
/// Entries read by one request.
const READ_AT_ONCE: i32 = 200;

/// Which processes are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFilter {
    /// In this state.
    pub status: Option<Status>,
    /// At this provider.
    pub provider: Option<String>,
}

/// A part of a list.
#[derive(Debug)]
pub struct ListedPage {
    /// Entries before it.
    pub seen: usize,
    /// Its entries, as [`crate::api::view::summary`] made them.
    pub entries: Vec<Value>,
    /// Where to go on; `None` at the list's end.
    pub next: Option<Cursor>,
}

impl Store {
    /// One page of the caller's processes. A page may have fewer entries than asked for although the list goes on: a
    /// request costs a bounded number of reads, whatever the filter.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn list_processes(
        &self,
        caller: &Caller,
        filter: &ProcessFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage, StoreError> {
        let first_month = keys::month(caller.tenant_since());
        let start = Cursor { month: keys::month(now), below: None, seen: 0 };
        let (mut place, skip) = match &request.cursor {
            Some(cursor) => (cursor.clone(), 0),
            None => (start, (request.page - 1) * request.per_page),
        };
        let wanted_from = place.seen + skip;
        let mut entries = Vec::new();
        for _ in 0..MAX_REQUESTS + skip / request.per_page {
            let (found, rest) = self.list_month(caller, filter, &place).await?;
            for (sort_key, summary) in found {
                if place.seen >= wanted_from {
                    entries.push(summary);
                }
                place = Cursor { below: Some(sort_key), seen: place.seen + 1, ..place };
                if entries.len() == request.per_page {
                    return Ok(ListedPage { seen: wanted_from, entries, next: Some(place) });
                }
            }
            match rest {
                // The filter left nothing of what was read: go on below it.
                Some(below) => place.below = Some(below),
                None if place.month <= first_month => return Ok(ListedPage { seen: wanted_from, entries, next: None }),
                None => place = Cursor { month: month_before(&place.month)?, below: None, seen: place.seen },
            }
        }
        let seen = place.seen - entries.len();
        Ok(ListedPage { seen, entries, next: Some(place) })
    }

    /// Entries of one month below a place, with their sort keys, and where the month goes on.
    async fn list_month(
        &self,
        caller: &Caller,
        filter: &ProcessFilter,
        place: &Cursor,
    ) -> Result<(Vec<(String, Value)>, Option<String>), StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by_kind")
            .key_condition_expression("by_kind_pk = :month AND by_kind_sk < :below")
            .expression_attribute_values(":month", text(&keys::by_kind(caller.tenant(), &place.month)))
            // `~` sorts after every digit a moment can begin with.
            .expression_attribute_values(":below", text(place.below.as_deref().unwrap_or("~")))
            .scan_index_forward(false)
            .limit(READ_AT_ONCE);
        let mut conditions = Vec::new();
        if let Some(status) = filter.status {
            conditions.push("summary.#status = :status");
            query = query
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(status.as_str()));
        }
        if let Some(provider) = &filter.provider {
            conditions.push("summary.provider = :provider");
            query = query.expression_attribute_values(":provider", text(provider));
        }
        if !conditions.is_empty() {
            query = query.filter_expression(conditions.join(" AND "));
        }
        let answer = query.send().await.map_err(|error| failure(&error))?;
        let string = |item: &codec::Item, name: &'static str| {
            let value = item.get(name).and_then(|value| value.as_s().ok()).cloned();
            value.ok_or(StoreError::Corrupt(name))
        };
        let found = answer.items().iter().map(|item| Ok((string(item, "by_kind_sk")?, codec::summary_view(item)?)));
        let found = found.collect::<Result<_, StoreError>>()?;
        let rest = answer.last_evaluated_key().map(|key| string(key, "by_kind_sk")).transpose()?;
        Ok((found, rest))
    }
}

fn month_before(month: &str) -> Result<String, StoreError> {
    let first: Date = format!("{month}-01").parse().map_err(|_| StoreError::Corrupt("month"))?;
    let before = first.checked_sub(1.month()).map_err(|_| StoreError::Corrupt("month"))?;
    Ok(before.strftime("%Y-%m").to_string())
}
