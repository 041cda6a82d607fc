//! The keys of the indexes, and the format of timestamps and ids in keys.

use jiff::Timestamp;
use uuid::Uuid;

use super::DUE_SHARDS;
use crate::{common::TenantId, people::Kind};

/// The partition of a tenant's channels.
#[must_use]
pub fn channels(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#CHANNELS")
}

/// The partition of an owner's records that have the same value.
#[must_use]
pub fn listed(tenant: &TenantId, kind: Kind, field: &str, hash: &str) -> String {
    format!("TENANT#{tenant}#LISTED#{}#{field}#{hash}", kind.as_str())
}

/// The partition of the index `by_kind` for a channel's deliveries of a month.
#[must_use]
pub fn by_channel(tenant: &TenantId, channel: Uuid, month: &str) -> String {
    format!("TENANT#{tenant}#DELIVERY#{channel}#{month}")
}

/// The partition of the index `by_owner` for all deliveries about one resource.
#[must_use]
pub fn by_resource(tenant: &TenantId, resource: &str) -> String {
    format!("TENANT#{tenant}#ABOUT#{resource}")
}

/// The partition of the index `by_kind` for a tenant's processes of a month.
#[must_use]
pub fn by_kind(tenant: &TenantId, month: &str) -> String {
    format!("TENANT#{tenant}#PROCESS#{month}")
}

/// The partition of the index `by_kind` for a tenant's records of one kind and month.
#[must_use]
pub fn records(tenant: &TenantId, kind: Kind, month: &str) -> String {
    format!("TENANT#{tenant}#{}#{month}", kind.as_str())
}

/// The partition of the index `by_kind` for a tenant's deleted records of one kind and month.
#[must_use]
pub fn deleted_records(tenant: &TenantId, kind: Kind, month: &str) -> String {
    format!("TENANT#{tenant}#DELETED#{}#{month}", kind.as_str())
}

/// The partition of the index `by_owner` for an owner's records of one kind.
#[must_use]
pub fn owned_by(tenant: &TenantId, owner: Uuid, kind: Kind) -> String {
    format!("TENANT#{tenant}#OWNER#{owner}#{}", kind.as_str())
}

/// The sort key within a month: oldest first.
#[must_use]
pub fn by_kind_sort(created_at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{}#{id}", moment(created_at))
}

/// The partition of the index `by_owner` for a person's processes.
#[must_use]
pub fn by_owner(tenant: &TenantId, person_id: &str) -> String {
    format!("TENANT#{tenant}#PERSON#{person_id}")
}

/// The partition of the index `by_owner` for a tenant's API keys.
#[must_use]
pub fn api_keys_of(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#KEYS")
}

/// The month of a timestamp, UTC.
#[must_use]
pub fn month(at: Timestamp) -> String {
    moment(at)[..7].to_owned()
}

/// A timestamp as text that sorts by time: always milliseconds, always UTC.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The partition of the index `due` for an item with this id.
#[must_use]
pub fn due_shard_of(id: Uuid) -> String {
    due_shard(id.as_bytes()[15] % DUE_SHARDS)
}

/// The partition of the index `due` for a shard.
#[must_use]
pub fn due_shard(shard: u8) -> String {
    format!("DUE#{shard:02}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn timestamps_sort_by_time() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("2026-11-22T10:00:00Z"), "2026-11-22T10:00:00.000Z");
        assert!(at("2026-11-22T10:00:00.1Z") < at("2026-11-22T10:00:00.11Z"));
        assert_eq!(month("2026-12-31T23:59:59-02:00".parse().unwrap()), "2027-01");
    }
}
