//! Everything that changes, behind the sandbox's one lock. Whoever changes a process saves it before an answer tells
//! of the change.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::auco::{AucoProcessView, Process};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::tecalis::{Authorization, TecalisView};
use crate::{SandboxError, Webhook};

/// How often the stand-ins were called, and what they sent, since the sandbox was opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct CallCounts {
    /// Create calls that arrived, refused and faulty ones included.
    pub creates: u64,
    /// Query calls that arrived, likewise.
    pub queries: u64,
    /// Requests for pictures that arrived, likewise.
    pub downloads: u64,
    /// Webhook requests sent, every try counted.
    pub webhooks_sent: u64,
    /// Of these, the ones answered 2xx in time.
    pub webhooks_acknowledged: u64,
}

pub(crate) struct State {
    /// By code.
    pub auco: BTreeMap<String, Process>,
    pub auco_webhooks: Vec<Webhook>,
    /// By authorization.
    pub tecalis: BTreeMap<String, Authorization>,
    pub faults: Faults,
    pub calls: CallCounts,
    /// Code and delivery of what is being sent at this moment. Not saved: after a kill it is sent again.
    pub sending: HashSet<(String, u64)>,
    journal: Journal,
}

/// One line of the journal.
#[derive(Deserialize, Serialize)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one line of the journal")]
enum Record<'a> {
    Auco(Cow<'a, Process>),
    Tecalis(Cow<'a, Authorization>),
}

impl State {
    pub fn open(file: Option<PathBuf>, auco_webhooks: Vec<Webhook>) -> Result<State, SandboxError> {
        let (journal, records) = Journal::open(file.clone())?;
        let (mut auco, mut tecalis) = (BTreeMap::new(), BTreeMap::new());
        for record in records {
            match record {
                Record::Auco(process) => drop(auco.insert(process.code.clone(), process.into_owned())),
                Record::Tecalis(one) => drop(tecalis.insert(one.uuid.clone(), one.into_owned())),
            }
        }
        let faults = Faults::default();
        let calls = CallCounts::default();
        let mut state = State { auco, auco_webhooks, tecalis, faults, calls, sending: HashSet::new(), journal };
        state.rewrite().map_err(|source| SandboxError::StateFile { path: file.unwrap_or_default(), source })?;
        Ok(state)
    }

    /// Writes a process or an authorization to the journal. No two companies have ids of one form.
    pub fn save(&mut self, id: &str) -> io::Result<()> {
        let auco = self.auco.get(id).map(|process| Record::Auco(Cow::Borrowed(process)));
        let tecalis = || self.tecalis.get(id).map(|one| Record::Tecalis(Cow::Borrowed(one)));
        let Some(record) = auco.or_else(tecalis) else { return Ok(()) };
        let good = self.journal.append(&record, self.auco.len() + self.tecalis.len())?;
        if good { Ok(()) } else { self.rewrite() }
    }

    /// As [`State::save`], where losing the change in a crash does no harm beyond repeating it.
    pub fn save_or_warn(&mut self, id: &str) {
        if let Err(error) = self.save(id) {
            tracing::warn!(%error, "the sandbox's state could not be saved");
        }
    }

    /// Carries out the due steps of every process, each process's in order. Gives their number.
    pub fn act(&mut self, now: Timestamp, dice: Dice) -> usize {
        let due: Vec<String> = self
            .auco
            .values()
            .filter(|process| process.step_due().is_some_and(|due| due <= now))
            .map(|process| process.code.clone())
            .collect();
        let mut steps = 0;
        for code in due {
            if let Some(process) = self.auco.get_mut(&code) {
                steps += process.act(now, dice);
                self.save_or_warn(&code);
            }
        }
        let due = self.tecalis.values().filter(|one| one.step_due().is_some_and(|due| due <= now));
        for uuid in due.map(|one| one.uuid.clone()).collect::<Vec<_>>() {
            if let Some(one) = self.tecalis.get_mut(&uuid) {
                steps += one.act(now);
                self.save_or_warn(&uuid);
            }
        }
        steps
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.auco
            .values()
            .flat_map(|process| process.step_due().into_iter().chain(process.send_due(&self.sending)))
            .chain(self.tecalis.values().filter_map(Authorization::step_due))
            .min()
    }

    pub fn auco_views(&self) -> Vec<AucoProcessView> {
        let mut processes: Vec<_> = self.auco.values().collect();
        processes.sort_by_key(|process| process.serial);
        processes.into_iter().map(Process::view).collect()
    }

    pub fn tecalis_views(&self) -> Vec<TecalisView> {
        let mut all: Vec<_> = self.tecalis.values().collect();
        all.sort_by_key(|one| one.serial);
        all.into_iter().map(Authorization::view).collect()
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let auco = self.auco.values().map(|process| Record::Auco(Cow::Borrowed(process)));
        let tecalis = self.tecalis.values().map(|one| Record::Tecalis(Cow::Borrowed(one)));
        self.journal.rewrite(auco.chain(tecalis))
    }
}
