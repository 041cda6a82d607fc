//! The wire: notes every outgoing call of the functions, to the stores and to the providers, and disturbs the calls that a test
//! chooses.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::{sync::Notify, task::Id};

use crate::trouble::{Course, Refusal, Trouble};

/// Whether a disturbance comes before or after a request's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The request never leaves.
    Before,
    /// The request has its effect, and the answer is lost.
    After,
}

/// What a test does to a call.
pub enum Disturbance {
    /// The call never returns; [`Wire::crashed`] returns when it is reached.
    Crash(When),
    /// The call fails, and the SDK does not retry.
    Fail(When),
    /// The call has its effect and its connection breaks, so that the SDK retries.
    LoseAnswer,
    /// The other side throttles: DynamoDB's own error, or a 429.
    Throttle,
    /// A provider answers with this status and JSON body, and does nothing.
    Answer(u16, String),
    /// DynamoDB refuses the call temporarily, this many times in a row.
    Refuse(Refusal, usize),
    /// Something else happens just before the call is sent.
    Interleave(Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>),
}

/// One outgoing call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// `PutItem`, `Query`, …, `S3 PUT`, …, `auco GET`, `link POST`, ….
    pub operation: String,
    /// What of several of that operation: the kind of item, the shard, the kind of object, the path. Never an id.
    pub about: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format!("{} {}", self.operation, self.about).trim_end())
    }
}

/// What was written into the table.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// An item, in DynamoDB's JSON.
    Item(Value),
    /// An outbox was emptied by whoever had loaded the item as of a version.
    HandedOn { pk: String, loaded: u64 },
}

struct Planned {
    operation: String,
    about: Option<String>,
    skip: usize,
    disturbance: Disturbance,
}

/// A condition that every write of a kind omits.
struct Weakened {
    call: String,
    condition: String,
}

#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    planned: Mutex<Vec<Planned>>,
    weakened: Mutex<Vec<Weakened>>,
    written: Mutex<Vec<Written>>,
    shards: Mutex<BTreeSet<String>>,
    /// The items of the running transactions.
    held: Mutex<BTreeSet<String>>,
    aside: AtomicUsize,
    /// The trouble of the whole run.
    trouble: Mutex<Course>,
    crashed: Notify,
    /// The tasks in which something crashed.
    dead: Mutex<BTreeSet<Id>>,
}

/// The items of a transaction, until its end.
pub(crate) struct Held {
    wire: Wire,
    items: Vec<String>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = lock(&self.wire.0.held);
        self.items.iter().for_each(|item| {
            held.remove(item);
        });
    }
}

/// The noted calls and the planned disturbances. Clones share everything.
#[derive(Clone, Default)]
pub struct Wire(Arc<Shared>);

impl Wire {
    /// The calls since the last call of this.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.0.calls))
    }

    /// Disturbs the next call of `operation` (and `about`, if given) once, after `skip` undisturbed calls.
    pub fn plan(&self, operation: &str, about: Option<&str>, skip: usize, disturbance: Disturbance) {
        let (operation, about) = (operation.to_owned(), about.map(str::to_owned));
        lock(&self.0.planned).push(Planned { operation, about, skip, disturbance });
    }

    /// From now on no write that reads as `call`, such as `PutItem PROCESS`, is held up by a condition that contains
    /// `condition`.
    pub fn weaken(&self, call: &str, condition: &str) {
        let (call, condition) = (call.to_owned(), condition.to_owned());
        lock(&self.0.weakened).push(Weakened { call, condition });
    }

    /// Ends all disturbances.
    pub fn calm_down(&self) {
        lock(&self.0.planned).clear();
    }

    /// Whether every planned disturbance has happened.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        lock(&self.0.planned).is_empty()
    }

    /// Returns once a planned crash was reached. Whoever waits for it lives on, also where it is in the same task.
    pub async fn crashed(&self) {
        self.0.crashed.notified().await;
        if let Some(id) = tokio::task::try_id() {
            lock(&self.0.dead).remove(&id);
        }
    }

    /// While the value lives, calls are neither noted nor disturbed, for a test's own reads. Nothing else may run meanwhile.
    pub async fn aside<T>(&self, look: impl Future<Output = T>) -> T {
        self.0.aside.fetch_add(1, Ordering::Relaxed);
        let seen = look.await;
        self.0.aside.fetch_sub(1, Ordering::Relaxed);
        seen
    }

    /// What was written into the table since the last call of this, in the order of the answers.
    pub fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut lock(&self.0.written))
    }

    /// The shards of the index `due` that anything was written to.
    #[must_use]
    pub fn shards(&self) -> BTreeSet<String> {
        lock(&self.0.shards).clone()
    }

    /// Whether a test is looking around.
    pub(crate) fn is_aside(&self) -> bool {
        self.0.aside.load(Ordering::Relaxed) > 0
    }

    /// Sets the injected refusals.
    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        *lock(&self.0.trouble) = Course::of(trouble);
    }

    /// How many calls the trouble of the whole run had refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        lock(&self.0.trouble).refused()
    }

    /// How the trouble of the whole run refuses a call, if it does.
    pub(crate) fn refusal(&self, operation: &str, invocation: &str) -> Option<Refusal> {
        if self.0.aside.load(Ordering::Relaxed) > 0 {
            return None;
        }
        lock(&self.0.trouble).refusal(operation, invocation)
    }

    /// Notes a call before it is sent, and gives its disturbance.
    pub(crate) fn note(&self, call: Call) -> Option<Disturbance> {
        if self.is_aside() {
            return None;
        }
        let mut planned = lock(&self.0.planned);
        let fits =
            |plan: &Planned| plan.operation == call.operation && plan.about.as_ref().is_none_or(|a| *a == call.about);
        let mut due = None;
        for (at, plan) in planned.iter_mut().enumerate().filter(|(_, plan)| fits(plan)) {
            if plan.skip == 0 {
                due = Some(at);
                break;
            }
            plan.skip -= 1;
        }
        let disturbance = due.map(|at| match &mut planned[at].disturbance {
            Disturbance::Refuse(refusal, times) if *times > 1 => {
                *times -= 1;
                Disturbance::Refuse(*refusal, 1)
            }
            _ => planned.remove(at).disturbance,
        });
        lock(&self.0.calls).push(call);
        disturbance
    }

    /// The present task crashes: it makes no call any more, also where the SDK loses its patience and tries again.
    pub(crate) fn crash(&self) {
        lock(&self.0.dead).extend(tokio::task::try_id());
        self.0.crashed.notify_one();
    }

    /// Whether a test crashed the current task.
    pub(crate) fn is_dead(&self) -> bool {
        tokio::task::try_id().is_some_and(|id| lock(&self.0.dead).contains(&id))
    }

    /// Begins a transaction over `items`, unless another one is under way over one of them: then says which.
    pub(crate) fn hold(&self, items: Vec<String>) -> Result<Held, usize> {
        let mut held = lock(&self.0.held);
        match items.iter().position(|item| held.contains(item)) {
            Some(at) => Err(at),
            None => {
                held.extend(items.iter().cloned());
                Ok(Held { wire: self.clone(), items })
            }
        }
    }

    pub(crate) fn note_written(&self, written: Written) {
        lock(&self.0.written).push(written);
    }

    pub(crate) fn note_shard(&self, shard: &str) {
        lock(&self.0.shards).insert(shard.to_owned());
    }

    /// Whether a write omits `condition`.
    pub(crate) fn is_weakened(&self, call: &Call, condition: &str) -> bool {
        let call = call.to_string();
        lock(&self.0.weakened).iter().any(|weak| weak.call == call && condition.contains(&weak.condition))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
