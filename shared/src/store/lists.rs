//! Lists, newest first, from the index `by_kind`: a tenant's processes, a channel's deliveries.
//!
//! The index has one partition a month. A list walks back from the present month to the one it began in, so an
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
    notify::{Channel, DeliveryState},
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

/// A list that has one partition of the index `by_kind` a month.
struct Months<'a> {
    /// The partition of a month.
    partition: &'a (dyn Fn(&str) -> String + Sync),
    /// Nothing of it is older.
    since: Timestamp,
    /// What entries must have in their summary: attribute and value.
    wanted: Vec<(&'static str, &'a str)>,
}

/// A part of a list.
#[derive(Debug)]
pub struct ListedPage {
    /// Entries before it.
    pub seen: usize,
    /// Its entries, as [`crate::api::view`] made them.
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
        let status = filter.status.map(|status| ("status", status.as_str()));
        let provider = filter.provider.as_deref().map(|provider| ("provider", provider));
        let list = Months {
            partition: &|month| keys::by_kind(caller.tenant(), month),
            since: caller.tenant_since(),
            wanted: status.into_iter().chain(provider).collect(),
        };
        self.list(&list, request, now).await
    }

    /// One page of the deliveries to `channel`, in `state` where one is given; otherwise as [`Self::list_processes`].
    ///
    /// # Errors
    /// Likewise.
    pub async fn list_deliveries(
        &self,
        channel: &Channel,
        state: Option<DeliveryState>,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage, StoreError> {
        let list = Months {
            partition: &|month| keys::by_channel(&channel.tenant, channel.id, month),
            since: channel.created_at,
            wanted: state.map(|state| ("state", state.as_str())).into_iter().collect(),
        };
        self.list(&list, request, now).await
    }

    async fn list(&self, list: &Months<'_>, request: &PageRequest, now: Timestamp) -> Result<ListedPage, StoreError> {
        let first_month = keys::month(list.since);
        let start = Cursor { month: keys::month(now), below: None, seen: 0 };
        let (mut place, skip) = match &request.cursor {
            Some(cursor) => (cursor.clone(), 0),
            None => (start, (request.page - 1) * request.per_page),
        };
        let wanted_from = place.seen + skip;
        let mut entries = Vec::new();
        for _ in 0..MAX_REQUESTS + skip / request.per_page {
            let (found, rest) = self.list_month(list, &place).await?;
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
        list: &Months<'_>,
        place: &Cursor,
    ) -> Result<(Vec<(String, Value)>, Option<String>), StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by_kind")
            .key_condition_expression("by_kind_pk = :month AND by_kind_sk < :below")
            .expression_attribute_values(":month", text(&(list.partition)(&place.month)))
            // `~` sorts after every digit a moment can begin with.
            .expression_attribute_values(":below", text(place.below.as_deref().unwrap_or("~")))
            .scan_index_forward(false)
            .limit(READ_AT_ONCE);
        let mut conditions = Vec::new();
        for (name, value) in &list.wanted {
            conditions.push(format!("summary.#{name} = :{name}"));
            query = query
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), text(value));
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
