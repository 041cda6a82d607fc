//! API keys, stored under the hash of their secret. The secret itself is stored nowhere.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Store, StoreError, Tenant,
    codec::{self, json, text},
    failure,
    keys::{self, ItemKey},
};
use crate::common::{Authority, Caller, Scope};

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Public id, which audit lines show.
    pub key_id: String,
    pub name: String,
    #[serde(deserialize_with = "known_scopes")]
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    /// End of validity; the key never expires if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the key was revoked. The record stays, so that audit lines can still be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// A scope that this version does not know grants nothing.
fn known_scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(names.iter().filter_map(|name| Scope::from_name(name)).collect())
}

#[must_use]
pub fn key_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

impl Store {
    /// Stores a key of `tenant`, or replaces the record of the same secret, and an item that finds the key by its id. One
    /// transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the key was revoked, which is final; otherwise [`StoreError::Unavailable`].
    pub async fn put_api_key(&self, tenant: &Tenant, secret: &str, key: &ApiKey) -> Result<(), StoreError> {
        let (hash, sort) = (key_hash(secret), format!("{}#{}", keys::moment(key.created_at), key.key_id));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(ItemKey::ApiKey(&hash).attributes()))
            .update_expression(
                "SET kind = :kind, tenant = :tenant, tenant_since = :since, summary = :summary, \
                 by_owner_pk = :owner, by_owner_sk = :sort",
            )
            .condition_expression("attribute_not_exists(revoked_at)")
            .expression_attribute_values(":kind", text("api_key"))
            .expression_attribute_values(":tenant", text(tenant.id.as_str()))
            .expression_attribute_values(":since", text(&keys::moment(tenant.since)))
            .expression_attribute_values(":summary", codec::summary_of(json(key)?))
            .expression_attribute_values(":owner", text(&keys::api_keys_of(&tenant.id)))
            .expression_attribute_values(":sort", text(&sort));
        // A revocation knows only the key's id, and must find the key at once.
        let mut by_id = ItemKey::KeyId(&tenant.id, &key.key_id).attributes();
        by_id.insert("kind".to_owned(), text("api_key_id"));
        by_id.insert("key_hash".to_owned(), text(&hash));
        let by_id = Put::builder().table_name(&self.table).set_item(Some(by_id));
        let incomplete = |_| StoreError::Corrupt("incomplete write");
        let writes = [
            TransactWriteItem::builder().update(update.build().map_err(incomplete)?).build(),
            TransactWriteItem::builder().put(by_id.build().map_err(incomplete)?).build(),
        ];
        self.send_transaction(writes.into()).await.map_err(|cancelled| cancelled.error)
    }

    /// The caller whose key has this hash; `None` if no such key exists or it was revoked. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn caller_of_key(&self, hash: &str) -> Result<Option<Caller>, StoreError> {
        let item = self.item(ItemKey::ApiKey(hash)).await?;
        item.as_ref().filter(|item| !item.contains_key("revoked_at")).map(caller).transpose()
    }

    /// Every key of `who`'s tenant, oldest first; a key created moments ago may be missing. One request for each megabyte
    /// of keys.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn api_keys(&self, who: &impl Authority) -> Result<Vec<ApiKey>, StoreError> {
        self.key_items(who).await?.iter().map(about).collect()
    }

    /// Revokes the key `key_id` and returns it; `None` if the tenant has no such key. A key that was revoked before does
    /// not change. Three requests.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn revoke_api_key(
        &self,
        who: &impl Authority,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError> {
        let Some(by_id) = self.item(ItemKey::KeyId(who.tenant(), key_id)).await? else { return Ok(None) };
        let hash = by_id.get("key_hash").and_then(|hash| hash.as_s().ok()).ok_or(StoreError::Corrupt("key_hash"))?;
        let own = ItemKey::ApiKey(hash);
        let key = about(&self.item(own).await?.ok_or(StoreError::Corrupt("key_hash"))?)?;
        let revoked = ApiKey { revoked_at: Some(now), ..key.clone() };
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(own.attributes()))
            .update_expression("SET revoked_at = :now, summary = :summary")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
            .expression_attribute_values(":now", text(&keys::moment(now)))
            .expression_attribute_values(":summary", codec::summary_of(json(&revoked)?));
        match self.update(update).await.map_err(StoreError::from) {
            Ok(_) => Ok(Some(revoked)),
            Err(StoreError::Conflict) => Ok(Some(ApiKey { revoked_at: key.revoked_at.or(Some(now)), ..key })),
            Err(error) => Err(error),
        }
    }

    async fn item(&self, key: ItemKey<'_>) -> Result<Option<codec::Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes())).consistent_read(true);
        Ok(self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?.item)
    }

    async fn key_items(&self, who: &impl Authority) -> Result<Vec<codec::Item>, StoreError> {
        let (mut items, mut rest) = (Vec::new(), None);
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("by_owner")
                .key_condition_expression("by_owner_pk = :owner")
                .expression_attribute_values(":owner", text(&keys::api_keys_of(who.tenant())))
                .set_exclusive_start_key(rest);
            let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
            items.extend(answer.items.unwrap_or_default());
            rest = answer.last_evaluated_key;
            if rest.is_none() {
                return Ok(items);
            }
        }
    }
}

fn about(item: &codec::Item) -> Result<ApiKey, StoreError> {
    serde_json::from_value(codec::summary_view(item)?).map_err(|_| StoreError::Corrupt("summary"))
}

fn caller(item: &codec::Item) -> Result<Caller, StoreError> {
    let string =
        |name: &'static str| item.get(name).and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt(name));
    let key = about(item)?;
    Ok(Caller::new(
        string("tenant")?.parse().map_err(|_| StoreError::Corrupt("tenant"))?,
        key.scopes,
        key.key_id,
        key.name,
        string("tenant_since")?.parse().map_err(|_| StoreError::Corrupt("tenant_since"))?,
        key.expires_at,
    ))
}
