//! Jobs: work that runs step by step in the background.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the job as JSON text |
//! | `tries` | steps begun since the last finished step |
//! | `wake_token` | a new random text while a step is requested; the stream calls `run-work` |
//! | `due_shard`, `due_at` | latest time of the next step (index `due`) |
//! | `fingerprint` | keyed hash of the request that created the job |
//! | `expires_at_epoch` | when DynamoDB removes it |

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Store, StoreError,
    codec::{Item, json, parse, text},
    failure, keys,
    keys::{ItemKey, JobKey},
};
use crate::{common::Authority, people::job::Job};

/// How long a job is kept; the bucket keeps its files for the same time.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long the schedule waits for a step that the stream should have started.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(1);

/// A job with the attributes that only its item has.
#[derive(Debug, Clone)]
pub struct JobItem {
    pub job: Job,
    /// Number of writes so far; the condition of the next write.
    pub version: u64,
    /// Steps begun since the last finished step, including this one.
    pub tries: u64,
    /// Keyed hash of the request that created the job.
    pub fingerprint: String,
}

impl Store {
    /// Writes a job, and requests a step with `wake_token`. Version 0 means a new job, which replaces an expired job of the
    /// same id. One request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a new job's id is already used, or if the job changed since it was loaded.
    pub async fn put_job(
        &self,
        who: &impl Authority,
        item: &JobItem,
        wake_token: Option<&str>,
    ) -> Result<(), StoreError> {
        debug_assert_eq!(who.tenant(), &item.job.tenant);
        let job = &item.job;
        let mut written = ItemKey::Job(&job.tenant, job.id).attributes();
        let mut set = |name: &str, value| written.insert(name.to_owned(), value);
        set("kind", text("job"));
        set("version", AttributeValue::N((item.version + 1).to_string()));
        set("body", json(job)?);
        set("tries", AttributeValue::N("0".to_owned()));
        set("fingerprint", text(&item.fingerprint));
        set("expires_at_epoch", seconds(job.created_at + KEPT_FOR));
        if let Some(wake_token) = wake_token {
            set("wake_token", text(wake_token));
            set("due_shard", text(&keys::due_shard_of(job.id)));
            set("due_at", text(&keys::moment(job.updated_at + TIMEOUT)));
        }
        let put = self.client.put_item().table_name(&self.table).set_item(Some(written));
        let put = if item.version == 0 {
            put.condition_expression("attribute_not_exists(pk) OR expires_at_epoch <= :now")
                .expression_attribute_values(":now", seconds(job.created_at))
        } else {
            let loaded = AttributeValue::N(item.version.to_string());
            put.condition_expression("version = :loaded").expression_attribute_values(":loaded", loaded)
        };
        Ok(self.put(put).await?)
    }

    /// A job (strongly consistent); `None` if it expired before `now`. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn job(&self, who: &impl Authority, id: Uuid, now: Timestamp) -> Result<Option<JobItem>, StoreError> {
        let key = ItemKey::Job(who.tenant(), id).attributes();
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let answer = self.send(|| get.clone().send()).await.map_err(|error| failure(&error))?;
        let item = answer.item().map(read).transpose()?;
        Ok(item.filter(|item| item.job.created_at + KEPT_FOR > now))
    }

    /// Claims a job's next step, so that no other execution takes it before `until`. `None` if no step is requested. One
    /// request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    pub async fn claim_job(&self, key: &JobKey, until: Timestamp) -> Result<Option<JobItem>, StoreError> {
        self.claim(ItemKey::Job(key.tenant(), key.id), until, &["version", "tries"])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Plans the next try of an unfinished step. Changes nothing if another execution continued the job. One request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn plan_job(&self, key: &JobKey, item: &JobItem, at: Timestamp) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(ItemKey::Job(key.tenant(), key.id).attributes()))
            .update_expression("SET due_at = :at")
            .condition_expression("version = :loaded")
            .expression_attribute_values(":at", text(&keys::moment(at)))
            .expression_attribute_values(":loaded", AttributeValue::N(item.version.to_string()));
        match self.send(|| update.clone().send()).await.map_err(|error| failure(&error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn seconds(moment: Timestamp) -> AttributeValue {
    AttributeValue::N(moment.as_second().to_string())
}

fn read(item: &Item) -> Result<JobItem, StoreError> {
    let string =
        |name: &'static str| item.get(name).and_then(|value| value.as_s().ok()).ok_or(StoreError::Corrupt(name));
    let number = |name: &'static str| {
        let number = item.get(name).and_then(|value| value.as_n().ok()?.parse().ok());
        number.ok_or(StoreError::Corrupt(name))
    };
    Ok(JobItem {
        job: parse(string("body")?, "body")?,
        version: number("version")?,
        tries: number("tries")?,
        fingerprint: string("fingerprint")?.clone(),
    })
}
