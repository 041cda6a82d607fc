//! Dead letters of the stream: Lambda stores failed stream records in a bucket. A replay wakes their items again, so
//! that the stream starts the right function, and deletes the dead letter.
//!
//! A dead letter is a Lambda document with the batch as text in `payload`. It may hold personal data; only the keys of
//! its items are returned.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ASKED, InfraError, OVERDUE, Services, WAKE_TIMEOUT, new_token, wants_answer};
use crate::{deployment::Deployment, store::keys::WorkKey};

/// The maximum number of documents that are counted.
const MOST_COUNTED: usize = 5_000;

/// A dead letter in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    pub key: String,
    /// When Lambda gave up, if the document says so.
    pub given_up_at: Option<Timestamp>,
    /// The reason that Lambda gives.
    pub condition: Option<String>,
    /// The keys of its items.
    pub items: Vec<String>,
}

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    pub key: String,
    /// How many items were woken.
    pub woken: usize,
    /// How many items no longer exist.
    pub gone: usize,
    /// Whether it was deleted. A document with an item that cannot be woken stays.
    pub deleted: bool,
}

pub struct ReplayRecords {
    services: Services,
    bucket: String,
}

/// The part of Lambda's document that is read.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default, rename = "requestContext")]
    context: Context,
    /// The batch, as JSON text.
    payload: String,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    condition: Option<String>,
}

/// An item in a record, and whether its wake token required a query of the provider.
struct Named {
    pk: String,
    wants_answer: bool,
}

impl ReplayRecords {
    /// For the dead letters in `bucket`.
    #[must_use]
    pub fn new(deployment: &Deployment, bucket: String) -> Self {
        Self { services: Services::new(deployment), bucket }
    }

    /// The number of dead letters and the time of the oldest, among the first [`MOST_COUNTED`]. One request for each
    /// thousand.
    ///
    /// # Errors
    /// The bucket fails.
    pub async fn count(&self) -> Result<(usize, Option<Timestamp>), InfraError> {
        let keys = self.keys(MOST_COUNTED).await?;
        Ok((keys.len(), keys.iter().filter_map(|key| given_up_at(key)).min()))
    }

    /// All dead letters, the oldest of each shard first. One request for each thousand, and one for each document.
    ///
    /// # Errors
    /// The bucket fails.
    pub async fn list(&self) -> Result<Vec<DeadLetter>, InfraError> {
        let mut kept = Vec::new();
        for key in self.keys(usize::MAX).await? {
            // Another operator deleted it meanwhile.
            let Some(content) = self.read(&key).await? else { continue };
            let record = match document(&content) {
                Some((document, named)) => DeadLetter {
                    key,
                    given_up_at: document.timestamp,
                    condition: document.context.condition,
                    items: named.into_iter().map(|named| named.pk).collect(),
                },
                None => DeadLetter { key, given_up_at: None, condition: None, items: Vec::new() },
            };
            kept.push(record);
        }
        Ok(kept)
    }

    /// Wakes every item of the dead letter `key`, then deletes it; `None` if it does not exist. It may be called again
    /// after any failure.
    ///
    /// # Errors
    /// The table or the bucket fails; the dead letter then stays.
    pub async fn replay(&self, key: &str) -> Result<Option<Replayed>, InfraError> {
        let Some(content) = self.read(key).await? else { return Ok(None) };
        let mut replayed = Replayed { key: key.to_owned(), woken: 0, gone: 0, deleted: false };
        let Some((_, named)) = document(&content) else { return Ok(Some(replayed)) };
        let mut all_known = true;
        for named in named {
            let Some(work) = WorkKey::of(&named.pk) else {
                all_known = false;
                continue;
            };
            let wake_token = new_token(if named.wants_answer { ASKED } else { OVERDUE }, self.services.entropy());
            match self.services.store.wake_again(&work, &wake_token, self.services.now() + WAKE_TIMEOUT).await? {
                true => replayed.woken += 1,
                false => replayed.gone += 1,
            }
        }
        if all_known {
            let delete = self.services.platform.aws.s3.delete_object().bucket(&self.bucket).key(key);
            delete.send().await.map_err(|_| InfraError::Bucket)?;
            replayed.deleted = true;
        }
        Ok(Some(replayed))
    }

    /// The keys of the first `most` documents, rounded up to whole pages.
    async fn keys(&self, most: usize) -> Result<Vec<String>, InfraError> {
        let mut pages = self.services.platform.aws.s3.list_objects_v2().bucket(&self.bucket).into_paginator().send();
        let mut keys = Vec::new();
        while keys.len() < most
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(|_| InfraError::Bucket)?;
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, InfraError> {
        match self.services.platform.aws.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => {
                let content = answer.body.collect().await.map_err(|_| InfraError::Bucket)?;
                Ok(Some(content.to_vec()))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => Ok(None),
            Err(_) => Err(InfraError::Bucket),
        }
    }
}

/// When Lambda gave up, from the document's key: `…/2026-12-01T03.04.05-ID`.
fn given_up_at(key: &str) -> Option<Timestamp> {
    let name = key.rsplit('/').next()?.get(..19)?;
    let moment = format!("{}:{}:{}Z", &name[..13], name.get(14..16)?, name.get(17..19)?);
    moment.parse().ok()
}

/// A dead letter and its distinct items; `None` if the content is not a dead letter.
fn document(content: &[u8]) -> Option<(Document, Vec<Named>)> {
    let document: Document = serde_json::from_slice(content).ok()?;
    let batch: Value = serde_json::from_str(&document.payload).ok()?;
    let mut named: Vec<Named> = Vec::new();
    for record in batch.get("Records")?.as_array()? {
        let pk = record.pointer("/dynamodb/Keys/pk/S")?.as_str()?;
        let wake_token = record.pointer("/dynamodb/NewImage/wake_token/S").and_then(Value::as_str);
        let asks = wake_token.is_some_and(wants_answer);
        match named.iter_mut().find(|known| known.pk == pk) {
            Some(known) => known.wants_answer |= asks,
            None => named.push(Named { pk: pk.to_owned(), wants_answer: asks }),
        }
    }
    Some((document, named))
}
