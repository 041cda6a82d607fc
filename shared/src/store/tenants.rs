//! Tenants and their settings. Their accounts at providers are secrets, not items.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    codec::{self, json, text},
    failure,
    keys::{self, ItemKey},
    limits,
};
use crate::common::{Authority, TenantId};

/// The most characters in the names that operators give to tenants and keys.
pub const MAX_NAME_CHARS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Part of every key of the tenant's items.
    pub id: TenantId,
    pub name: String,
    /// When the tenant was created; none of its items is older.
    pub since: Timestamp,
    /// Days after which an ended process is redacted automatically; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// The most requests a minute, at least 1.
    #[serde(default = "default_per_minute")]
    pub per_minute: u32,
    /// Whether its API keys are refused.
    #[serde(default)]
    pub suspended: bool,
    /// Paused providers, with the time of the pause: no process is created or refreshed there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paused: BTreeMap<String, Timestamp>,
}

/// The default limit of requests a minute: 20 a second.
pub const DEFAULT_PER_MINUTE: u32 = 1200;

fn default_per_minute() -> u32 {
    DEFAULT_PER_MINUTE
}

impl Tenant {
    /// A tenant with default settings, created at `since`.
    #[must_use]
    pub fn new(id: TenantId, name: String, since: Timestamp) -> Self {
        Self {
            id,
            name,
            since,
            retention_days: None,
            per_minute: DEFAULT_PER_MINUTE,
            suspended: false,
            paused: BTreeMap::new(),
        }
    }
}

impl Store {
    /// Stores a tenant, or replaces its settings; its used quota does not change. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.write(tenant, |update| update).await
    }

    /// Stores a new tenant. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is already used, otherwise [`StoreError::Unavailable`].
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.write(tenant, |update| update.condition_expression("attribute_not_exists(pk)")).await
    }

    /// Stores a changed tenant that was loaded as `before`. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer changed it in the meantime, otherwise [`StoreError::Unavailable`].
    pub async fn change_tenant(&self, before: &Tenant, after: &Tenant) -> Result<(), StoreError> {
        let before = codec::summary_of(json(before)?);
        let condition = |update: UpdateItemFluentBuilder| {
            update.condition_expression("summary = :before").expression_attribute_values(":before", before)
        };
        self.write(after, condition).await
    }

    async fn write(
        &self,
        tenant: &Tenant,
        condition: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<(), StoreError> {
        let number = |value: u32| AttributeValue::N(value.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Tenant(&tenant.id).attributes()))
            .update_expression(
                "SET kind = :kind, by_kind_pk = :all, by_kind_sk = :id, summary = :summary, \
                 per_minute = :limit, suspended = :suspended, \
                 #window = if_not_exists(#window, :zero), #left = if_not_exists(#left, :zero)",
            )
            .expression_attribute_names("#window", limits::WINDOW)
            .expression_attribute_names("#left", limits::LEFT)
            .expression_attribute_values(":kind", text("tenant"))
            .expression_attribute_values(":all", text(keys::ALL_TENANTS))
            .expression_attribute_values(":id", text(tenant.id.as_str()))
            .expression_attribute_values(":summary", codec::summary_of(json(tenant)?))
            .expression_attribute_values(":limit", number(tenant.per_minute.max(1)))
            .expression_attribute_values(":suspended", AttributeValue::Bool(tenant.suspended))
            .expression_attribute_values(":zero", number(0));
        self.update(condition(update)).await?;
        Ok(())
    }

    /// The tenant of `who` (strongly consistent); `None` if it does not exist. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn tenant(&self, who: &impl Authority) -> Result<Option<Tenant>, StoreError> {
        let key = ItemKey::Tenant(who.tenant()).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
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
            let answer = self.send(|| query.clone().send()).await.map_err(|error| failure(&error))?;
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
