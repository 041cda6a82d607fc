//! Rotating the key of unique values, in the steps of [`crate::platform::secrets::unique_keys`]; and moving the guards
//! of existing records from the old key to the new one.
//!
//! Moving begins when every function writes under the new key. A record written after that moves its own guards, so
//! each existing record must be handled once: page by page, deleted or not. Each tenant's progress is stored, so that
//! another run continues there. A repeat changes nothing.

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

/// Records of a page handled concurrently.
const AT_ONCE: usize = 8;
/// The maximum number of disputed records that are reported.
const MAX_NAMED: usize = 100;

pub struct RotateUniqueKeys(Services);

/// Why a step was not done, or not completely.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The step is not allowed now.
    #[error(transparent)]
    Refused(#[from] StepRefused),
    /// Guards are not moved yet.
    #[error("not all guards are moved from key {from} to key {to} yet, of these tenants: {tenants}")]
    NotMoved {
        /// The old key.
        from: String,
        /// The new key.
        to: String,
        /// The tenants with such guards.
        tenants: String,
    },
    /// A guard remains although all were moved.
    #[error("record {record} of tenant {tenant} still has a guard under key {key}: move all of them again")]
    Left {
        /// The old key.
        key: String,
        tenant: TenantId,
        record: Uuid,
    },
    /// Another operator changes the keys at the same time.
    #[error("the unique keys changed meanwhile: check them again")]
    Changed,
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key as operators see it.
#[derive(Debug, Serialize)]
pub struct KeyShown {
    pub id: String,
    /// When it was added; `None` for the first key of a deployment.
    pub added_at: Option<Timestamp>,
    /// When it last became the first key.
    pub first_since: Option<Timestamp>,
}

/// The result for one record.
enum Seen {
    /// Its guards are already moved.
    Moved,
    /// Its guards were moved now.
    Moves,
    /// Another record has the same value under the new key.
    InDispute(Uuid),
}

impl RotateUniqueKeys {
    /// Built once per run.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// The keys in order, and the reason why guards cannot be moved now, if there is one. One request.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub async fn keys(&self) -> Result<(Vec<KeyShown>, Result<Rotation, StepRefused>), RotationError> {
        let keys = self.0.platform.secrets.unique_keys().await?;
        Ok((shown(&keys), keys.rotation(self.0.now())))
    }

    /// Step 1: adds a new key after the current one. Two requests.
    ///
    /// # Errors
    /// There are already two keys.
    pub async fn add(&self) -> Result<Vec<KeyShown>, RotationError> {
        let mut bytes = [0; 32];
        self.0.entropy().fill(&mut bytes);
        let id = format!("u{}", &self.0.entropy().uuid().simple().to_string()[..8]);
        self.change(|keys, now| Ok(keys.with_added(id, &bytes, now)?)).await
    }

    /// Step 2: makes the second key the first. Two requests.
    ///
    /// # Errors
    /// There is no second key, or a function may not know it yet.
    pub async fn promote(&self) -> Result<Vec<KeyShown>, RotationError> {
        self.change(|keys, now| Ok(keys.with_promoted(now)?)).await
    }

    /// The progress of moving a tenant's guards. One request.
    ///
    /// # Errors
    /// The store fails.
    pub async fn progress(
        &self,
        who: &impl Authority,
        rotation: &Rotation,
    ) -> Result<Option<GuardMoves>, RotationError> {
        let moves = self.0.store.guard_moves(who).await?;
        Ok(moves.filter(|moves| moves.rotation == *rotation))
    }

    /// Moves the guards of a tenant that exists since `since` to the first key, from where an earlier run stopped, or
    /// from the start with `again`. One query and one read for each hundred records; one read for each record, and one
    /// transaction if it must move; one write for each page.
    ///
    /// # Errors
    /// The step is not allowed now, the keys changed meanwhile, or the store fails; the progress stays.
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

    /// Step 3: removes the second key; `tenants` are all tenants, each with its start. One read for each tenant, two
    /// requests, and a check of every record as in [`Self::move_guards`]; none of these checks if the key was never
    /// first.
    ///
    /// # Errors
    /// A guard may still use the key.
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

    /// Checks that moving has ended for every tenant.
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

    /// Checks that no guard uses the second key: the stored progress alone does not justify an irreversible step.
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

    /// A page of the records at `place`, and the next place.
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
                // Another execution wrote it meanwhile.
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

/// Where records with unique values are, from the start.
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

/// The identity of a list of keys: their ids, and when each became first.
fn places_of(keys: &UniqueKeys) -> Vec<(String, Option<Timestamp>)> {
    keys.iter().map(|key| (key.id.clone(), key.first_since)).collect()
}

/// Counts the result for one record.
fn count(moves: &mut GuardMoves, seen: Seen) {
    moves.records += 1;
    match seen {
        Seen::Moved => {}
        Seen::Moves => moves.moved += 1,
        Seen::InDispute(id) if moves.in_dispute.len() < MAX_NAMED => moves.in_dispute.push(id),
        Seen::InDispute(_) => {}
    }
}
