//! All mutable state, behind the sandbox's one lock. A change is saved before an answer shows it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agenda::Agenda;
use crate::auco::process::{AucoProcessView, Process};
use crate::config::{LinkAccount, Webhook};
use crate::dice::Dice;
use crate::errors::SandboxError;
use crate::faults::Faults;
use crate::ids::Id;
use crate::journal::Journal;
use crate::link::request::{LinkView, Request};
use crate::link::tokens::Tokens;
use crate::links::Links;
use crate::tecalis::authorization::{Authorization, TecalisView};

/// Counts of the calls and notifications since the sandbox was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CallCounts {
    /// Create calls that arrived, refused and faulty ones included.
    pub creates: u64,
    /// Query calls that arrived, refused and faulty ones included.
    pub queries: u64,
    /// Requests for pictures that arrived, refused and faulty ones included.
    pub downloads: u64,
    /// Requests for a token at LINK that arrived, refused and faulty ones included.
    pub tokens: u64,
    /// Pings at LINK that arrived, refused and faulty ones included.
    pub pings: u64,
    /// Requests to verify at LINK that arrived, refused and faulty ones included.
    pub verifies: u64,
    /// Requests for a certificate at LINK that arrived, refused and faulty ones included.
    pub certificates: u64,
    /// Webhook requests sent, every try counted.
    pub webhooks_sent: u64,
    /// Of these, the ones answered 2xx in time.
    pub webhooks_acknowledged: u64,
}

pub(crate) struct State {
    /// By code.
    pub auco: BTreeMap<String, Process>,
    pub auco_webhooks: Vec<Webhook>,
    /// By the request's id, which the customer chose.
    pub link: BTreeMap<String, Request>,
    /// The ids whose first request `create-5xx` has refused.
    pub link_refused: BTreeSet<String>,
    /// Not saved: after a restart tokens are valid and count as unused.
    pub link_tokens: Tokens,
    pub link_account: LinkAccount,
    /// By authorization.
    pub tecalis: BTreeMap<String, Authorization>,
    pub faults: Faults,
    pub calls: CallCounts,
    /// The deliveries that are being sent. Not saved: after a kill they are sent again.
    pub sending: HashSet<(Id, u64)>,
    agenda: Agenda,
    journal: Journal,
}

#[derive(Deserialize, Serialize)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one line of the journal")]
enum Record<'a> {
    Auco(Cow<'a, Process>),
    Link(Cow<'a, Request>),
    LinkRefused(Cow<'a, str>),
    Tecalis(Cow<'a, Authorization>),
}

impl State {
    pub fn open(
        file: Option<PathBuf>,
        auco_webhooks: Vec<Webhook>,
        link_account: LinkAccount,
    ) -> Result<State, SandboxError> {
        let (journal, records) = Journal::open(file.clone())?;
        let mut state = State {
            auco: BTreeMap::new(),
            auco_webhooks,
            link: BTreeMap::new(),
            link_refused: BTreeSet::new(),
            link_tokens: Tokens::default(),
            link_account,
            tecalis: BTreeMap::new(),
            faults: Faults::default(),
            calls: CallCounts::default(),
            sending: HashSet::new(),
            agenda: Agenda::default(),
            journal,
        };
        for record in records {
            match record {
                Record::Auco(process) => drop(state.auco.insert(process.code.clone(), process.into_owned())),
                Record::Link(request) => drop(state.link.insert(request.order.id.clone(), request.into_owned())),
                Record::LinkRefused(id) => drop(state.link_refused.insert(id.into_owned())),
                Record::Tecalis(one) => drop(state.tecalis.insert(one.uuid.clone(), one.into_owned())),
            }
        }
        state.plan_all();
        state.rewrite().map_err(|source| SandboxError::StateFile { path: file.unwrap_or_default(), source })?;
        Ok(state)
    }

    /// Writes the record of an id to the journal, and notes when it is due next.
    pub fn save(&mut self, id: &Id) -> io::Result<()> {
        self.agenda.set(id, self.due(id));
        let record = match id {
            Id::Auco(code) => self.auco.get(code).map(|process| Record::Auco(Cow::Borrowed(process))),
            Id::Link(id) => match self.link.get(id) {
                Some(request) => Some(Record::Link(Cow::Borrowed(request))),
                None => self.link_refused.get(id).map(|id| Record::LinkRefused(Cow::Borrowed(id))),
            },
            Id::Tecalis(uuid) => self.tecalis.get(uuid).map(|one| Record::Tecalis(Cow::Borrowed(one))),
        };
        let Some(record) = record else { return Ok(()) };
        let living = self.auco.len() + self.link.len() + self.link_refused.len() + self.tecalis.len();
        let good = self.journal.append(&record, living)?;
        if good { Ok(()) } else { self.rewrite() }
    }

    /// As [`State::save`], for a change that may be lost and repeated after a crash.
    pub fn save_or_warn(&mut self, id: &Id) {
        if let Err(error) = self.save(id) {
            tracing::warn!(%error, "the sandbox's state could not be saved");
        }
    }

    /// Executes the due steps of every process in order. Gives their number.
    pub fn act(&mut self, now: Timestamp, dice: Dice, links: &Links) -> usize {
        let mut steps = 0;
        for id in self.agenda.due(now) {
            if self.step_due(&id).is_some_and(|due| due > now) {
                continue;
            }
            let done = match &id {
                Id::Auco(code) => self.auco.get_mut(code).map(|process| process.act(now, dice)),
                Id::Link(id) => self.link.get_mut(id).map(|request| request.act(now, links)),
                Id::Tecalis(uuid) => self.tecalis.get_mut(uuid).map(|one| one.act(now)),
            };
            match done {
                Some(0) => {}
                Some(done) => {
                    steps += done;
                    self.save_or_warn(&id);
                }
                // It could not be saved when it was made, and does not exist.
                None => self.agenda.set(&id, None),
            }
        }
        steps
    }

    /// What has a step or a notification due.
    pub fn due_now(&self, now: Timestamp) -> BTreeSet<Id> {
        self.agenda.due(now)
    }

    /// When the next thing is due, but for notifications that are just being sent.
    pub fn next_due(&self) -> Option<Timestamp> {
        let due = |id: &Id| {
            let idle = |delivery: u64| !self.sending.contains(&(id.clone(), delivery));
            self.step_due(id).into_iter().chain(self.delivery_due(id, idle)).min()
        };
        self.agenda.ids().filter_map(due).min()
    }

    fn plan_all(&mut self) {
        let auco = self.auco.keys().cloned().map(Id::Auco);
        let link = self.link.keys().cloned().map(Id::Link);
        let tecalis = self.tecalis.keys().cloned().map(Id::Tecalis);
        for id in auco.chain(link).chain(tecalis).collect::<Vec<_>>() {
            self.agenda.set(&id, self.due(&id));
        }
    }

    fn due(&self, id: &Id) -> Option<Timestamp> {
        self.step_due(id).into_iter().chain(self.delivery_due(id, |_| true)).min()
    }

    fn step_due(&self, id: &Id) -> Option<Timestamp> {
        match id {
            Id::Auco(code) => self.auco.get(code)?.step_due(),
            Id::Link(id) => self.link.get(id)?.step_due(),
            Id::Tecalis(uuid) => self.tecalis.get(uuid)?.step_due(),
        }
    }

    fn delivery_due(&self, id: &Id, counts: impl Fn(u64) -> bool) -> Option<Timestamp> {
        match id {
            Id::Auco(code) => self.auco.get(code)?.queue.next_due(counts),
            Id::Link(id) => self.link.get(id)?.queue.next_due(counts),
            Id::Tecalis(_) => None,
        }
    }

    pub fn auco_views(&self) -> Vec<AucoProcessView> {
        let mut processes: Vec<_> = self.auco.values().collect();
        processes.sort_by_key(|process| process.serial);
        processes.into_iter().map(Process::view).collect()
    }

    pub fn link_views(&self) -> Vec<LinkView> {
        let mut requests: Vec<_> = self.link.values().collect();
        requests.sort_by_key(|request| request.serial);
        requests.into_iter().map(Request::view).collect()
    }

    pub fn tecalis_views(&self) -> Vec<TecalisView> {
        let mut all: Vec<_> = self.tecalis.values().collect();
        all.sort_by_key(|one| one.serial);
        all.into_iter().map(Authorization::view).collect()
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let auco = self.auco.values().map(|process| Record::Auco(Cow::Borrowed(process)));
        let link = self.link.values().map(|request| Record::Link(Cow::Borrowed(request)));
        let refused = self.link_refused.iter().map(|id| Record::LinkRefused(Cow::Borrowed(id)));
        let tecalis = self.tecalis.values().map(|one| Record::Tecalis(Cow::Borrowed(one)));
        self.journal.rewrite(auco.chain(link).chain(refused).chain(tecalis))
    }
}
