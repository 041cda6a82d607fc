//! Progress of moving a tenant's guards of unique values from one key to another: one item for each tenant.
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

/// A tenant's progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardMoves {
    /// The old key and the new one.
    pub rotation: Rotation,
    /// Where to continue; `None` at the end.
    pub place: Option<Place>,
    /// Records handled.
    pub records: u64,
    /// Records among them whose guards were moved.
    pub moved: u64,
    /// Some of the records whose value another record has under the new key.
    pub in_dispute: Vec<Uuid>,
    /// When the last records were handled.
    pub updated_at: Timestamp,
}

/// A position among all records that have unique values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The kind of the records.
    pub kind: Kind,
    /// Whether the position is among deleted records.
    pub deleted: bool,
    /// Continue below this record.
    pub below: Option<Cursor>,
}

impl Store {
    /// A tenant's progress (strongly consistent); `None` if the move never began. One request.
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

    /// Stores a tenant's progress. Another writer of the same item has handled everything above its own position, too. One
    /// request.
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
