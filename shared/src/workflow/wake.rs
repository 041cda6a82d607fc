//! Wakes the processes of one provider once it works again: each is refreshed now instead of at its planned time.
//!
//! A run is bounded: it wakes a limited number and returns where to continue. It may stop anywhere and run again; a
//! process that is woken twice costs one refresh.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;

use super::{ASKED, InfraError, Services, WAKE_TIMEOUT, new_token};
use crate::{
    common::{
        Authority,
        page::{Cursor, ListedPage},
    },
    deployment::Deployment,
    process::{ProcessId, Status},
    store::lists,
};

/// Processes woken concurrently.
const AT_ONCE: usize = 8;

/// The processes of a tenant to wake.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The processes at this provider, …
    pub provider: String,
    /// … created since this time, …
    pub since: Timestamp,
    /// … including those that have ended.
    pub with_ended: bool,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woken {
    /// How many were woken.
    pub woken: usize,
    /// Where the next run continues; `None` once all are woken.
    pub rest: Option<Cursor>,
}

pub struct WakeProcesses(Services);

impl WakeProcesses {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Wakes the `wanted` processes of the tenant of `who`, the newest first, starting at `from` and at most `most`.
    /// One request for each process, and one for each page of the list. The list is an index: it may miss a process
    /// created seconds ago.
    ///
    /// # Errors
    /// The store fails; the same call again wakes the rest.
    pub async fn run(
        &self,
        who: &impl Authority,
        wanted: &Wanted,
        from: Option<Cursor>,
        most: usize,
    ) -> Result<Woken, InfraError> {
        let (now, mut place, mut woken) = (self.0.now(), from, 0);
        loop {
            let list = self.0.store.walk_processes(who, wanted.since, Some(&wanted.provider), place, now).await?;
            let (ids, rest) = wanted.of(list, most - woken);
            let wake = |id: ProcessId| async move {
                let (wake_token, until) = (new_token(ASKED, self.0.entropy()), now + WAKE_TIMEOUT);
                self.0.store.wake(who, id, &wake_token, until).await.map(|found| usize::from(found.is_some()))
            };
            let counts: Vec<_> = stream::iter(ids).map(wake).buffer_unordered(AT_ONCE).try_collect().await?;
            woken += counts.into_iter().sum::<usize>();
            match rest {
                Some(next) if woken < most => place = Some(next),
                rest => return Ok(Woken { woken, rest }),
            }
        }
    }
}

impl Wanted {
    /// The wanted process ids of a page, at most `most`, and where to continue.
    fn of(&self, page: ListedPage<Value>, most: usize) -> (Vec<ProcessId>, Option<Cursor>) {
        let mut ids = Vec::new();
        for listed in page.entries {
            if lists::created_at(&listed.entry).is_none_or(|at| at < self.since) {
                return (ids, None);
            }
            ids.extend(id_of(&listed.entry, self.with_ended));
            if ids.len() == most {
                return (ids, Some(listed.after));
            }
        }
        (ids, page.next)
    }
}

/// The process id of a list entry, if it must be woken.
fn id_of(entry: &Value, with_ended: bool) -> Option<ProcessId> {
    let status = entry["status"].as_str().and_then(Status::from_name);
    let wanted = with_ended || !status.is_some_and(Status::is_terminal);
    entry["id"].as_str().filter(|_| wanted)?.parse().ok()
}
