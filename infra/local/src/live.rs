//! What goes on by itself in a running system, and in a pumped one only when it is told to.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream::FuturesUnordered,
};
use tokio::task::JoinSet;

use crate::{
    options::Mode,
    runtime::Inner,
    schedule,
    servers::Stop,
    stores::{StoreError, dynamodb},
    stream::{Poller, Step},
};

/// Pause after a look that found nothing.
const IDLE: Duration = Duration::from_millis(100);

/// The longest pause between looks at a stream: they double while nothing comes, so that a system at rest costs next to nothing.
const LONG_IDLE: Duration = Duration::from_millis(800);

/// Pause after a look that failed.
const TROUBLE: Duration = Duration::from_secs(1);

/// How often items past their end are deleted, at most.
const SWEEP: Duration = Duration::from_secs(60);

/// How much longer than a sweep the pause after it is: a sweep looks at everything, and is not to be most of the work.
const SWEEP_SHARE: u32 = 99;

/// What a pump did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Things the sandbox did: people, reviewers, webhooks.
    pub sandbox: usize,
    /// Stream records that a function was given.
    pub records: usize,
    /// Calls of functions.
    pub calls: usize,
    /// Records given up.
    pub given_up: usize,
    /// Looks at the stream that failed; the first ends the pump.
    pub errors: usize,
}

impl std::ops::AddAssign for Pumped {
    fn add_assign(&mut self, other: Self) {
        self.sandbox += other.sandbox;
        self.records += other.records;
        self.calls += other.calls;
        self.given_up += other.given_up;
        self.errors += other.errors;
    }
}

/// Sandbox and stream, in turns, until neither finds anything at the present time and no function runs any more. Functions that
/// another one started run beside both, as nobody waits for them.
pub(crate) async fn pump(inner: &Inner) -> Pumped {
    let mut pumped = Pumped::default();
    let mut beside = FuturesUnordered::new();
    loop {
        let ((mut round, read), ended) = alongside(&mut beside, look(inner)).await;
        let started = inner.started.take();
        // What ended may have written what this look did not see.
        let is_quiet = round.sandbox + read + ended + started.len() == 0;
        round.calls += started.len();
        beside.extend(started.into_iter().map(|(function, event)| async move { function.invoke(event).await }));
        let failed = round.errors > 0;
        pumped += round;
        if failed || is_quiet && beside.next().await.is_none() {
            return pumped;
        }
    }
}

/// One look at the sandbox and at every stream, and how many records were read.
async fn look(inner: &Inner) -> (Pumped, usize) {
    let mut round = Pumped { sandbox: inner.sandbox.tick().await, ..Pumped::default() };
    let mut read = 0;
    let steps = inner.pollers.iter().map(|poller| async move { (poller.name(), inner.step(poller).await) });
    for (name, step) in futures_util::future::join_all(steps).await {
        match step {
            Ok(step) => {
                read += step.read;
                round.records += step.matched;
                round.calls += step.handled.calls;
                round.given_up += step.handled.given_up;
            }
            Err(error) => {
                tracing::error!(%error, name, "the stream cannot be read");
                round.errors += 1;
            }
        }
    }
    (round, read)
}

/// Does `work`, while what goes on beside it goes on, and says how much of that ended.
async fn alongside<T, F: Future>(beside: &mut FuturesUnordered<F>, work: impl Future<Output = T>) -> (T, usize) {
    let (mut work, mut ended) = (pin!(work), 0);
    while !beside.is_empty() {
        match select(work.as_mut(), beside.next()).await {
            Either::Left((done, _)) => return (done, ended),
            // Each logs its own failure.
            Either::Right(_) => ended += 1,
        }
    }
    (work.await, ended)
}

/// Fires every schedule once.
pub(crate) async fn fire_all(inner: &Inner) {
    let schedules = inner.schedules();
    let firings = schedules.iter().map(|(function, schedule)| inner.fire(function, schedule));
    futures_util::future::join_all(firings).await;
}

/// Starts everything that goes on by itself.
pub(crate) fn spawn(tasks: &mut JoinSet<()>, inner: &Arc<Inner>, stop: &Stop) {
    let shared = Arc::clone(inner);
    tasks.spawn(until(stop, async move {
        loop {
            shared.sandbox.tick().await;
            tokio::time::sleep(IDLE).await;
        }
    }));
    let shared = Arc::clone(inner);
    tasks.spawn(until(stop, async move {
        let mut pause = SWEEP;
        loop {
            tokio::time::sleep(pause).await;
            let start = tokio::time::Instant::now();
            shared.sweep().await;
            pause = (start.elapsed() * SWEEP_SHARE).max(SWEEP);
        }
    }));
    for number in 0..inner.pollers.len() {
        let shared = Arc::clone(inner);
        tasks.spawn(until(stop, async move {
            let poller = &shared.pollers[number];
            let mut pause = IDLE;
            loop {
                match shared.step(poller).await {
                    Ok(step) if step.read > 0 => pause = IDLE,
                    Ok(_) => {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONG_IDLE);
                    }
                    Err(error) => {
                        tracing::error!(%error, name = poller.name(), "the stream cannot be read");
                        tokio::time::sleep(TROUBLE).await;
                    }
                }
            }
        }));
    }
    let started = inner.started.clone();
    tasks.spawn(until(stop, async move {
        let mut beside = FuturesUnordered::new();
        loop {
            alongside(&mut beside, started.wait()).await;
            beside.extend(
                started.take().into_iter().map(|(function, event)| async move { function.invoke(event).await }),
            );
        }
    }));
    for (function, schedule) in inner.schedules() {
        let shared = Arc::clone(inner);
        tasks.spawn(until(stop, async move {
            loop {
                // At once, too: what became due while nothing ran should not wait for a minute.
                shared.fire(&function, &schedule).await;
                tokio::time::sleep(schedule.every).await;
            }
        }));
    }
}

fn until(stop: &Stop, work: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send + 'static {
    let stop = stop.wait();
    async move {
        tokio::select! {
            () = stop => {}
            () = work => {}
        }
    }
}

impl Inner {
    pub(crate) fn schedules(&self) -> Vec<(String, crate::template::Schedule)> {
        let functions = self.template.functions.iter().filter(|_| self.has_functions);
        let of = |function: &crate::template::Function| {
            function.schedules.iter().map(|s| (function.crate_name.clone(), s.clone())).collect::<Vec<_>>()
        };
        functions.flat_map(of).collect()
    }

    async fn fire(&self, function: &str, schedule: &crate::template::Schedule) {
        let event = schedule::event(schedule, &self.access.region, &self.seams);
        // A failure is logged where it happens, and the next firing does what this one could not.
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
            tracing::warn!(%error, "items past their end could not be deleted");
        }
        for bucket in &self.template.buckets {
            if let Some(store) = &self.bucket_store
                && let Err(error) = store.expire(bucket)
            {
                tracing::warn!(%error, "objects past their end could not be deleted");
            }
        }
    }

    async fn sweep_items(&self) -> Result<(), StoreError> {
        match &self.database {
            Some(database) if database.has_expired(&self.template.tables).await? => {
                database.sweep_ttl().await?;
            }
            Some(_) => {}
            // Another server does it by itself, by its own clock.
            None if self.mode == Mode::Live => {}
            None => {
                for table in &self.template.tables {
                    dynamodb::delete_expired(&self.access.dynamodb(), table, self.seams.clock.now()).await?;
                }
            }
        }
        Ok(())
    }
}
