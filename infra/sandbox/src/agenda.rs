//! When each process is due next, ordered by time, so that a tick reads only those that are due.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ids::Id;

/// Contains only processes with a pending action.
#[derive(Default)]
pub(crate) struct Agenda {
    times: BTreeMap<Id, Timestamp>,
    order: BTreeSet<(Timestamp, Id)>,
}

impl Agenda {
    /// A process's next time, `None` where there is nothing left to do.
    pub fn set(&mut self, id: &Id, time: Option<Timestamp>) {
        let old = match time {
            Some(time) => self.times.insert(id.clone(), time),
            None => self.times.remove(id),
        };
        if old == time {
            return;
        }
        if let Some(old) = old {
            self.order.remove(&(old, id.clone()));
        }
        if let Some(time) = time {
            self.order.insert((time, id.clone()));
        }
    }

    /// Those that are due, in the order of their ids.
    pub fn due(&self, now: Timestamp) -> BTreeSet<Id> {
        self.order.iter().take_while(|(time, _)| *time <= now).map(|(_, id)| id.clone()).collect()
    }

    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.times.keys()
    }
}
