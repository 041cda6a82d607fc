//! One-time codes that were sent to persons. An item has neither the code nor the contact, but a keyed hash of each.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `code_hash`, `good_until`, `tries` | the valid code, its expiry, and the number of tries; absent after the code was used |
//! | `since`, `sent` | start of the current hour of sending, and the codes sent in it |
//! | `expires_at_epoch` | when DynamoDB removes it |

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure, keys,
    keys::ItemKey,
};
use crate::common::Authority;

/// The item of a contact as it was read.
pub struct SentCodes(Option<Item>);

/// A new code, which replaces any other.
pub struct NewCode<'a> {
    /// Keyed hash of the code.
    pub hash: &'a str,
    /// When the code expires.
    pub good_until: Timestamp,
    /// Start of the current hour of sending.
    pub since: Timestamp,
    /// Codes sent in this hour, including this one.
    pub sent: u64,
    /// When the item is no longer needed.
    pub forget_at: Timestamp,
}

/// A stored code, and the item before it.
pub struct Grant {
    before: Item,
    version: u64,
    code_hash: String,
}

impl SentCodes {
    /// Start of the latest hour of sending, if any.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.0.as_ref()?.get("since")?.as_s().ok()?.parse().ok()
    }

    /// Codes sent in that hour.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.number("sent")
    }

    fn number(&self, name: &str) -> u64 {
        let number = || self.0.as_ref()?.get(name)?.as_n().ok()?.parse().ok();
        number().unwrap_or(0)
    }
}

impl Store {
    /// Reads the codes sent to `contact`. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn sent_codes(&self, who: &impl Authority, contact: &str) -> Result<SentCodes, StoreError> {
        let key = ItemKey::Code(who.tenant(), contact).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        Ok(SentCodes(answer.item))
    }

    /// Makes `code` the valid code of `contact`, if the item did not change since `before` was read. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the item changed, [`StoreError::Unavailable`].
    pub async fn put_code(
        &self,
        who: &impl Authority,
        contact: &str,
        before: SentCodes,
        code: &NewCode<'_>,
    ) -> Result<Grant, StoreError> {
        let version = before.number("version");
        let mut item = ItemKey::Code(who.tenant(), contact).attributes();
        for (name, value) in [
            ("kind", "code".to_owned()),
            ("code_hash", code.hash.to_owned()),
            ("good_until", keys::moment(code.good_until)),
            ("since", keys::moment(code.since)),
        ] {
            item.insert(name.to_owned(), text(&value));
        }
        for (name, value) in [
            ("tries", "0".to_owned()),
            ("sent", code.sent.to_string()),
            ("version", (version + 1).to_string()),
            ("expires_at_epoch", code.forget_at.as_second().to_string()),
        ] {
            item.insert(name.to_owned(), AttributeValue::N(value));
        }
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item.clone()));
        let put = match &before.0 {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(_) => put
                .condition_expression("version = :loaded")
                .expression_attribute_values(":loaded", AttributeValue::N(version.to_string())),
        };
        self.put(put).await.map_err(StoreError::from)?;
        let never = || {
            item.retain(|name, _| ["pk", "sk", "kind", "expires_at_epoch"].contains(&name.as_str()));
            item
        };
        Ok(Grant { before: before.0.unwrap_or_else(never), version: version + 1, code_hash: code.hash.to_owned() })
    }

    /// Withdraws a code that could not be sent: it no longer counts as sent, and the code before it is valid again. Changes
    /// nothing if the item changed in the meantime. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn take_code_back(&self, grant: Grant) -> Result<(), StoreError> {
        let Grant { mut before, version, code_hash } = grant;
        before.insert("version".to_owned(), AttributeValue::N((version + 1).to_string()));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(before))
            .condition_expression("version = :granted AND code_hash = :code")
            .expression_attribute_values(":granted", AttributeValue::N(version.to_string()))
            .expression_attribute_values(":code", text(&code_hash));
        match self.put(put).await.map_err(StoreError::from) {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Counts a try and returns the hash of the valid code; `None` if no code is valid, or it was tried `max_tries` times.
    /// One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn try_code(
        &self,
        who: &impl Authority,
        contact: &str,
        max_tries: u32,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Code(who.tenant(), contact).attributes()))
            .update_expression("ADD tries :one, version :one")
            .condition_expression("attribute_exists(code_hash) AND good_until > :now AND tries < :most")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":most", AttributeValue::N(max_tries.to_string()))
            .expression_attribute_values(":now", text(&keys::moment(now)))
            .return_values(ReturnValue::AllNew);
        match self.update(update).await.map_err(StoreError::from) {
            Ok(item) => Ok(item.get("code_hash").and_then(|hash| hash.as_s().ok()).cloned()),
            Err(StoreError::Conflict) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Removes a code that was used. It still counts as sent. Changes nothing if another code is valid by now. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn use_code(&self, who: &impl Authority, contact: &str, code_hash: &str) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Code(who.tenant(), contact).attributes()))
            .update_expression("REMOVE code_hash ADD version :one")
            .condition_expression("code_hash = :used")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":used", text(code_hash));
        match self.update(update).await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
