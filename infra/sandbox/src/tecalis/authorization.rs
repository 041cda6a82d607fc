//! One authorization: its plan and its history. It uses no clock, lock or network.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::script::{Outcome, Script};
use crate::config::{Times, later};
use crate::dice::Dice;
use crate::pictures::{self, Drawing};
use crate::video;

/// A step of the person or of the provider's staff.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Step {
    /// The proof of life, which always passes.
    Live,
    /// The document, which passes.
    Pass,
    /// The document, which does not.
    Fail,
    /// The process is cancelled in any state.
    Cancel,
}

/// The states of a process. The first two are invented: only the ends are documented.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    NotStarted,
    InProgress,
    Ok,
    Ko,
    Cancelled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::NotStarted => "NOT_STARTED",
            Status::InProgress => "IN_PROGRESS",
            Status::Ok => "OK",
            Status::Ko => "KO",
            Status::Cancelled => "CANCELLED",
        }
    }
}

/// An operation that was carried out.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Done {
    pub at: Timestamp,
    pub passed: bool,
}

/// One authorization, as it is saved.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Authorization {
    /// Counted from 0 in the order of creation.
    pub serial: u64,
    pub uuid: String,
    pub process_uuid: String,
    pub ocr_uuid: String,
    pub pol_uuid: String,
    pub created_at: Timestamp,
    pub script: Script,
    pub status: Status,
    pub plan: VecDeque<(Timestamp, Step)>,
    pub ocr: Option<Done>,
    pub pol: Option<Done>,
    pub queries: u64,
    /// Requests with a good link per picture.
    pub downloads: BTreeMap<String, u32>,
    pub served: u64,
    #[serde(default)]
    pub video_downloads: u32,
    #[serde(default)]
    pub videos_served: u64,
}

/// An authorization, as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct TecalisView {
    pub uuid: String,
    /// NOT_STARTED, IN_PROGRESS, OK, KO or CANCELLED.
    pub status: String,
    pub created_at: Timestamp,
    /// How often it was asked for with the right key, faults included.
    pub queries: u64,
    /// How often its pictures were asked for with a good link, faults included.
    pub downloads: u64,
    /// How many pictures were served completely and correctly.
    pub pictures_served: u64,
    /// How often its video was asked for with a good link, faults included.
    pub video_downloads: u32,
    /// How often the video was served completely and correctly.
    pub videos_served: u64,
}

/// Kinds of the pictures of each operation, with their number.
pub(super) const OCR_PICTURES: [(&str, usize); 3] = [("temporary", 2), ("ocr_front", 1), ("ocr_back", 1)];
pub(super) const POL_PICTURES: [(&str, usize); 2] = [("temporary", 2), ("selfie", 1)];

impl Authorization {
    pub fn new(serial: u64, uuid: String, script: Script, now: Timestamp, times: &Times, dice: Dice) -> Authorization {
        let of = |what: &str| dice.uuid(&format!("tecalis {what} of {uuid}"));
        let live = later(now, times.person_acts_after);
        let document = later(live, times.person_acts_after);
        let override_at = later(document, times.reviewer_acts_after);
        let plan = match script.outcome {
            Outcome::Approved => vec![(live, Step::Live), (document, Step::Pass)],
            Outcome::Rejected => vec![(live, Step::Live), (document, Step::Fail)],
            Outcome::Cancelled => vec![(live, Step::Live), (document, Step::Cancel)],
            Outcome::ApprovedThenCancelled => {
                vec![(live, Step::Live), (document, Step::Pass), (override_at, Step::Cancel)]
            }
            Outcome::Never => Vec::new(),
        };
        Authorization {
            serial,
            process_uuid: of("process"),
            ocr_uuid: of("OCR"),
            pol_uuid: of("POL"),
            uuid,
            created_at: now,
            script,
            status: Status::NotStarted,
            plan: plan.into(),
            ocr: None,
            pol: None,
            queries: 0,
            downloads: BTreeMap::new(),
            served: 0,
            video_downloads: 0,
            videos_served: 0,
        }
    }

    /// When the next step is due.
    pub fn step_due(&self) -> Option<Timestamp> {
        self.plan.front().map(|(at, _)| *at)
    }

    /// Executes the steps that are due, each at its planned time. Gives their number.
    pub fn act(&mut self, now: Timestamp) -> usize {
        let mut steps = 0;
        while let Some((at, step)) = self.plan.pop_front_if(|(at, _)| *at <= now) {
            self.step(step, at);
            steps += 1;
        }
        steps
    }

    fn step(&mut self, step: Step, at: Timestamp) {
        match step {
            Step::Live => {
                self.pol = Some(Done { at, passed: true });
                self.status = Status::InProgress;
            }
            Step::Pass | Step::Fail => {
                let passed = step == Step::Pass;
                self.ocr = Some(Done { at, passed });
                self.status = if passed { Status::Ok } else { Status::Ko };
            }
            Step::Cancel => self.status = Status::Cancelled,
        }
    }

    /// A picture, if its operation was carried out. `place` counts from 1.
    pub fn picture(&self, operation: &str, kind: &str, place: usize) -> Option<Bytes> {
        let (done, kinds): (_, &[(&str, usize)]) = match operation {
            "OCR" => (self.ocr, &OCR_PICTURES),
            "POL" => (self.pol, &POL_PICTURES),
            _ => return None,
        };
        done?;
        kinds.iter().find(|(name, count)| *name == kind && (1..=*count).contains(&place))?;
        let drawing = match (operation, kind) {
            ("POL", _) => Drawing::Face,
            (_, "ocr_back") => Drawing::CardBack,
            _ => Drawing::CardFront,
        };
        Some(pictures::picture(drawing, &format!("{}/{operation}/{kind}/{place}", self.uuid)))
    }

    /// The video of the proof of life, in pieces, once that was given and unless the script has none.
    pub fn video(&self) -> Option<Vec<Bytes>> {
        self.has_video().then(|| video::pieces(&self.uuid, self.script.video))
    }

    /// Whether the video exists.
    pub fn has_video(&self) -> bool {
        self.pol.is_some() && self.script.video > 0
    }

    /// All pictures there are.
    pub fn pictures(&self) -> Vec<(String, Bytes)> {
        let of = |operation: &'static str, kinds: &'static [(&str, usize)]| {
            kinds.iter().flat_map(move |(kind, count)| (1..=*count).map(move |place| (operation, *kind, place)))
        };
        let all = of("OCR", &OCR_PICTURES).chain(of("POL", &POL_PICTURES));
        all.filter_map(|(operation, kind, place)| {
            Some((format!("{operation}/{kind}/{place}"), self.picture(operation, kind, place)?))
        })
        .collect()
    }

    pub fn view(&self) -> TecalisView {
        TecalisView {
            uuid: self.uuid.clone(),
            status: self.status.name().to_owned(),
            created_at: self.created_at,
            queries: self.queries,
            downloads: self.downloads.values().map(|count| u64::from(*count)).sum(),
            pictures_served: self.served,
            video_downloads: self.video_downloads,
            videos_served: self.videos_served,
        }
    }
}
