//! How far the functions were behind the stream: one item for each function, written only while it is behind.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    codec::{json, parse, text},
    failure,
    keys::ItemKey,
};

/// The last time at which a function was behind the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamLag {
    /// When the function noticed it.
    pub seen_at: Timestamp,
    /// Age of the oldest record in the batch at that time, in seconds.
    pub seconds: i64,
}

impl Store {
    /// Stores that `function` is behind. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn note_lag(&self, function: &str, lag: &StreamLag) -> Result<(), StoreError> {
        let mut item = ItemKey::StreamLag(function).attributes();
        item.insert("kind".to_owned(), text("stream_lag"));
        item.insert("body".to_owned(), json(lag)?);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        self.send(|| put.clone().send()).await.map(|_| ()).map_err(|error| failure(&error))
    }

    /// The last time at which `function` was behind; `None` if it never was. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn lag(&self, function: &str) -> Result<Option<StreamLag>, StoreError> {
        let key = ItemKey::StreamLag(function).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        let body = |item: &super::codec::Item| {
            let body = item.get("body").and_then(|body: &AttributeValue| body.as_s().ok());
            parse(body.ok_or(StoreError::Corrupt("body"))?, "body")
        };
        answer.item().map(body).transpose()
    }
}
