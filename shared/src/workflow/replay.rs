//! Stream records that were given up, which Lambda keeps in a bucket: what they were about is woken again, so that the
//! stream wakes the right function, and the kept record is deleted.
//!
//! A kept record is a document of Lambda's with the batch as text in `payload`. It may hold personal data; nothing of it
//! is handed out but the keys of the items it names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ASKED, InfraError, OVERDUE, Services, WAKE_TIMEOUT, new_token, wants_answer};
use crate::{deployment::Deployment, store::keys::WorkKey};

/// So many documents are counted at most.
const MOST_COUNTED: usize = 5_000;

/// A document in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its key in the bucket.
    pub key: String,
    /// When Lambda gave up, where it says so.
    pub given_up_at: Option<Timestamp>,
    /// Why, in Lambda's words.
    pub condition: Option<String>,
    /// The items it names.
    pub items: Vec<String>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Its key in the bucket.
    pub key: String,
    /// How many items were woken.
    pub woken: usize,
    /// How many are no longer there.
    pub gone: usize,
    /// Whether it was deleted. One that names something that cannot be woken stays.
    pub deleted: bool,
}

/// The use case.
pub struct ReplayRecords {
    services: Services,
    bucket: String,
}

/// As much of Lambda's document as is read.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default, rename = "requestContext")]
    context: Context,
    /// The batch, as text.
    payload: String,
}

#[derive(Default, Deserialize)]
struct Context {
    #[serde(default)]
    condition: Option<String>,
}

/// An item that a record names, and whether its wake token was for the provider to be asked.
struct Named {
    pk: String,
    wants_answer: bool,
}

impl ReplayRecords {
    /// For the records that are kept in `bucket`.
    #[must_use]
    pub fn new(deployment: &Deployment, bucket: String) -> Self {
        Self { services: Services::new(deployment), bucket }
    }

    /// How many are kept, and since when the oldest; of the first [`MOST_COUNTED`] only. One request for each thousand.
    ///
    /// # Errors
    /// The bucket.
    pub async fn count(&self) -> Result<(usize, Option<Timestamp>), InfraError> {
        let keys = self.keys(MOST_COUNTED).await?;
        Ok((keys.len(), keys.iter().filter_map(|key| given_up_at(key)).min()))
    }

    /// Everything that is kept, the oldest of each shard first. One request for each thousand, and one for each record.
    ///
    /// # Errors
    /// The bucket.
    pub async fn list(&self) -> Result<Vec<DeadLetter>, InfraError> {
        let mut kept = Vec::new();
        for key in self.keys(usize::MAX).await? {
            // Deleted meanwhile by somebody else.
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

    /// Wakes every item that the record under `key` names, then deletes it; `None` where there is no such
    /// record. It may be called again after any failure.
    ///
    /// # Errors
    /// The table or the bucket; the record is then still there.
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

    /// The keys of the first `most` documents, or of some more.
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

/// When a document was given up, as Lambda's name for it says: `…/2026-12-01T03.04.05-ID`.
fn given_up_at(key: &str) -> Option<Timestamp> {
    let name = key.rsplit('/').next()?.get(..19)?;
    let moment = format!("{}:{}:{}Z", &name[..13], name.get(14..16)?, name.get(17..19)?);
    moment.parse().ok()
}

/// A kept document and the items it names, each once; `None` where it is no such document.
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
