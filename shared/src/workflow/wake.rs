//! Waking the processes of one provider, once it is well again: each is looked at now and not when its next look was planned.
//!
//! It is bounded: one run wakes so many at most and says where to go on. It may be stopped anywhere and run again; that a process
//! is woken twice costs one look.

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

/// Processes woken at once.
const AT_ONCE: usize = 8;

/// Which processes of a tenant are to be woken.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Those at this provider, …
    pub provider: String,
    /// … created since then, …
    pub since: Timestamp,
    /// … those that have ended too.
    pub with_ended: bool,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woken {
    /// How many were woken.
    pub woken: usize,
    /// Where the next run goes on; `None` once all are woken.
    pub rest: Option<Cursor>,
}

/// The use case.
pub struct WakeProcesses(Services);

impl WakeProcesses {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// Wakes what is `wanted` of the tenant of `who`, the newest first, from the place `from` on and `most` at most. One request for
    /// each, and one for each page of the list. The list is an index: what was created seconds ago may be missed.
    ///
    /// # Errors
    /// Our own store; the same call again wakes the rest.
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
    /// The ids of those processes of a page that are wanted, `most` at most, and where to go on.
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

/// The id of the process that a list's entry is about, if it is to be woken.
fn id_of(entry: &Value, with_ended: bool) -> Option<ProcessId> {
    let status = entry["status"].as_str().and_then(Status::from_name);
    let wanted = with_ended || !status.is_some_and(Status::is_terminal);
    entry["id"].as_str().filter(|_| wanted)?.parse().ok()
}
