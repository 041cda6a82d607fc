//! Replacing the key of unique values, in the steps of [`crate::platform::secrets::unique_keys`]; and moving the guards of the
//! records that are there from the old key to the new one.
//!
//! Moving begins when every function writes under the new key. A record that is written from then on moves its guards itself, so
//! it is enough to see once to every record that was there: page by page, those that are not deleted and those that are. How far
//! a tenant is, is kept, so that whoever stops half way goes on there. Whatever is done twice changes nothing.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{Services, records::uniques};
use crate::{
    common::{Authority, TenantId},
    deployment::Deployment,
    people::{Kind, families},
    platform::{
        SecretsError,
        secrets::unique_keys::{Rotation, StepRefused, UniqueKeys},
    },
    store::{
        StoreError,
        guard_moves::{GuardMoves, Place},
        records::{RecordItem, Written},
    },
};

/// Records of a page that are seen to at once.
const AT_ONCE: usize = 8;
/// Records in dispute that are named.
const MAX_NAMED: usize = 100;

/// The use case.
pub struct RotateUniqueKeys(Services);

/// Why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The step is not to be taken now.
    #[error(transparent)]
    Refused(#[from] StepRefused),
    /// Guards are not moved yet.
    #[error("not all guards are moved from key {from} to key {to} yet, of these tenants: {tenants}")]
    NotMoved {
        /// The key that is to go.
        from: String,
        /// The key that takes its place.
        to: String,
        /// Whose.
        tenants: String,
    },
    /// A guard is still there although all were moved.
    #[error("record {record} of tenant {tenant} still has a guard under key {key}: move all of them again")]
    Left {
        /// The key that is to go.
        key: String,
        /// Whose.
        tenant: TenantId,
        /// Which record.
        record: Uuid,
    },
    /// Somebody else takes a step at the same time.
    #[error("the unique keys changed meanwhile: look at them again")]
    Changed,
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key as operators see it.
#[derive(Debug, Serialize)]
pub struct KeyShown {
    /// Its id.
    pub id: String,
    /// When it was added; the first key of a deployment was not.
    pub added_at: Option<Timestamp>,
    /// When it was last put first.
    pub first_since: Option<Timestamp>,
}

/// What was found of a record.
enum Seen {
    /// Its guards are where they belong.
    Moved,
    /// They were elsewhere.
    Moves,
    /// Another record has its value by the new key.
    InDispute(Uuid),
}

impl RotateUniqueKeys {
    /// Built once per run.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// The keys in their order, and why guards are not to be moved now, if they are not. One request.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub async fn keys(&self) -> Result<(Vec<KeyShown>, Result<Rotation, StepRefused>), RotationError> {
        let keys = self.0.platform.secrets.unique_keys().await?;
        Ok((shown(&keys), keys.rotation(self.0.now())))
    }

    /// Step 1: a new key, behind the one there is. Two requests.
    ///
    /// # Errors
    /// There are two already.
    pub async fn add(&self) -> Result<Vec<KeyShown>, RotationError> {
        let mut bytes = [0; 32];
        self.0.entropy().fill(&mut bytes);
        let id = format!("u{}", &self.0.entropy().uuid().simple().to_string()[..8]);
        self.change(|keys, now| Ok(keys.with_added(id, &bytes, now)?)).await
    }

    /// Step 2: the second key is put first. Two requests.
    ///
    /// # Errors
    /// There is none, or some function may not know it yet.
    pub async fn promote(&self) -> Result<Vec<KeyShown>, RotationError> {
        self.change(|keys, now| Ok(keys.with_promoted(now)?)).await
    }

    /// How far the guards of a tenant are moved. One request.
    ///
    /// # Errors
    /// Our own store.
    pub async fn progress(
        &self,
        who: &impl Authority,
        rotation: &Rotation,
    ) -> Result<Option<GuardMoves>, RotationError> {
        let moves = self.0.store.guard_moves(who).await?;
        Ok(moves.filter(|moves| moves.rotation == *rotation))
    }

    /// Moves the guards of a tenant that began at `since` to the first key, from where an earlier run stopped, or all of them
    /// once more where `again`. For each hundred records one query and one read, for each record one read, and one transaction
    /// where it must move; and one write for each page.
    ///
    /// # Errors
    /// It is not the time for it, the keys changed meanwhile, or our own store; what was done stays done.
    pub async fn move_guards(
        &self,
        who: &impl Authority,
        since: Timestamp,
        again: bool,
    ) -> Result<GuardMoves, RotationError> {
        let rotation = self.0.platform.secrets.unique_keys().await?.rotation(self.0.now())?;
        let before = if again { None } else { self.progress(who, &rotation).await? };
        let mut moves = before.unwrap_or_else(|| GuardMoves {
            place: places().next(),
            rotation,
            records: 0,
            moved: 0,
            in_dispute: Vec::new(),
            updated_at: self.0.now(),
        });
        while let Some(place) = moves.place.take() {
            let keys = &self.0.platform.secrets.recent().await?.unique_keys;
            if keys.rotation(self.0.now()).ok().as_ref() != Some(&moves.rotation) {
                return Err(RotationError::Changed);
            }
            let (records, rest) = self.page(who, since, &place).await?;
            let seen = stream::iter(records).map(|item| self.move_record(who, item, keys)).buffer_unordered(AT_ONCE);
            seen.try_collect::<Vec<_>>().await?.into_iter().for_each(|seen| count(&mut moves, seen));
            moves.place = rest;
            moves.updated_at = self.0.now();
            self.0.store.put_guard_moves(who, &moves).await?;
            tracing::info!(tenant = %who.tenant(), records = moves.records, moved = moves.moved, "guards moved");
        }
        Ok(moves)
    }

    /// Step 3: the second key is removed; `tenants` are all there are, and since when. One read for each tenant, two requests, and a
    /// look at every record as in [`Self::move_guards`]; without these where the key was never first.
    ///
    /// # Errors
    /// A guard under it may be there.
    pub async fn remove<A: Authority>(&self, tenants: &[(A, Timestamp)]) -> Result<Vec<KeyShown>, RotationError> {
        let keys = self.0.platform.secrets.unique_keys().await?;
        if !keys.is_second_unused()? {
            let rotation = keys.rotation(self.0.now())?;
            self.check_moved(tenants, &rotation).await?;
            for (who, since) in tenants {
                self.check_gone(who, *since, &keys, &rotation).await?;
            }
        }
        let checked = places_of(&keys);
        self.change(|present, _| {
            if places_of(present) == checked { Ok(present.with_removed()?) } else { Err(RotationError::Changed) }
        })
        .await
    }

    /// Checks that moving came to its end for every tenant.
    async fn check_moved<A: Authority>(
        &self,
        tenants: &[(A, Timestamp)],
        rotation: &Rotation,
    ) -> Result<(), RotationError> {
        let mut unmoved = Vec::new();
        for (who, _) in tenants {
            let moves = self.progress(who, rotation).await?;
            if moves.is_none_or(|moves| moves.place.is_some()) {
                unmoved.push(who.tenant().to_string());
            }
        }
        if unmoved.is_empty() {
            return Ok(());
        }
        let (from, to) = (rotation.from.clone(), rotation.to.clone());
        Err(RotationError::NotMoved { from, to, tenants: unmoved.join(", ") })
    }

    /// Looks whether any guard is left under the second key: what cannot be undone is not done on a note alone.
    async fn check_gone(
        &self,
        who: &impl Authority,
        since: Timestamp,
        keys: &UniqueKeys,
        rotation: &Rotation,
    ) -> Result<(), RotationError> {
        let mut place = places().next();
        while let Some(here) = place {
            let (records, rest) = self.page(who, since, &here).await?;
            let look = |item: RecordItem| async move {
                let uniques = uniques(families::of(item.record.kind), &item.record.fields, keys)?;
                let own = self.0.store.own_guards(&item.record, &uniques).await?;
                Ok::<_, RotationError>((own.elsewhere > 0).then_some(item.record.id))
            };
            let left: Vec<_> = stream::iter(records).map(look).buffer_unordered(AT_ONCE).try_collect().await?;
            if let Some(record) = left.into_iter().flatten().next() {
                return Err(RotationError::Left { key: rotation.from.clone(), tenant: who.tenant().clone(), record });
            }
            place = rest;
        }
        Ok(())
    }

    /// A page of the records at `place`, and where to go on.
    async fn page(
        &self,
        who: &impl Authority,
        since: Timestamp,
        place: &Place,
    ) -> Result<(Vec<RecordItem>, Option<Place>), StoreError> {
        let Place { kind, deleted, below } = place;
        let page = self.0.store.walk_records(who, since, (*kind, *deleted), below.clone(), self.0.now()).await?;
        let (records, rest) = page;
        let rest = match rest {
            Some(below) => Some(Place { below: Some(below), ..place.clone() }),
            None => places().skip_while(|next| (next.kind, next.deleted) != (*kind, *deleted)).nth(1),
        };
        Ok((records, rest))
    }

    async fn move_record(
        &self,
        who: &impl Authority,
        mut item: RecordItem,
        keys: &UniqueKeys,
    ) -> Result<Seen, RotationError> {
        let family = families::of(item.record.kind);
        let mut races = self.0.races();
        loop {
            let uniques = uniques(family, &item.record.fields, keys)?;
            let own = self.0.store.own_guards(&item.record, &uniques).await?;
            if own.elsewhere == 0 && own.first == uniques.len() {
                return Ok(Seen::Moved);
            }
            match self.0.store.move_guards(who, &item, &uniques).await? {
                Written::Done => return Ok(Seen::Moves),
                Written::Taken(_) => return Ok(Seen::InDispute(item.record.id)),
                // It was written meanwhile.
                _ => races.lose().await?,
            }
            match self.0.store.record(who, family.kind, item.record.id).await? {
                Some(present) => item = present,
                None => return Ok(Seen::Moved),
            }
        }
    }

    async fn change(
        &self,
        change: impl FnOnce(&UniqueKeys, Timestamp) -> Result<UniqueKeys, RotationError>,
    ) -> Result<Vec<KeyShown>, RotationError> {
        let now = self.0.now();
        let changed = self.0.platform.secrets.change_unique_keys(|keys| change(keys, now)).await?;
        Ok(shown(&changed))
    }
}

/// Where records are that have unique values, from the beginning.
fn places() -> impl Iterator<Item = Place> {
    let kinds = Kind::ALL.into_iter().filter(|kind| !families::of(*kind).unique.is_empty());
    kinds.flat_map(|kind| [false, true].map(|deleted| Place { kind, deleted, below: None }))
}

fn shown(keys: &UniqueKeys) -> Vec<KeyShown> {
    let key = |key: &crate::platform::secrets::unique_keys::UniqueKey| KeyShown {
        id: key.id.clone(),
        added_at: key.added_at,
        first_since: key.first_since,
    };
    keys.iter().map(key).collect()
}

/// What a list is known by: which keys, and which of them first since when.
fn places_of(keys: &UniqueKeys) -> Vec<(String, Option<Timestamp>)> {
    keys.iter().map(|key| (key.id.clone(), key.first_since)).collect()
}

/// Counts what became of one record.
fn count(moves: &mut GuardMoves, seen: Seen) {
    moves.records += 1;
    match seen {
        Seen::Moved => {}
        Seen::Moves => moves.moved += 1,
        Seen::InDispute(id) if moves.in_dispute.len() < MAX_NAMED => moves.in_dispute.push(id),
        Seen::InDispute(_) => {}
    }
}
