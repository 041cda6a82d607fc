//! Tenants: who they are and what is set up for them. Their accounts at companies are secrets, not items.

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

/// Characters of the names that operators give to tenants and keys.
pub const MAX_NAME_CHARS: usize = 200;

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
    /// How many requests a minute it may make, at least 1.
    #[serde(default = "default_per_minute")]
    pub per_minute: u32,
    /// Whether its keys are refused for now.
    #[serde(default)]
    pub suspended: bool,
    /// The providers that are left alone for it, and since when: nothing is created there and nothing is asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paused: BTreeMap<String, Timestamp>,
}

/// How many requests a minute a tenant may make where nobody says otherwise: 20 a second.
pub const DEFAULT_PER_MINUTE: u32 = 1200;

fn default_per_minute() -> u32 {
    DEFAULT_PER_MINUTE
}

impl Tenant {
    /// A tenant that begins at `since`, with nothing special about it.
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
    /// Stores a tenant, or replaces what was stored of it; how much of its limit is used stays as it is. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.write(tenant, |update| update).await
    }

    /// Stores a new tenant. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where there is one of that id, else [`StoreError::Unavailable`].
    pub async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        self.write(tenant, |update| update.condition_expression("attribute_not_exists(pk)")).await
    }

    /// Stores what became of a tenant that was loaded as `before`. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody wrote since, else [`StoreError::Unavailable`].
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

    /// The tenant of `who` (strongly consistent); `None` where it was never set up. One request.
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
