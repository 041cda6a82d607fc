//! API keys, by the hash of their secret.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store, StoreError,
    codec::{self, text},
    failure,
    keys::{self, ItemKey},
};
use crate::api::{Caller, NewApiKey, Scope, caller::key_hash};

impl Store {
    /// Stores a key, or replaces the record of the same secret. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_api_key(&self, key: &NewApiKey<'_>) -> Result<(), StoreError> {
        let mut item = ItemKey::ApiKey(&key_hash(key.secret)).attributes();
        let scopes = key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        item.insert("kind".to_owned(), text("api_key"));
        item.insert("tenant".to_owned(), text(key.tenant.as_str()));
        item.insert("key_id".to_owned(), text(key.key_id));
        item.insert("scopes".to_owned(), AttributeValue::Ss(scopes));
        item.insert("tenant_since".to_owned(), text(&keys::moment(key.tenant_since)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| failure(&error))
    }

    /// The caller whose key has this hash. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn caller_of_key(&self, hash: &str) -> Result<Option<Caller>, StoreError> {
        let key = ItemKey::ApiKey(hash).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = get.send().await.map_err(|error| failure(&error))?;
        answer.item().map(read).transpose()
    }
}

fn read(item: &codec::Item) -> Result<Caller, StoreError> {
    let string =
        |name: &'static str| item.get(name).and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt(name));
    let names = item.get("scopes").and_then(|value| value.as_ss().ok()).ok_or(StoreError::Corrupt("scopes"))?;
    // A scope that this version does not know allows nothing here.
    let scopes = Scope::ALL.into_iter().filter(|scope| names.iter().any(|name| name == scope.as_str())).collect();
    Ok(Caller::new(
        string("tenant")?.parse().map_err(|_| StoreError::Corrupt("tenant"))?,
        scopes,
        string("key_id")?.clone(),
        string("tenant_since")?.parse().map_err(|_| StoreError::Corrupt("tenant_since"))?,
    ))
}
