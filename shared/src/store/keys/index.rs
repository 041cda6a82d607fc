//! The keys of the indexes, and how moments and ids stand in keys.

use jiff::Timestamp;
use uuid::Uuid;

use super::DUE_SHARDS;
use crate::{common::TenantId, people::Kind};

/// The partition of a tenant's channels.
#[must_use]
pub fn channels(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#CHANNELS")
}

/// The partition of the records of one owner that have a value.
#[must_use]
pub fn listed(tenant: &TenantId, kind: Kind, field: &str, hash: &str) -> String {
    format!("TENANT#{tenant}#LISTED#{}#{field}#{hash}", kind.as_str())
}

/// Keys of the index `by_kind` for a channel's deliveries: a partition a month, newest last.
#[must_use]
pub fn by_channel(tenant: &TenantId, channel: Uuid, month: &str) -> String {
    format!("TENANT#{tenant}#DELIVERY#{channel}#{month}")
}

/// The partition key of the index `by_owner` for all deliveries about one thing.
#[must_use]
pub fn by_resource(tenant: &TenantId, resource: &str) -> String {
    format!("TENANT#{tenant}#ABOUT#{resource}")
}

/// Keys of the index `by_kind` for a tenant's processes: a partition a month, newest last.
#[must_use]
pub fn by_kind(tenant: &TenantId, month: &str) -> String {
    format!("TENANT#{tenant}#PROCESS#{month}")
}

/// Keys of the index `by_kind` for a tenant's records of one kind: a partition a month, newest last.
#[must_use]
pub fn records(tenant: &TenantId, kind: Kind, month: &str) -> String {
    format!("TENANT#{tenant}#{}#{month}", kind.as_str())
}

/// Keys of the index `by_kind` for those of them that were deleted.
#[must_use]
pub fn deleted_records(tenant: &TenantId, kind: Kind, month: &str) -> String {
    format!("TENANT#{tenant}#DELETED#{}#{month}", kind.as_str())
}

/// The partition key of the index `by_owner` for the records of one kind that belong to another record.
#[must_use]
pub fn owned_by(tenant: &TenantId, owner: Uuid, kind: Kind) -> String {
    format!("TENANT#{tenant}#OWNER#{owner}#{}", kind.as_str())
}

/// The sort key within the month.
#[must_use]
pub fn by_kind_sort(created_at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{}#{id}", moment(created_at))
}

/// The partition key of the index `by_owner`.
#[must_use]
pub fn by_owner(tenant: &TenantId, person_id: &str) -> String {
    format!("TENANT#{tenant}#PERSON#{person_id}")
}

/// The partition key of the index `by_owner` that has a tenant's API keys.
#[must_use]
pub fn api_keys_of(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#KEYS")
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

/// The partition key of the index `due` that a process or a piece of evidence belongs to.
#[must_use]
pub fn due_shard_of(id: Uuid) -> String {
    due_shard(id.as_bytes()[15] % DUE_SHARDS)
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

    #[test]
    fn moments_sort_as_time_does() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("2026-11-22T10:00:00Z"), "2026-11-22T10:00:00.000Z");
        assert!(at("2026-11-22T10:00:00.1Z") < at("2026-11-22T10:00:00.11Z"));
        assert_eq!(month("2026-12-31T23:59:59-02:00".parse().unwrap()), "2027-01");
    }
}
