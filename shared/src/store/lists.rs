//! Lists, newest first: a tenant's processes, a channel's deliveries, records of the registry.
//!
//! They come from the index `by_kind`, which has one partition for each month, or from `by_owner`, which has one for each
//! owner. A list walks back from the current month to the month in which it began. An empty month costs one request, and
//! nothing is ever scanned.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Select;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{Timestamp, ToSpan as _, civil::Date};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{self, text},
    failure,
    keys::{self, WorkKey},
    records::RecordItem,
};
use crate::{
    common::{
        Authority, Caller,
        page::{Cursor, Listed, ListedPage, MAX_PER_PAGE, PageRequest},
    },
    notify::{Channel, DeliveryState},
    people::{Kind, Record},
    process::Status,
};

/// The most requests for one page, beyond one for each page that is skipped.
const MAX_REQUESTS: usize = 15;
/// Entries read by one request.
const READ_AT_ONCE: i32 = 200;

/// The most months that are counted; a longer list has no total.
const MAX_MONTHS_COUNTED: usize = 60;
/// Months counted concurrently.
const AT_ONCE: usize = 8;

/// The processes to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFilter {
    pub status: Option<Status>,
    pub provider: Option<String>,
}

/// A list with one index partition for each month.
struct Months<'a> {
    index: &'static str,
    /// The partition of a month.
    partition: &'a (dyn Fn(&str) -> String + Sync),
    /// The list has no entry before this time.
    since: Timestamp,
    /// Summary attributes that an entry must have: name and value.
    wanted: Vec<(&'static str, &'a str)>,
    /// Reads the entry from an item of the index.
    entry: fn(&codec::Item) -> Result<Value, StoreError>,
}

impl Store {
    /// One page of the caller's processes. A page may have fewer entries than requested although the list continues,
    /// because a request costs a bounded number of reads with any filter.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn list_processes(
        &self,
        caller: &Caller,
        filter: &ProcessFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage<Value>, StoreError> {
        let status = filter.status.map(|status| ("status", status.as_str()));
        let provider = filter.provider.as_deref().map(|provider| ("provider", provider));
        let list = Months {
            index: "by_kind",
            entry: codec::summary_view,
            partition: &|month| keys::by_kind(caller.tenant(), month),
            since: caller.tenant_since(),
            wanted: status.into_iter().chain(provider).collect(),
        };
        self.list(&list, request, now).await
    }

    /// Part of a tenant's processes, at `provider` if given, newest first: those below `below`, not older than the month of
    /// `since`. For handling them one after another. Otherwise as [`Self::list_processes`].
    ///
    /// # Errors
    /// As [`Self::list_processes`].
    pub async fn walk_processes(
        &self,
        who: &impl Authority,
        since: Timestamp,
        provider: Option<&str>,
        below: Option<Cursor>,
        now: Timestamp,
    ) -> Result<ListedPage<Value>, StoreError> {
        let list = Months {
            index: "by_kind",
            entry: codec::summary_view,
            partition: &|month| keys::by_kind(who.tenant(), month),
            since,
            wanted: provider.map(|provider| ("provider", provider)).into_iter().collect(),
        };
        self.list(&list, &PageRequest { page: 1, per_page: MAX_PER_PAGE, cursor: below }, now).await
    }

    /// One page of the deliveries to `channel`, in `state` if given. Otherwise as [`Self::list_processes`].
    ///
    /// # Errors
    /// As [`Self::list_processes`].
    pub async fn list_deliveries(
        &self,
        channel: &Channel,
        state: Option<DeliveryState>,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage<Value>, StoreError> {
        let list = Months {
            index: "by_kind",
            entry: codec::summary_view,
            partition: &|month| keys::by_channel(&channel.tenant, channel.id, month),
            since: channel.created_at,
            wanted: state.map(|state| ("state", state.as_str())).into_iter().collect(),
        };
        self.list(&list, request, now).await
    }

    /// One page of a tenant's records of one kind that are not deleted, not older than the month of `since`; only those of
    /// the owner if given. As [`Self::list_processes`], and one request for the records themselves.
    ///
    /// # Errors
    /// As [`Self::list_processes`].
    pub async fn list_records(
        &self,
        who: &impl Authority,
        since: Timestamp,
        (kind, owner): (Kind, Option<Uuid>),
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage<Record>, StoreError> {
        let tenant = who.tenant();
        let page = match owner {
            None => {
                let partition = |month: &str| keys::records(tenant, kind, month);
                let list = Months { index: "by_kind", partition: &partition, since, wanted: vec![], entry: record_id };
                self.list(&list, request, now).await?
            }
            Some(owner) => {
                // An owner's records share one partition, in every month.
                let partition = |_: &str| keys::owned_by(tenant, owner, kind);
                let list =
                    Months { index: "by_owner", partition: &partition, since: now, wanted: vec![], entry: record_id };
                self.list(&list, request, now).await?
            }
        };
        let page = page.map(|id| id.as_str()?.parse::<Uuid>().ok());
        let ids: Vec<Uuid> = page.entries.iter().map(|listed| listed.entry).collect();
        let mut records = self.records(who, kind, &ids).await?;
        // The index lags: it may still have a record under a former owner.
        records.retain(|record| owner.is_none() || record.owner == owner);
        let mut records: HashMap<Uuid, Record> = records.into_iter().map(|record| (record.id, record)).collect();
        Ok(page.map(|id| records.remove(&id)))
    }

    /// The number of records that [`Self::list_records`] lists, as the index has it; `None` if a month has more than one
    /// request counts, or there are more than [`MAX_MONTHS_COUNTED`] months. One request for each month, several
    /// concurrently.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn count_records(
        &self,
        who: &impl Authority,
        since: Timestamp,
        (kind, owner): (Kind, Option<Uuid>),
        now: Timestamp,
    ) -> Result<Option<usize>, StoreError> {
        let tenant = who.tenant();
        let mut months = vec![keys::month(now)];
        while owner.is_none() && months.last().is_some_and(|month| *month > keys::month(since)) {
            if months.len() == MAX_MONTHS_COUNTED {
                return Ok(None);
            }
            months.push(month_before(&months[months.len() - 1])?);
        }
        let index = if owner.is_some() { "by_owner" } else { "by_kind" };
        let count = |month: String| async move {
            let partition =
                owner.map_or_else(|| keys::records(tenant, kind, &month), |owner| keys::owned_by(tenant, owner, kind));
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(index)
                .select(Select::Count)
                .key_condition_expression(format!("{index}_pk = :month"))
                .expression_attribute_values(":month", text(&partition));
            let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
            Ok::<_, StoreError>(answer.last_evaluated_key().is_none().then_some(answer.count().unsigned_abs() as usize))
        };
        let counts: Vec<Option<usize>> = stream::iter(months).map(count).buffered(AT_ONCE).try_collect().await?;
        Ok(counts.into_iter().sum())
    }

    /// Part of all records of a kind, deleted ones if `deleted`, otherwise the others: those below `below`, not older than
    /// the month of `since`. For handling them one after another. Otherwise as [`Self::list_records`].
    ///
    /// # Errors
    /// As [`Self::list_records`].
    pub async fn walk_records(
        &self,
        who: &impl Authority,
        since: Timestamp,
        (kind, deleted): (Kind, bool),
        below: Option<Cursor>,
        now: Timestamp,
    ) -> Result<(Vec<RecordItem>, Option<Cursor>), StoreError> {
        let tenant = who.tenant();
        let of_month = if deleted { keys::deleted_records } else { keys::records };
        let partition = |month: &str| of_month(tenant, kind, month);
        let list = Months { index: "by_kind", partition: &partition, since, wanted: vec![], entry: record_id };
        let page = self.list(&list, &PageRequest { page: 1, per_page: MAX_PER_PAGE, cursor: below }, now).await?;
        let ids: Vec<Uuid> = page.entries.iter().filter_map(|listed| listed.entry.as_str()?.parse().ok()).collect();
        Ok((self.records_with_deleted(who, kind, &ids).await?, page.next))
    }

    async fn list(
        &self,
        list: &Months<'_>,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<ListedPage<Value>, StoreError> {
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
            let missing = request.per_page - entries.len();
            let taken = found.into_iter().map(|(sort_key, entry)| {
                place = Cursor { below: Some(sort_key), seen: place.seen + 1, ..place.clone() };
                Listed { entry, after: place.clone() }
            });
            entries.extend(taken.filter(|listed| listed.after.seen > wanted_from).take(missing));
            if entries.len() == request.per_page {
                return Ok(ListedPage { seen: wanted_from, entries, next: Some(place) });
            }
            place = match rest {
                // The filter removed every entry that was read: continue below them.
                Some(below) => Cursor { below: Some(below), ..place },
                None if place.month <= first_month => return Ok(ListedPage { seen: wanted_from, entries, next: None }),
                None => Cursor { month: month_before(&place.month)?, below: None, seen: place.seen },
            };
        }
        let seen = place.seen - entries.len();
        Ok(ListedPage { seen, entries, next: Some(place) })
    }

    /// Entries of one month below a place, with their sort keys, and where the month continues.
    async fn list_month(
        &self,
        list: &Months<'_>,
        place: &Cursor,
    ) -> Result<(Vec<(String, Value)>, Option<String>), StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(list.index)
            .key_condition_expression(format!("{0}_pk = :month AND {0}_sk < :below", list.index))
            .expression_attribute_values(":month", text(&(list.partition)(&place.month)))
            // `~` sorts after every digit that a timestamp can begin with.
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
        let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
        let sort_key = |item: &codec::Item| {
            let value = item.get(&format!("{}_sk", list.index)).and_then(|value| value.as_s().ok()).cloned();
            value.ok_or(StoreError::Corrupt("sort key"))
        };
        let found = answer.items().iter().map(|item| Ok((sort_key(item)?, (list.entry)(item)?)));
        let found = found.collect::<Result<_, StoreError>>()?;
        let rest = answer.last_evaluated_key().map(sort_key).transpose()?;
        Ok((found, rest))
    }
}

/// The creation time in a list entry.
#[must_use]
pub fn created_at(entry: &Value) -> Option<Timestamp> {
    entry["created_at"].as_str()?.parse().ok()
}

/// The id of the record that an index item is about: the end of its partition key.
fn record_id(item: &codec::Item) -> Result<Value, StoreError> {
    let pk = item.get("pk").and_then(|pk| pk.as_s().ok()).ok_or(StoreError::Corrupt("pk"))?;
    match WorkKey::of(pk) {
        Some(WorkKey::Record(key)) => Ok(Value::String(key.id.to_string())),
        _ => Err(StoreError::Corrupt("pk")),
    }
}

fn month_before(month: &str) -> Result<String, StoreError> {
    let first: Date = format!("{month}-01").parse().map_err(|_| StoreError::Corrupt("month"))?;
    let before = first.checked_sub(1.month()).map_err(|_| StoreError::Corrupt("month"))?;
    Ok(before.strftime("%Y-%m").to_string())
}
