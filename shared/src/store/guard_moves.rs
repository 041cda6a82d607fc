//! How far a tenant's guards of unique values are moved from one key to another: an item for each tenant.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind` | key, `guard_moves` |
//! | `body` | [`GuardMoves`] as JSON text |

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{json, parse, text},
    failure,
    keys::ItemKey,
};
use crate::{
    common::{Authority, page::Cursor},
    people::Kind,
    platform::secrets::unique_keys::Rotation,
};

/// How far a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardMoves {
    /// From which key to which.
    pub rotation: Rotation,
    /// Where to go on; `None` at the end.
    pub place: Option<Place>,
    /// Records seen to.
    pub records: u64,
    /// Those among them whose guards were moved.
    pub moved: u64,
    /// Those whose value is another record's by the new key: some of them.
    pub in_dispute: Vec<Uuid>,
    /// When the last records were seen to.
    pub updated_at: Timestamp,
}

/// A place among all records that have unique values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Records of this kind, …
    pub kind: Kind,
    /// … deleted ones, or those that are not, …
    pub deleted: bool,
    /// … below this one.
    pub below: Option<Cursor>,
}

impl Store {
    /// How far a tenant is (strongly consistent); `None` where it never began. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn guard_moves(&self, who: &impl Authority) -> Result<Option<GuardMoves>, StoreError> {
        let key = ItemKey::GuardMoves(who.tenant()).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        let body = |item: &super::codec::Item| {
            let body = item.get("body").and_then(|body| body.as_s().ok()).ok_or(StoreError::Corrupt("body"))?;
            parse(body, "body")
        };
        answer.item().map(body).transpose()
    }

    /// Writes down how far a tenant is. Whoever else writes the same has seen to what is above its own place, too. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn put_guard_moves(&self, who: &impl Authority, moves: &GuardMoves) -> Result<(), StoreError> {
        let mut item = ItemKey::GuardMoves(who.tenant()).attributes();
        item.insert("kind".to_owned(), text("guard_moves"));
        item.insert("body".to_owned(), json(moves)?);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        self.send(|| put.clone().send()).await.map(|_| ()).map_err(|error| failure(&error))
    }
}
