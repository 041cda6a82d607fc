//! Tenants: who they are and what is set up for them. Their accounts at companies are secrets, not items.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    codec::{self, json, text},
    failure,
    keys::{self, ItemKey},
};
use crate::{api::Authority, process::TenantId};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id, which stands in every key of its things.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// When it began; nothing of it is older.
    pub since: Timestamp,
    /// After how many days a process that ended is redacted unasked; never where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

impl Store {
    /// Stores a tenant, or replaces what was stored of it. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let mut item = ItemKey::Tenant(&tenant.id).attributes();
        item.insert("kind".to_owned(), text("tenant"));
        item.insert("by_kind_pk".to_owned(), text(keys::ALL_TENANTS));
        item.insert("by_kind_sk".to_owned(), text(tenant.id.as_str()));
        item.insert("summary".to_owned(), codec::summary_of(json(tenant)?));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| failure(&error))
    }

    /// The tenant of `who` (strongly consistent); `None` where it was never set up. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn tenant(&self, who: &impl Authority) -> Result<Option<Tenant>, StoreError> {
        let key = ItemKey::Tenant(who.tenant()).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = get.send().await.map_err(|error| failure(&error))?;
        answer.item().map(read).transpose()
    }

    /// Every tenant, by id. One request for each megabyte of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tenants = Vec::new();
        let mut rest = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("by_kind")
                .key_condition_expression("by_kind_pk = :all")
                .expression_attribute_values(":all", text(keys::ALL_TENANTS))
                .set_exclusive_start_key(rest);
            let answer = query.send().await.map_err(|error| failure(&error))?;
            for item in answer.items() {
                tenants.push(read(item)?);
            }
            rest = answer.last_evaluated_key;
            if rest.is_none() {
                return Ok(tenants);
            }
        }
    }
}

fn read(item: &codec::Item) -> Result<Tenant, StoreError> {
    serde_json::from_value(codec::summary_view(item)?).map_err(|_| StoreError::Corrupt("summary"))
}
