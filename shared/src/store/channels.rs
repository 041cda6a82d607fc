//! A tenant's notification channels. They are few and share a partition, so that one strongly consistent query reads them
//! all; the limits of their fields keep them within one request.

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{Item, json, parse, text},
    failure, keys,
    keys::ItemKey,
};
use crate::{common::Authority, notify::Channel};

/// A channel with the attributes that only its item has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRecord {
    pub channel: Channel,
    /// Number of writes so far; the condition of the next write.
    pub version: u64,
    /// Keyed hash of the request that created the channel.
    pub fingerprint: String,
}

impl Store {
    /// Stores a new channel. `false` if the id is already used. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn create_channel(&self, who: &impl Authority, record: &ChannelRecord) -> Result<bool, StoreError> {
        debug_assert_eq!(who.tenant(), &record.channel.tenant);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item(record, record.version)?));
        match self.put(put.condition_expression("attribute_not_exists(pk)")).await.map_err(StoreError::from) {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A channel (strongly consistent). One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn channel(&self, who: &impl Authority, id: Uuid) -> Result<Option<ChannelRecord>, StoreError> {
        let key = ItemKey::Channel(who.tenant(), id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        answer.item().map(read).transpose()
    }

    /// Every readable channel of the tenant (strongly consistent), oldest first. One request for each megabyte of channels.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn channels(&self, who: &impl Authority) -> Result<Vec<ChannelRecord>, StoreError> {
        let (mut records, mut rest) = (Vec::<ChannelRecord>::new(), None);
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :channels")
                .expression_attribute_values(":channels", text(&keys::channels(who.tenant())))
                .set_exclusive_start_key(rest);
            let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
            // An unreadable item must not hide the other channels.
            records.extend(answer.items().iter().map(read).filter_map(|record| {
                let skipped =
                    |error: &StoreError| tracing::error!(tenant = %who.tenant(), %error, "a channel cannot be read; skipped");
                record.inspect_err(skipped).ok()
            }));
            rest = answer.last_evaluated_key;
            if rest.is_none() {
                break;
            }
        }
        records.sort_by_key(|record| (record.channel.created_at, record.channel.id));
        Ok(records)
    }

    /// Writes a changed channel, unless another writer changed it since it was loaded. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it: load it again and repeat.
    pub async fn commit_channel(&self, who: &impl Authority, record: &ChannelRecord) -> Result<(), StoreError> {
        debug_assert_eq!(who.tenant(), &record.channel.tenant);
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(record, record.version + 1)?))
            .condition_expression("version = :loaded")
            .expression_attribute_values(":loaded", AttributeValue::N(record.version.to_string()));
        Ok(self.put(put).await?)
    }
}

fn item(record: &ChannelRecord, version: u64) -> Result<Item, StoreError> {
    let channel = &record.channel;
    let mut item = ItemKey::Channel(&channel.tenant, channel.id).attributes();
    item.insert("kind".to_owned(), text("notification_channel"));
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    item.insert("body".to_owned(), json(channel)?);
    item.insert("fingerprint".to_owned(), text(&record.fingerprint));
    Ok(item)
}

fn read(item: &Item) -> Result<ChannelRecord, StoreError> {
    let string =
        |name: &'static str| item.get(name).and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt(name));
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    Ok(ChannelRecord {
        channel: parse(string("body")?, "body")?,
        version: version.ok_or(StoreError::Corrupt("version"))?,
        fingerprint: string("fingerprint")?.clone(),
    })
}
