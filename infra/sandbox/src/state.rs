//! Everything that changes, behind the sandbox's one lock. Whoever changes a process saves it before an answer tells
//! of the change.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auco::{AucoProcessView, Process};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::link::{self, LinkView, Tokens};
use crate::links::Links;
use crate::tecalis::{Authorization, TecalisView};
use crate::{LinkAccount, SandboxError, Webhook};

/// How often the stand-ins were called, and what they sent, since the sandbox was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CallCounts {
    /// Create calls that arrived, refused and faulty ones included.
    pub creates: u64,
    /// Query calls that arrived, likewise.
    pub queries: u64,
    /// Requests for pictures that arrived, likewise.
    pub downloads: u64,
    /// Requests for a token at LINK that arrived, likewise.
    pub tokens: u64,
    /// Pings at LINK that arrived, likewise.
    pub pings: u64,
    /// Requests to verify at LINK that arrived, likewise.
    pub verifies: u64,
    /// Requests for a certificate at LINK that arrived, likewise.
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
    /// By the request's id, which the company chose.
    pub link: BTreeMap<String, link::Request>,
    /// The ids whose first request `create-5xx` has refused.
    pub link_refused: BTreeSet<String>,
    /// Not saved: tokens are good after a restart, and count as unused.
    pub link_tokens: Tokens,
    pub link_account: LinkAccount,
    /// By authorization.
    pub tecalis: BTreeMap<String, Authorization>,
    pub faults: Faults,
    pub calls: CallCounts,
    /// Whose delivery is being sent at this moment. Not saved: after a kill it is sent again.
    pub sending: HashSet<(Id, u64)>,
    journal: Journal,
}

/// Whose state. LINK's ids are whatever the company likes, another company's among them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Id {
    Auco(String),
    Link(String),
    Tecalis(String),
}

/// One line of the journal.
#[derive(Deserialize, Serialize)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one line of the journal")]
enum Record<'a> {
    Auco(Cow<'a, Process>),
    Link(Cow<'a, link::Request>),
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
        state.rewrite().map_err(|source| SandboxError::StateFile { path: file.unwrap_or_default(), source })?;
        Ok(state)
    }

    /// Writes what is known under an id to the journal.
    pub fn save(&mut self, id: &Id) -> io::Result<()> {
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

    /// As [`State::save`], where losing the change in a crash does no harm beyond repeating it.
    pub fn save_or_warn(&mut self, id: &Id) {
        if let Err(error) = self.save(id) {
            tracing::warn!(%error, "the sandbox's state could not be saved");
        }
    }

    /// Carries out the due steps of every process, each process's in order. Gives their number.
    pub fn act(&mut self, now: Timestamp, dice: Dice, links: &Links) -> usize {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= now);
        let auco = self.auco.values().filter(|process| is_due(process.step_due()));
        let auco = auco.map(|process| Id::Auco(process.code.clone()));
        let link = self.link.values().filter(|request| is_due(request.step_due()));
        let link = link.map(|request| Id::Link(request.order.id.clone()));
        let tecalis = self.tecalis.values().filter(|one| is_due(one.step_due()));
        let tecalis = tecalis.map(|one| Id::Tecalis(one.uuid.clone()));
        let due: Vec<Id> = auco.chain(link).chain(tecalis).collect();
        let mut steps = 0;
        for id in due {
            steps += match &id {
                Id::Auco(code) => self.auco.get_mut(code).map(|process| process.act(now, dice)),
                Id::Link(id) => self.link.get_mut(id).map(|request| request.act(now, links)),
                Id::Tecalis(uuid) => self.tecalis.get_mut(uuid).map(|one| one.act(now)),
            }
            .unwrap_or_default();
            self.save_or_warn(&id);
        }
        steps
    }

    /// When the next thing is due, but for notifications that are just being sent.
    pub fn next_due(&self) -> Option<Timestamp> {
        let idle = |id: Id| move |delivery: u64| !self.sending.contains(&(id.clone(), delivery));
        let auco = self
            .auco
            .values()
            .flat_map(|process| [process.step_due(), process.queue.next_due(idle(Id::Auco(process.code.clone())))]);
        let link = self
            .link
            .values()
            .flat_map(|request| [request.step_due(), request.queue.next_due(idle(Id::Link(request.order.id.clone())))]);
        let tecalis = self.tecalis.values().map(Authorization::step_due);
        auco.chain(link).chain(tecalis).flatten().min()
    }

    pub fn auco_views(&self) -> Vec<AucoProcessView> {
        let mut processes: Vec<_> = self.auco.values().collect();
        processes.sort_by_key(|process| process.serial);
        processes.into_iter().map(Process::view).collect()
    }

    pub fn link_views(&self) -> Vec<LinkView> {
        let mut requests: Vec<_> = self.link.values().collect();
        requests.sort_by_key(|request| request.serial);
        requests.into_iter().map(link::Request::view).collect()
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
