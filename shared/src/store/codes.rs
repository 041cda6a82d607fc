//! Codes that were sent to persons. Neither the code nor where it went is in an item: keyed hashes stand for both.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `code_hash`, `good_until`, `tries` | the code that counts, until when, and how often it was tried; absent once it came back |
//! | `since`, `sent` | when the present hour of sending began, and how many codes were sent in it |
//! | `expires_at_epoch` | when DynamoDB removes it |

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError,
    codec::{Item, text},
    failure, keys,
    keys::ItemKey,
};
use crate::common::Authority;

/// How long a code is good for.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How often one may be tried.
const MAX_TRIES: u32 = 5;
/// Codes that may be sent to one contact within …
const MAX_SENT: u64 = 5;
/// … so long.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How often a lost race is run again.
const MAX_RACES: u32 = 5;

/// Whether a code may be sent.
pub enum Sending {
    /// It may, and counts from now on in place of any other.
    Granted(Grant),
    /// Not before so many seconds have passed.
    NotBefore(u32),
}

/// A code that counts, and how things were before it.
pub struct Grant {
    before: Item,
    version: u64,
    code_hash: String,
}

impl Store {
    /// Makes `code_hash` the code that counts for `contact`, if that was not sent too many. Two requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Conflict`] where others write the same at this moment.
    pub async fn grant_code(
        &self,
        who: &impl Authority,
        contact: &str,
        code_hash: &str,
        now: Timestamp,
    ) -> Result<Sending, StoreError> {
        let key = ItemKey::Code(who.tenant(), contact).attributes();
        for race in 1..=MAX_RACES {
            let get = self.client.get_item().table_name(&self.table).set_key(Some(key.clone())).consistent_read(true);
            let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
            let before = answer.item();
            let number = |name: &str| before?.get(name)?.as_n().ok()?.parse::<u64>().ok();
            let since = before.and_then(|item| item.get("since")?.as_s().ok()?.parse::<Timestamp>().ok());
            let since = since.filter(|since| *since + WITHIN > now);
            let sent = since.and_then(|_| number("sent")).unwrap_or(0);
            if sent >= MAX_SENT {
                let again = since.map_or(now, |since| since + WITHIN).duration_since(now).as_secs();
                return Ok(Sending::NotBefore(u32::try_from(again).unwrap_or(0).max(1)));
            }
            let mut item = key.clone();
            let version = number("version").unwrap_or(0);
            for (name, value) in [
                ("kind", "code".to_owned()),
                ("code_hash", code_hash.to_owned()),
                ("good_until", keys::moment(now + GOOD_FOR)),
                ("since", keys::moment(since.unwrap_or(now))),
            ] {
                item.insert(name.to_owned(), text(&value));
            }
            let end = (now + WITHIN + GOOD_FOR).as_second().to_string();
            for (name, value) in [
                ("tries", "0".to_owned()),
                ("sent", (sent + 1).to_string()),
                ("version", (version + 1).to_string()),
                ("expires_at_epoch", end),
            ] {
                item.insert(name.to_owned(), AttributeValue::N(value));
            }
            let never = |item: &Item| {
                let mut item = item.clone();
                item.retain(|name, _| ["pk", "sk", "kind", "expires_at_epoch"].contains(&name.as_str()));
                item
            };
            let grant = Grant {
                before: before.cloned().unwrap_or_else(|| never(&item)),
                version: version + 1,
                code_hash: code_hash.to_owned(),
            };
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
            let put = match before {
                None => put.condition_expression("attribute_not_exists(pk)"),
                Some(_) => put
                    .condition_expression("version = :loaded")
                    .expression_attribute_values(":loaded", AttributeValue::N(version.to_string())),
            };
            match self.put(put).await.map_err(StoreError::from) {
                Ok(()) => return Ok(Sending::Granted(grant)),
                Err(StoreError::Conflict) => self.seams.back_off(race).await,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }

    /// Takes a code back that was not sent: it does not count among those that were, and the one before it counts again. Where
    /// anything was done with it meanwhile, everything stays. One request.
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

    /// Counts a try, and gives the hash of the code that counts; `None` where there is none, or it was tried too often. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn try_code(
        &self,
        who: &impl Authority,
        contact: &str,
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
            .expression_attribute_values(":most", AttributeValue::N(MAX_TRIES.to_string()))
            .expression_attribute_values(":now", text(&keys::moment(now)))
            .return_values(ReturnValue::AllNew);
        match self.update(update).await.map_err(StoreError::from) {
            Ok(item) => Ok(item.get("code_hash").and_then(|hash| hash.as_s().ok()).cloned()),
            Err(StoreError::Conflict) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Removes a code that came back. What was sent still counts. One request; where another code counts by now, nothing changes.
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
