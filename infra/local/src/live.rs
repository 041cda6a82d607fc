//! What runs by itself in a live system. In a pumped system it runs only when [`crate::Local`] is told to.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};

use crate::{
    options::Mode,
    schedule,
    servers::Tasks,
    stores::{StoreError, dynamodb, lambda::Invocations},
    stream::{Poller, Step},
    system::System,
    template::{Function, Schedule},
};

/// The pause after a read that found nothing.
const IDLE: Duration = Duration::from_millis(100);

/// The longest pause between two reads of a stream. The pause doubles while nothing comes, so that an idle system costs almost
/// nothing.
const LONG_IDLE: Duration = Duration::from_millis(800);

/// The pause after a read that failed.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

/// The shortest pause between two deletions of expired items.
const SWEEP: Duration = Duration::from_secs(60);

/// The pause after a sweep, in durations of that sweep. A sweep reads everything and must not be most of the work.
const SWEEP_SHARE: u32 = 99;

/// What one pump did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Steps of the sandbox: people, reviewers, webhooks.
    pub sandbox: usize,
    /// Stream records that a function received.
    pub records: usize,
    pub calls: usize,
    /// Records that failed after repeated attempts.
    pub failed_records: usize,
    /// Reads of a stream that failed; the first ends the pump.
    pub errors: usize,
}

impl std::ops::AddAssign for Pumped {
    fn add_assign(&mut self, other: Self) {
        self.sandbox += other.sandbox;
        self.records += other.records;
        self.calls += other.calls;
        self.failed_records += other.failed_records;
        self.errors += other.errors;
    }
}

/// Runs sandbox and streams in turns until neither finds anything at the present time and no function runs. Asynchronous
/// invocations run concurrently with both.
pub(crate) async fn pump(system: &System) -> Pumped {
    let mut pumped = Pumped::default();
    let mut running = FuturesUnordered::new();
    loop {
        let ((mut done, read), ended) = alongside(&mut running, round(system)).await;
        let invoked = system.invocations.take();
        // An invocation that ended may have written what this round did not see.
        let is_quiet = done.sandbox + read + ended + invoked.len() == 0;
        done.calls += invoked.len();
        running.extend(invoked.into_iter().map(|(function, event)| async move { function.invoke(event).await }));
        let failed = done.errors > 0;
        pumped += done;
        if failed || is_quiet && running.next().await.is_none() {
            return pumped;
        }
    }
}

/// Runs the sandbox and reads every stream once. Gives also the number of records read.
async fn round(system: &System) -> (Pumped, usize) {
    let mut round = Pumped { sandbox: system.sandbox.tick().await, ..Pumped::default() };
    let mut read = 0;
    let steps = system.pollers.iter().map(|poller| async move { (poller.name(), system.step(poller).await) });
    for (name, step) in futures_util::future::join_all(steps).await {
        match step {
            Ok(step) => {
                read += step.read;
                round.records += step.matched;
                round.calls += step.handled.calls;
                round.failed_records += step.handled.failed_records;
            }
            Err(error) => {
                tracing::error!(%error, name, "the stream cannot be read");
                round.errors += 1;
            }
        }
    }
    (round, read)
}

/// Does `work` while the `running` invocations go on. Gives also how many of them ended.
async fn alongside<T, F: Future>(running: &mut FuturesUnordered<F>, work: impl Future<Output = T>) -> (T, usize) {
    let (mut work, mut ended) = (pin!(work), 0);
    while !running.is_empty() {
        match select(work.as_mut(), running.next()).await {
            Either::Left((done, _)) => return (done, ended),
            // Each logs its own failure.
            Either::Right(_) => ended += 1,
        }
    }
    (work.await, ended)
}

pub(crate) async fn fire_all(system: &System) {
    let schedules = system.schedules();
    let firings = schedules.iter().map(|(function, schedule)| system.fire(function, schedule));
    futures_util::future::join_all(firings).await;
}

/// Starts everything that runs by itself.
pub(crate) fn spawn(tasks: &mut Tasks, system: &Arc<System>) {
    tasks.spawn_until_stop(tick(Arc::clone(system)));
    tasks.spawn_until_stop(sweep(Arc::clone(system)));
    for number in 0..system.pollers.len() {
        tasks.spawn_until_stop(poll(Arc::clone(system), number));
    }
    tasks.spawn_until_stop(run_invocations(system.invocations.clone()));
    for (function, schedule) in system.schedules() {
        tasks.spawn_until_stop(repeat(Arc::clone(system), function, schedule));
    }
}

async fn tick(system: Arc<System>) {
    loop {
        system.sandbox.tick().await;
        tokio::time::sleep(IDLE).await;
    }
}

async fn sweep(system: Arc<System>) {
    let mut pause = SWEEP;
    loop {
        tokio::time::sleep(pause).await;
        let start = tokio::time::Instant::now();
        system.sweep().await;
        pause = (start.elapsed() * SWEEP_SHARE).max(SWEEP);
    }
}

async fn poll(system: Arc<System>, number: usize) {
    let poller = &system.pollers[number];
    let mut pause = IDLE;
    loop {
        match system.step(poller).await {
            Ok(step) if step.read > 0 => pause = IDLE,
            Ok(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONG_IDLE);
            }
            Err(error) => {
                tracing::error!(%error, name = poller.name(), "the stream cannot be read");
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
}

async fn run_invocations(invocations: Invocations) {
    let mut running = FuturesUnordered::new();
    loop {
        alongside(&mut running, invocations.wait()).await;
        let accepted = invocations.take().into_iter();
        running.extend(accepted.map(|(function, event)| async move { function.invoke(event).await }));
    }
}

/// Fires at the start, too: what became due while the system was stopped does not wait for another period.
async fn repeat(system: Arc<System>, function: String, schedule: Schedule) {
    loop {
        system.fire(&function, &schedule).await;
        tokio::time::sleep(schedule.every).await;
    }
}

impl System {
    pub(crate) fn schedules(&self) -> Vec<(String, Schedule)> {
        let functions = self.template.functions.iter().filter(|_| self.has_functions);
        let of = |function: &Function| {
            function.schedules.iter().map(|s| (function.crate_name.clone(), s.clone())).collect::<Vec<_>>()
        };
        functions.flat_map(of).collect()
    }

    async fn fire(&self, function: &str, schedule: &Schedule) {
        let event = schedule::event(schedule, &self.endpoints.access.region, &self.seams);
        // `invoke` logs a failure, and the next firing does what this one could not.
        if let Ok(function) = self.functions.get(function) {
            let _ = function.invoke(event).await;
        }
    }

    async fn step(&self, poller: &Poller) -> Result<Step, StoreError> {
        let step = poller.step().await?;
        if let Some(trimmer) = &self.trimmer {
            trimmer.note(step.read).await;
        }
        Ok(step)
    }

    pub(crate) async fn sweep(&self) {
        if let Err(error) = self.sweep_items().await {
            tracing::warn!(%error, "expired items could not be deleted");
        }
        for bucket in &self.template.buckets {
            if let Some(store) = &self.bucket_store
                && let Err(error) = store.expire(bucket)
            {
                tracing::warn!(%error, "expired objects could not be deleted");
            }
        }
    }

    async fn sweep_items(&self) -> Result<(), StoreError> {
        match &self.database {
            Some(database) if database.has_expired(&self.template.tables).await? => {
                database.sweep_ttl().await?;
            }
            Some(_) => {}
            // Another server deletes by itself, by its own clock.
            None if self.mode == Mode::Live => {}
            None => {
                for table in &self.template.tables {
                    dynamodb::delete_expired(&self.endpoints.access.dynamodb(), table, self.seams.clock.now()).await?;
                }
            }
        }
        Ok(())
    }
}
