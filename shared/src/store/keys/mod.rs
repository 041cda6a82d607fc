//! The table's keys. Nowhere else is one built or taken apart. Those of its indexes are in `index`.

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

/// Shards of the index `due`, so that no partition of it is hot.
pub const DUE_SHARDS: u8 = 16;
/// The partition of the index `by_kind` that has every tenant.
pub const ALL_TENANTS: &str = "TENANTS";
/// The sort key of items that are alone in their partition.
const ALONE: &str = "#";

/// What an item of the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKey<'a> {
    /// A process.
    Process(&'a TenantId, ProcessId),
    /// The guard that makes a provider's reference belong to one process.
    Reference(&'a TenantId, &'a str, &'a str),
    /// The work of copying one piece of evidence that takes long.
    LongCopy(&'a TenantId, Uuid),
    /// An API key, by the hash of the secret.
    ApiKey(&'a str),
    /// A tenant.
    Tenant(&'a TenantId),
    /// A notification channel. A tenant's channels share a partition: they are read together.
    Channel(&'a TenantId, Uuid),
    /// One message on its way to one channel.
    Delivery(&'a TenantId, Uuid),
    /// A record of the people registry.
    Record(&'a TenantId, Kind, Uuid),
    /// Something to be done step by step in the background.
    Job(&'a TenantId, Uuid),
    /// A code that was sent to a person, by the keyed hash of whom and where to.
    Code(&'a TenantId, &'a str),
    /// The guard that makes a value of a field belong to one record: kind, field, keyed hash of the value.
    Unique(&'a TenantId, Kind, &'a str, &'a str),
    /// How far a tenant's guards are moved from one key to another.
    GuardMoves(&'a TenantId),
    /// That a record has a value by which its owner's records are looked for: kind, field, keyed hash of the value, and the record.
    /// Those that have the same share a partition.
    Listed(&'a TenantId, Kind, &'a str, &'a str, Uuid),
    /// How far behind the stream a function was.
    StreamLag(&'a str),
    /// Under which hash an API key is kept, by its public id.
    KeyId(&'a TenantId, &'a str),
}

impl ItemKey<'_> {
    /// The partition key.
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

    /// The sort key.
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

/// The key of a process that came out of our own table: from an index, from the stream, or from another item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnKey {
    tenant: TenantId,
    /// The process.
    pub id: ProcessId,
}

/// The key of a long copy that came out of our own table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LongCopyKey {
    tenant: TenantId,
    /// The piece of evidence.
    pub evidence: Uuid,
}

/// The key of a delivery that came out of our own table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeliveryKey {
    tenant: TenantId,
    /// The delivery.
    pub id: Uuid,
}

/// The key of a job that came out of our own table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobKey {
    tenant: TenantId,
    /// The job.
    pub id: Uuid,
}

/// The key of a record that came out of our own table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordKey {
    tenant: TenantId,
    /// What it is.
    pub kind: Kind,
    /// The record.
    pub id: Uuid,
}

/// The key of something that can be woken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WorkKey {
    /// A process is to be looked at.
    Process(OwnKey),
    /// A piece of evidence is to be copied.
    LongCopy(LongCopyKey),
    /// A message is to be handed over.
    Delivery(DeliveryKey),
    /// A job is to go on.
    Job(JobKey),
    /// What happened to a record is to be told.
    Record(RecordKey),
}

impl WorkKey {
    /// Takes a partition key apart; `None` where it is nothing that can be woken.
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

    /// What it is, for people and programs.
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

    /// Whose it is.
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

    /// The attribute whose change wakes the function that sees to it.
    #[must_use]
    pub fn wake_attribute(&self) -> &'static str {
        match self {
            Self::Process(_) | Self::LongCopy(_) | Self::Job(_) => "wake_token",
            Self::Delivery(_) | Self::Record(_) => "outbox_token",
        }
    }

    /// The key as it stands in the table.
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

    /// The partition of the index `due` that it belongs to.
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
    /// The key of a process that an item of `who`'s names.
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
    fn only_what_can_be_woken_has_a_key_that_is_taken_apart() {
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
