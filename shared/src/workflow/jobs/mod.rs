//! Exports and imports of many persons: accept a job, show it, and run it step by step.
//!
//! A step is short, so that other work does not wait for it, and stops early when its time is over. A step can be
//! repeated: it first writes its piece of the job's file, and then in one write the job's progress and the token for
//! the next step. The last step joins the pieces.
//!
//! | file | subject |
//! | --- | --- |
//! | `export` | the steps of an export |
//! | `import` | the steps of an import |

mod export;
mod import;

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{InfraError, Services, new_token, people::People, records::text_of};
use crate::{
    common::{Authority as _, Caller, ids::of_idempotency_key},
    deployment::Deployment,
    objects::{Bucket, BucketError, JobFile, ObjectKey},
    people::{
        Fields,
        job::{ExportShown, ImportShown, Job, JobState, Task},
    },
    platform::{clock::in_time, secrets::Fingerprint},
    store::{StoreError, jobs::JobItem, keys::JobKey},
    workflow::Error,
};

pub use import::MAX_FILE_BYTES;

/// How long a claimed step is left to its claimant: longer than any batch lasts. If the claimant was killed, the
/// schedule starts the step again after the lease, within two minutes.
const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// The time that a batch must have left to begin a step …
const STEP_TIME: SignedDuration = SignedDuration::from_secs(15);
/// … and the time reserved to end it: writing the piece, joining all pieces, storing the job.
const CLOSING_TIME: SignedDuration = SignedDuration::from_secs(8);
/// The first wait before a failed step is retried; it doubles with each retry …
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// … up to this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Failed starts of a step before the job fails: about three hours, or a quarter of an hour if each one was killed.
const MAX_TRIES: u64 = 8;
/// How long the link to a job's file works.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);

/// A piece of a job's file, as CSV.
struct Piece(csv::Writer<Vec<u8>>);

impl Piece {
    fn new() -> Self {
        Self(csv::Writer::from_writer(Vec::new()))
    }

    /// The current size in bytes; the last lines may still be buffered.
    fn bytes(&self) -> usize {
        self.0.get_ref().len()
    }

    #[expect(clippy::expect_used, reason = "memory takes it, and the lines of a piece are of one length")]
    fn line<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.write_record(cells).expect("writing to memory");
    }
}

/// The resources that both use cases share.
struct Tools {
    services: Services,
    bucket: Bucket,
}

impl Tools {
    fn new(services: &Services) -> Self {
        let platform = &services.platform;
        let bucket = Bucket::of(platform);
        Self { services: services.clone(), bucket }
    }

    /// Stores the piece that attempt number `attempt` made. A piece of an earlier attempt at the same step is not part
    /// of the file.
    async fn put_piece(&self, job: &mut Job, attempt: u64, piece: Piece) -> Result<(), InfraError> {
        let key = ObjectKey::Job { tenant: &job.tenant, run: job.run, file: JobFile::Piece(attempt) };
        let bytes = piece.0.into_inner().map_err(|_| InfraError::Bucket)?;
        self.put(&key, bytes.into()).await.map_err(|_| InfraError::Bucket)?;
        job.pieces.push(attempt);
        Ok(())
    }

    async fn put(&self, key: &ObjectKey<'_>, bytes: Bytes) -> Result<(), BucketError> {
        let sha256 = Sha256::digest(&bytes).into();
        self.bucket.put_new(key, bytes, sha256).await.map(|_| ())
    }

    /// Joins the pieces into the job's file.
    async fn join(&self, job: &mut Job, attempt: u64) -> Result<(), InfraError> {
        let file = |file| ObjectKey::Job { tenant: &job.tenant, run: job.run, file };
        let pieces: Vec<_> = job.pieces.iter().map(|attempt| file(JobFile::Piece(*attempt))).collect();
        self.bucket.join(&pieces, &file(JobFile::Result(attempt))).await.map_err(|_| InfraError::Bucket)?;
        job.file = Some(attempt);
        Ok(())
    }
}

/// Accepting and showing jobs.
pub struct Jobs(Tools);

/// A job, and whether an earlier request created it.
pub struct JobAccepted {
    /// The job as customers see it.
    pub view: JobView,
    /// Whether an earlier request created it.
    pub replayed: bool,
}

impl Jobs {
    /// Shares the services of `people`.
    #[must_use]
    pub fn beside(people: &People) -> Self {
        Self(Tools::new(people.records.services()))
    }

    /// Accepts an export of the persons that `given` selects. One request.
    ///
    /// # Errors
    /// `Invalid` with every wrong field.
    pub async fn export(&self, caller: &Caller, given: &Fields, key: Option<&str>) -> Result<JobAccepted, Error> {
        let task = Task::Export(export::read(given, caller.tenant_since())?);
        let id = self.id(caller, "export", key);
        self.ask(caller, id, self.fresh_run(), task, &text_of(given)).await
    }

    /// Accepts the import of `file`: its bytes, or the id of an upload. Two requests.
    ///
    /// # Errors
    /// `Invalid` if the upload does not exist or the file cannot be imported.
    pub async fn import(&self, caller: &Caller, file: ImportFile, key: Option<&str>) -> Result<JobAccepted, Error> {
        let (id, run) = (self.id(caller, "import", key), self.fresh_run());
        let unavailable = |_| Error::Unavailable;
        let (source, text) = match file {
            ImportFile::Bytes(bytes) => {
                import::inspect(&bytes).map_err(|fault| Error::invalid_field("file", &fault))?;
                let text = hex::encode(Sha256::digest(&bytes));
                let source = ObjectKey::Job { tenant: caller.tenant(), run, file: JobFile::Source };
                self.0.put(&source, bytes).await.map_err(unavailable)?;
                (source.to_string(), text)
            }
            ImportFile::Upload(upload) => {
                let source = ObjectKey::Upload { tenant: caller.tenant(), id: upload }.to_string();
                match self.0.bucket.head_length(&source).await.map_err(unavailable)? {
                    None => return Err(Error::invalid_field("tmp_file_id", "does not refer to an uploaded file")),
                    Some(length) if length > MAX_FILE_BYTES as u64 => {
                        return Err(Error::invalid_field("tmp_file_id", "refers to a file that is too large"));
                    }
                    Some(_) => {}
                }
                (source, upload.to_string())
            }
        };
        self.ask(caller, id, run, Task::Import(import::of(source)), &text).await
    }

    /// A job as customers see it, with a link to its file when it is done. One request.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such export or import.
    pub async fn get(&self, caller: &Caller, id: Uuid, is_wanted: fn(&Task) -> bool) -> Result<JobView, Error> {
        let item = self.0.services.store.job(caller, id, self.0.services.now()).await?;
        let job = item.map(|item| item.job).filter(|job| is_wanted(&job.task));
        let job = job.ok_or(Error::NotFound("job"))?;
        let mut view = JobView::of(&job);
        if let Some(file) = job.file {
            let key = ObjectKey::Job { tenant: &job.tenant, run: job.run, file: JobFile::Result(file) }.to_string();
            let name = view.file_name();
            let link = self.0.bucket.presign_get(&key, LINK_LIFE, Some(&name)).await;
            view.url = Some(link.map_err(|_| Error::Unavailable)?);
            let expires_at = self.0.services.now() + LINK_LIFE;
            view.url_expires_at = Some(expires_at);
            tracing::info!(tenant = %job.tenant, key = caller.key_id(), job = %id, %expires_at, "link to a file issued");
        }
        Ok(view)
    }

    fn id(&self, caller: &Caller, what: &str, key: Option<&str>) -> Uuid {
        match key {
            Some(key) => of_idempotency_key(caller.tenant(), what, key),
            None => self.0.services.entropy().uuid(),
        }
    }

    fn fresh_run(&self) -> Uuid {
        self.0.services.entropy().uuid()
    }

    async fn ask(&self, caller: &Caller, id: Uuid, run: Uuid, task: Task, text: &str) -> Result<JobAccepted, Error> {
        let services = &self.0.services;
        let now = services.now();
        let fingerprint = Fingerprint::of_text(text, &services.platform.secrets.current().await?.fingerprint_keys)?;
        let job = Job {
            id,
            run,
            tenant: caller.tenant().clone(),
            task,
            state: JobState::Queued,
            pieces: Vec::new(),
            file: None,
            error: None,
            created_at: now,
            updated_at: now,
            ended_at: None,
        };
        let item = JobItem { job, version: 0, tries: 0, fingerprint: fingerprint.kept() };
        match services.store.put_job(caller, &item, Some(&new_token("job", services.entropy()))).await {
            Ok(()) => Ok(JobAccepted { view: JobView::of(&item.job), replayed: false }),
            Err(StoreError::Conflict) => {
                let there = services.store.job(caller, id, now).await?.ok_or(Error::Unavailable)?;
                if !fingerprint.is(&there.fingerprint) {
                    return Err(Error::KeyReused);
                }
                Ok(JobAccepted { view: JobView::of(&there.job), replayed: true })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The source of an import.
pub enum ImportFile {
    /// The content.
    Bytes(Bytes),
    /// The id of an upload.
    Upload(Uuid),
}

/// A job as customers see it.
#[derive(Debug, Serialize)]
pub struct JobView {
    id: Uuid,
    #[serde(flatten)]
    task: TaskView,
    state: JobState,
    error: Option<String>,
    url: Option<String>,
    url_expires_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    ended_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum TaskView {
    Export(ExportShown),
    Import(ImportShown),
}

impl JobView {
    fn of(job: &Job) -> Self {
        let task = match &job.task {
            Task::Export(export) => TaskView::Export(export.shown.clone()),
            Task::Import(import) => TaskView::Import(import.shown.clone()),
        };
        Self {
            id: job.id,
            task,
            state: job.state,
            error: job.error.clone(),
            url: None,
            url_expires_at: None,
            created_at: job.created_at,
            updated_at: job.updated_at,
            ended_at: job.ended_at,
        }
    }

    /// The path of the job.
    #[must_use]
    pub fn location(&self) -> String {
        match self.task {
            TaskView::Export(_) => format!("/people/exports/{}", self.id),
            TaskView::Import(_) => format!("/people/imports/{}", self.id),
        }
    }

    fn file_name(&self) -> String {
        match self.task {
            TaskView::Export(_) => "people.csv".to_owned(),
            TaskView::Import(_) => "import-report.csv".to_owned(),
        }
    }
}

/// The wait after this many failed starts of a step.
fn pause(tries: u64) -> SignedDuration {
    let doublings = tries.saturating_sub(1).min(MAX_TRIES);
    LONGEST_PAUSE.min(RETRY_AFTER * (1 << doublings))
}

/// An attempt at a step.
#[derive(Debug, Clone, Copy)]
struct Try {
    /// Its number, which is part of the name of the piece it writes.
    attempt: u64,
    /// When it must stop and store what is done.
    end: Timestamp,
}

/// Runs the steps of jobs.
pub struct RunJob {
    tools: Tools,
    people: People,
    /// A step holds a whole file in memory, so one runs at a time.
    turns: Semaphore,
}

impl RunJob {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        let people = People::new(deployment);
        Self { tools: Tools::new(people.records.services()), people, turns: Semaphore::new(1) }
    }

    /// Runs the next step of the job `key`, if it was woken and there is time for one before `end`.
    ///
    /// # Errors
    /// The store or the bucket fails; the step is due again later.
    pub async fn run(&self, key: &JobKey, end: Timestamp) -> Result<(), InfraError> {
        let (services, latest) = (&self.tools.services, end - STEP_TIME);
        let turn = in_time(services.platform.seams.clock.as_ref(), latest, self.turns.acquire()).await;
        let now = services.now();
        // If other steps used up the time, the job's wake token stays and the job is due.
        let Some(_turn) = turn.filter(|_| now <= latest) else { return Ok(()) };
        let Some(mut item) = services.store.claim_job(key, now + LEASE).await? else { return Ok(()) };
        if item.job.has_ended() {
            return Ok(());
        }
        if item.tries > MAX_TRIES {
            tracing::error!(tenant = %item.job.tenant, job = %key.id, "job failed for good");
            item.job.fail("The job failed after repeated attempts.", now);
        } else if let Err(trouble) = self.step(key, &mut item.job, item.version, end - CLOSING_TIME).await {
            services.store.plan_job(key, &item, services.now() + pause(item.tries)).await?;
            return Err(trouble);
        }
        item.job.updated_at = services.now();
        let wake_token = (!item.job.has_ended()).then(|| new_token("job", services.entropy()));
        match services.store.put_job(key, &item, wake_token.as_deref()).await {
            // Another execution took over the step after the lease.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn step(&self, key: &JobKey, job: &mut Job, attempt: u64, end: Timestamp) -> Result<(), InfraError> {
        job.state = JobState::Running;
        match job.task.clone() {
            Task::Export(export) => self.export(key, job, export, Try { attempt, end }).await,
            Task::Import(import) => self.import(key, job, import, Try { attempt, end }).await,
        }
    }

    /// Joins the pieces, which ends the job.
    async fn finish(&self, job: &mut Job, attempt: u64) -> Result<(), InfraError> {
        self.tools.join(job, attempt).await?;
        job.end(self.tools.services.now());
        Ok(())
    }
}
