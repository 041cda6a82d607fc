//! The table's keys. Nowhere else is one built or taken apart.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::{
    api::caller::{Authority, sealed::Sealed},
    process::{ProcessId, TenantId},
};

/// Shards of the index `due`, so that no partition of it is hot.
pub const DUE_SHARDS: u8 = 16;
/// The sort key of items that are alone in their partition.
const ALONE: &str = "#";

/// What an item of the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKey<'a> {
    /// A process.
    Process(&'a TenantId, ProcessId),
    /// The guard that makes a provider's reference belong to one process.
    Reference(&'a TenantId, &'a str, &'a str),
    /// An API key, by the hash of the secret.
    ApiKey(&'a str),
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
            Self::ApiKey(hash) => format!("APIKEY#{hash}"),
        }
    }

    /// The key as attributes.
    #[must_use]
    pub fn attributes(self) -> HashMap<String, AttributeValue> {
        [("pk", self.pk()), ("sk", ALONE.to_owned())]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
            .into()
    }
}

/// The key of a process that came out of our own table: from an index or from the stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnKey {
    tenant: TenantId,
    /// The process.
    pub id: ProcessId,
}

impl OwnKey {
    /// Takes a partition key apart; `None` where it is not a process's.
    #[must_use]
    pub fn of_process(pk: &str) -> Option<Self> {
        let (tenant, rest) = pk.strip_prefix("TENANT#")?.split_once('#')?;
        let id = rest.strip_prefix("PROCESS#")?;
        Some(Self { tenant: tenant.parse().ok()?, id: id.parse().ok()? })
    }
}

impl Sealed for OwnKey {}

impl Authority for OwnKey {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// Keys of the index `by_kind` for a tenant's processes: a partition a month, newest last.
#[must_use]
pub fn by_kind(tenant: &TenantId, month: &str) -> String {
    format!("TENANT#{tenant}#PROCESS#{month}")
}

/// The sort key within the month.
#[must_use]
pub fn by_kind_sort(created_at: Timestamp, id: ProcessId) -> String {
    format!("{}#{id}", moment(created_at))
}

/// The partition key of the index `by_owner`.
#[must_use]
pub fn by_owner(tenant: &TenantId, person_id: &str) -> String {
    format!("TENANT#{tenant}#PERSON#{person_id}")
}

/// The month a moment belongs to, UTC.
#[must_use]
pub fn month(at: Timestamp) -> String {
    moment(at)[..7].to_owned()
}

/// A moment as text that sorts as time does: always milliseconds, always UTC.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The partition key of the index `due` that a process belongs to.
#[must_use]
pub fn due_shard_of(id: ProcessId) -> String {
    due_shard(id.0.as_bytes()[15] % DUE_SHARDS)
}

/// The partition key of a shard of the index `due`.
#[must_use]
pub fn due_shard(shard: u8) -> String {
    format!("DUE#{shard:02}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::process::ids::uuid_of;

    #[test]
    fn only_a_process_s_key_is_taken_apart() {
        let tenant: TenantId = "acme".parse().unwrap();
        let id = ProcessId(uuid_of(&["x"]));
        let own = OwnKey::of_process(&ItemKey::Process(&tenant, id).pk()).unwrap();
        assert_eq!((own.tenant(), own.id), (&tenant, id));
        for pk in [ItemKey::Reference(&tenant, "auco", "PROCESS#x").pk(), ItemKey::ApiKey("h").pk(), String::new()] {
            assert_eq!(OwnKey::of_process(&pk), None);
        }
    }

    #[test]
    fn moments_sort_as_time_does() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("2026-11-22T10:00:00Z"), "2026-11-22T10:00:00.000Z");
        assert!(at("2026-11-22T10:00:00.1Z") < at("2026-11-22T10:00:00.11Z"));
        assert_eq!(month("2026-12-31T23:59:59-02:00".parse().unwrap()), "2027-01");
    }
}
