//! The table's keys. Only this module builds and parses them. The keys of the indexes are in `index`.

mod index;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

pub use index::{
    api_keys_of, by_channel, by_kind, by_kind_sort, by_owner, by_resource, channels, deleted_records, due_shard,
    due_shard_of, listed, moment, month, owned_by, records,
};

use crate::{
    common::{
        TenantId,
        authority::{Authority, sealed::Sealed},
    },
    people::Kind,
    process::ProcessId,
};

/// Shards of the index `due`, which spread its load over partitions.
pub const DUE_SHARDS: u8 = 16;
/// The partition of the index `by_kind` with all tenants.
pub const ALL_TENANTS: &str = "TENANTS";
/// The sort key of items that have their own partition.
const ALONE: &str = "#";

/// The subject of an item, from which its key is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKey<'a> {
    Process(&'a TenantId, ProcessId),
    /// The guard that ties a provider's reference to one process.
    Reference(&'a TenantId, &'a str, &'a str),
    /// The task of copying one piece of evidence that takes long.
    LongCopy(&'a TenantId, Uuid),
    /// An API key, by the hash of the secret.
    ApiKey(&'a str),
    Tenant(&'a TenantId),
    /// A notification channel. A tenant's channels share a partition, because they are read together.
    Channel(&'a TenantId, Uuid),
    /// One message on its way to one channel.
    Delivery(&'a TenantId, Uuid),
    /// A record of the people registry.
    Record(&'a TenantId, Kind, Uuid),
    /// A background job.
    Job(&'a TenantId, Uuid),
    /// A one-time code, by the keyed hash of the person and the contact.
    Code(&'a TenantId, &'a str),
    /// The guard that ties a value of a field to one record: kind, field, keyed hash of the value.
    Unique(&'a TenantId, Kind, &'a str, &'a str),
    /// Progress of moving a tenant's guards from one key to another.
    GuardMoves(&'a TenantId),
    /// A record under a value that its owner's records are searched by: kind, field, keyed hash of the value, record.
    /// Records with the same value share a partition.
    Listed(&'a TenantId, Kind, &'a str, &'a str, Uuid),
    /// How far a function was behind the stream.
    StreamLag(&'a str),
    /// The hash of an API key, by its public id.
    KeyId(&'a TenantId, &'a str),
}

impl ItemKey<'_> {
    #[must_use]
    pub fn pk(self) -> String {
        match self {
            Self::Process(tenant, id) => format!("TENANT#{tenant}#PROCESS#{id}"),
            Self::Reference(tenant, provider, reference) => {
                format!("TENANT#{tenant}#REFERENCE#{provider}#{reference}")
            }
            Self::LongCopy(tenant, evidence) => format!("TENANT#{tenant}#COPY#{evidence}"),
            Self::ApiKey(hash) => format!("APIKEY#{hash}"),
            Self::Tenant(tenant) => format!("TENANT#{tenant}"),
            Self::Channel(tenant, _) => channels(tenant),
            Self::Delivery(tenant, id) => format!("TENANT#{tenant}#DELIVERY#{id}"),
            Self::Record(tenant, kind, id) => format!("TENANT#{tenant}#{}#{id}", kind.as_str()),
            Self::Code(tenant, hash) => format!("TENANT#{tenant}#CODE#{hash}"),
            Self::Job(tenant, id) => format!("TENANT#{tenant}#JOB#{id}"),
            Self::Unique(tenant, kind, field, hash) => {
                format!("TENANT#{tenant}#UNIQUE#{}#{field}#{hash}", kind.as_str())
            }
            Self::GuardMoves(tenant) => format!("TENANT#{tenant}#GUARDMOVES"),
            Self::Listed(tenant, kind, field, hash, _) => listed(tenant, kind, field, hash),
            Self::StreamLag(function) => format!("STREAM#{function}"),
            Self::KeyId(tenant, key_id) => format!("TENANT#{tenant}#KEYID#{key_id}"),
        }
    }

    fn sk(self) -> String {
        match self {
            Self::Channel(_, id) | Self::Listed(.., id) => id.to_string(),
            _ => ALONE.to_owned(),
        }
    }

    /// The key as attributes.
    #[must_use]
    pub fn attributes(self) -> HashMap<String, AttributeValue> {
        [("pk", self.pk()), ("sk", self.sk())].map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into()
    }
}

/// The key of a process that was read from the table: from an index, the stream or another item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnKey {
    tenant: TenantId,
    pub id: ProcessId,
}

/// The key of a long copy that was read from the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LongCopyKey {
    tenant: TenantId,
    /// The id of the piece of evidence.
    pub evidence: Uuid,
}

/// The key of a delivery that was read from the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryKey {
    tenant: TenantId,
    pub id: Uuid,
}

/// The key of a job that was read from the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobKey {
    tenant: TenantId,
    pub id: Uuid,
}

/// The key of a record that was read from the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    tenant: TenantId,
    pub kind: Kind,
    pub id: Uuid,
}

/// The key of an item that can be woken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WorkKey {
    /// A process that needs a refresh.
    Process(OwnKey),
    /// A piece of evidence that needs a copy.
    LongCopy(LongCopyKey),
    /// A message that needs a delivery.
    Delivery(DeliveryKey),
    /// A job that needs its next step.
    Job(JobKey),
    /// A record whose events need a delivery.
    Record(RecordKey),
}

impl WorkKey {
    /// Parses a partition key; `None` if it is not the key of an item that can be woken.
    #[must_use]
    pub fn of(pk: &str) -> Option<Self> {
        let (tenant, rest) = pk.strip_prefix("TENANT#")?.split_once('#')?;
        let tenant = tenant.parse().ok()?;
        if let Some(id) = rest.strip_prefix("PROCESS#") {
            return Some(Self::Process(OwnKey { tenant, id: id.parse().ok()? }));
        }
        let (kind, id) = rest.split_once('#')?;
        let id = Uuid::try_parse(id).ok()?;
        match kind {
            "COPY" => Some(Self::LongCopy(LongCopyKey { tenant, evidence: id })),
            "JOB" => Some(Self::Job(JobKey { tenant, id })),
            "DELIVERY" => Some(Self::Delivery(DeliveryKey { tenant, id })),
            _ => Some(Self::Record(RecordKey { tenant, kind: Kind::from_name(kind)?, id })),
        }
    }

    /// The kind of item, for logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::LongCopy(_) => "video",
            Self::Delivery(_) => "delivery",
            Self::Job(_) => "job",
            Self::Record(_) => "record",
        }
    }

    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Process(key) => &key.tenant,
            Self::LongCopy(key) => &key.tenant,
            Self::Delivery(key) => &key.tenant,
            Self::Job(key) => &key.tenant,
            Self::Record(key) => &key.tenant,
        }
    }

    /// The attribute whose change makes the stream call the function that handles the item.
    #[must_use]
    pub fn wake_attribute(&self) -> &'static str {
        match self {
            Self::Process(_) | Self::LongCopy(_) | Self::Job(_) => "wake_token",
            Self::Delivery(_) | Self::Record(_) => "outbox_token",
        }
    }

    /// The key as it is in the table.
    #[must_use]
    pub fn item(&self) -> ItemKey<'_> {
        match self {
            Self::Process(key) => ItemKey::Process(&key.tenant, key.id),
            Self::LongCopy(key) => ItemKey::LongCopy(&key.tenant, key.evidence),
            Self::Delivery(key) => ItemKey::Delivery(&key.tenant, key.id),
            Self::Job(key) => ItemKey::Job(&key.tenant, key.id),
            Self::Record(key) => ItemKey::Record(&key.tenant, key.kind, key.id),
        }
    }

    /// The item's partition of the index `due`.
    #[must_use]
    pub fn due_shard(&self) -> String {
        match self {
            Self::Process(key) => due_shard_of(key.id.0),
            Self::LongCopy(key) => due_shard_of(key.evidence),
            Self::Delivery(key) => due_shard_of(key.id),
            Self::Job(key) => due_shard_of(key.id),
            Self::Record(key) => due_shard_of(key.id),
        }
    }
}

impl OwnKey {
    /// The key of the process `id` of the tenant of `who`.
    pub(super) fn named(who: &LongCopyKey, id: ProcessId) -> Self {
        Self { tenant: who.tenant.clone(), id }
    }
}

impl Sealed for OwnKey {}

impl Authority for OwnKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl Sealed for LongCopyKey {}

impl Authority for LongCopyKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl Sealed for DeliveryKey {}

impl Authority for DeliveryKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl Sealed for JobKey {}

impl Authority for JobKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

impl Sealed for RecordKey {}

impl Authority for RecordKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::common::ids::uuid_of;

    #[test]
    fn only_keys_of_items_that_can_be_woken_are_parsed() {
        let tenant: TenantId = "acme".parse().unwrap();
        let id = uuid_of(&["x"]);
        let records = Kind::ALL.map(|kind| ItemKey::Record(&tenant, kind, id));
        for item in [
            ItemKey::Process(&tenant, ProcessId(id)),
            ItemKey::LongCopy(&tenant, id),
            ItemKey::Delivery(&tenant, id),
            ItemKey::Job(&tenant, id),
        ]
        .into_iter()
        .chain(records)
        {
            assert_eq!(WorkKey::of(&item.pk()).unwrap().item(), item);
        }
        for pk in [
            ItemKey::Reference(&tenant, "auco", "PROCESS#x").pk(),
            ItemKey::ApiKey("h").pk(),
            ItemKey::Tenant(&tenant).pk(),
            ItemKey::Channel(&tenant, id).pk(),
            ItemKey::Unique(&tenant, Kind::Person, "national_id", "h").pk(),
            ItemKey::GuardMoves(&tenant).pk(),
            ItemKey::StreamLag("run-work").pk(),
            ItemKey::Listed(&tenant, Kind::CatalogValue, "value", "h", id).pk(),
            ItemKey::KeyId(&tenant, "key_1").pk(),
            String::new(),
        ] {
            assert_eq!(WorkKey::of(&pk), None);
        }
    }
}
