//! One process: its order, its plan and its history. It uses no clock, lock or network: time and dice are arguments, and
//! webhooks go into a queue.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::Event;
use super::order::Order;
use super::script::{Outcome, Script};
use crate::config::{Times, later};
use crate::dice::Dice;
use crate::pictures::{self, Drawing};
use crate::queue::Queue;

/// The statuses of a query's answer (seed `001_…`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    InProgress,
    Blocked,
    Approved,
    Invalidated,
    Expired,
}

/// A step of the person, of the reviewer, or of time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Step {
    /// A good attempt.
    Pass,
    /// A failed attempt, with more to come.
    Fail,
    /// The last failed attempt: a reviewer must decide.
    FailAndBlock,
    /// A failed attempt that ends the process.
    FailForGood,
    /// The reviewer accepts.
    Validate,
    /// The reviewer accepts, but the query does not show it.
    ValidateSilently,
    /// The reviewer refuses.
    Invalidate,
    /// The process expires.
    Expire,
}

/// A status that a user of the sandbox can request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ForcedStatus {
    Approved,
    Blocked,
    Validated,
    Invalidated,
    Expired,
}

#[derive(Debug)]
pub(crate) struct StepRefused(pub &'static str);

/// One attempt of the person; `Flaw` is the error in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Attempt {
    pub at: Timestamp,
    pub flaw: Option<Flaw>,
    /// 0–100, as the query shows it.
    pub similarity: f64,
}

/// What can be wrong with an attempt. The first is the seed's sample. The list of Auco's codes is not public; the second is
/// invented in the same style.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Flaw {
    BackIsNoDocument,
    FaceDiffers,
}

impl Flaw {
    /// `key` and `error` of the query's `errorMessages`. Webhooks spell the error in upper case.
    pub fn key_and_error(self) -> (&'static str, &'static str) {
        match self {
            Flaw::BackIsNoDocument => ("ID_BACK", "error_identification_not_document"),
            Flaw::FaceDiffers => ("PHOTO", "error_face_not_match"),
        }
    }
}

impl Attempt {
    /// The names, as in the query, of the pictures that were taken. A back that is no document is not kept.
    pub fn kinds(&self) -> &'static [&'static str] {
        match self.flaw {
            Some(Flaw::BackIsNoDocument) => &["identificationCardFront", "photo"],
            _ => &["identificationCardFront", "identificationCardBack", "photo"],
        }
    }
}

/// A picture before padding.
pub(crate) struct Picture {
    bytes: Bytes,
    size: u32,
}

impl Picture {
    /// The content of a download, in pieces that share their memory.
    pub fn pieces(&self) -> Vec<Bytes> {
        pictures::padded(&self.bytes, (self.size as usize) << 20)
    }
}

/// One process, as it is saved.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Process {
    /// Counted from 0 in the order of creation.
    pub serial: u64,
    pub code: String,
    pub created_at: Timestamp,
    pub order: Order,
    pub script: Script,
    pub status: Status,
    pub plan: VecDeque<(Timestamp, Step)>,
    pub attempts: Vec<Attempt>,
    /// The reviewer's e-mail, once there was a decision.
    pub reviewer: Option<String>,
    /// Deliveries to webhooks by name; `None` is the default webhook at the time of sending.
    #[serde(flatten)]
    pub queue: Queue<Option<String>>,
    pub queries: u64,
    /// Requests with a good link per `attempt/kind`.
    pub downloads: BTreeMap<String, u32>,
    pub served: u64,
}

/// A process, as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct AucoProcessView {
    /// 16 characters.
    pub code: String,
    /// As the query says it: INPROGRESS, BLOCKED, APPROVED, INVALIDATED or EXPIRED.
    pub status: String,
    /// As it was sent at creation, `null` if it was not.
    pub custom: serde_json::Value,
    /// The person's document number.
    pub identification: String,
    pub created_at: Timestamp,
    /// How often a query found it, faults included.
    pub queries: u64,
    /// How often its pictures were asked for with a good link, faults included.
    pub downloads: u64,
    /// How many pictures were served completely and correctly.
    pub pictures_served: u64,
    /// Webhooks that are due or wait for another try.
    pub webhooks_pending: usize,
}

impl Process {
    pub fn new(serial: u64, code: String, order: Order, script: Script, now: Timestamp, times: &Times) -> Process {
        let expires_at = order.expires_at.unwrap_or_else(|| later(now, times.process_life));
        Process {
            serial,
            code,
            created_at: now,
            plan: plan(script.outcome, now, expires_at, times),
            order,
            script,
            status: Status::InProgress,
            attempts: Vec::new(),
            reviewer: None,
            queue: Queue::default(),
            queries: 0,
            downloads: BTreeMap::new(),
            served: 0,
        }
    }

    /// When the next step is due.
    pub fn step_due(&self) -> Option<Timestamp> {
        self.plan.front().map(|(at, _)| *at)
    }

    /// Executes the steps that are due, each at its planned time. Gives their number.
    pub fn act(&mut self, now: Timestamp, dice: Dice) -> usize {
        let mut steps = 0;
        while self.step_due().is_some_and(|due| due <= now) {
            if let Some((at, step)) = self.plan.pop_front() {
                self.step(step, at, dice);
                steps += 1;
            }
        }
        steps
    }

    /// Executes all planned steps now, except the expiry.
    pub fn hurry(&mut self, now: Timestamp, dice: Dice) {
        while let Some((_, step)) = self.plan.pop_front_if(|(_, step)| *step != Step::Expire) {
            self.step(step, now, dice);
        }
    }

    /// Executes the next planned step now, or replaces the plan by the step that leads to a status.
    pub fn force(&mut self, wanted: Option<ForcedStatus>, now: Timestamp, dice: Dice) -> Result<(), StepRefused> {
        let step = match (wanted, self.status) {
            (None, _) => {
                let (_, step) = self.plan.pop_front().ok_or(StepRefused("nothing is planned for this process"))?;
                step
            }
            (Some(wanted), status) => {
                let step = match (status, wanted) {
                    (Status::InProgress, ForcedStatus::Approved) => Step::Pass,
                    (Status::InProgress, ForcedStatus::Blocked) => Step::FailAndBlock,
                    (Status::InProgress, ForcedStatus::Invalidated) => Step::FailForGood,
                    (Status::InProgress, ForcedStatus::Expired) => Step::Expire,
                    (Status::Blocked, ForcedStatus::Approved | ForcedStatus::Validated) => Step::Validate,
                    (Status::Blocked, ForcedStatus::Invalidated) => Step::Invalidate,
                    _ => return Err(StepRefused("this status cannot follow the present one")),
                };
                self.plan.clear();
                step
            }
        };
        self.step(step, now, dice);
        Ok(())
    }

    /// The picture of an attempt (from 0), if that attempt took it.
    pub fn picture(&self, attempt: usize, kind: &str) -> Option<Picture> {
        let kind = self.attempts.get(attempt)?.kinds().iter().find(|known| **known == kind)?;
        let drawing = match *kind {
            "identificationCardFront" => Drawing::CardFront,
            "identificationCardBack" => Drawing::CardBack,
            _ => Drawing::Face,
        };
        let bytes = pictures::picture(drawing, &format!("{}/{attempt}/{kind}", self.code));
        Some(Picture { bytes, size: self.script.picture_size })
    }

    pub fn view(&self) -> AucoProcessView {
        AucoProcessView {
            code: self.code.clone(),
            status: self.status.name().to_owned(),
            custom: self.order.custom.clone().map_or(serde_json::Value::Null, serde_json::Value::Object),
            identification: self.order.identification.clone(),
            created_at: self.created_at,
            queries: self.queries,
            downloads: self.downloads.values().map(|count| u64::from(*count)).sum(),
            pictures_served: self.served,
            webhooks_pending: self.queue.pending(),
        }
    }

    fn step(&mut self, step: Step, at: Timestamp, dice: Dice) {
        match step {
            Step::Pass => {
                self.attempt(true, at, dice);
                self.status = Status::Approved;
                self.notify(Event::Approved, at, dice);
            }
            Step::Fail => self.attempt(false, at, dice),
            Step::FailAndBlock => {
                self.attempt(false, at, dice);
                self.status = Status::Blocked;
                self.notify(Event::Blocked, at, dice);
            }
            Step::FailForGood => {
                self.attempt(false, at, dice);
                self.status = Status::Invalidated;
                self.notify(Event::Invalidated, at, dice);
            }
            Step::Validate | Step::ValidateSilently => {
                self.reviewer = Some("supervisor@auco.ai".to_owned());
                if step == Step::Validate {
                    self.status = Status::Approved;
                }
                self.notify(Event::Validated, at, dice);
            }
            Step::Invalidate => {
                self.reviewer = Some("supervisor@auco.ai".to_owned());
                self.status = Status::Invalidated;
                self.notify(Event::Invalidated, at, dice);
            }
            Step::Expire => self.status = Status::Expired,
        }
    }

    fn attempt(&mut self, good: bool, at: Timestamp, dice: Dice) {
        let label = format!("attempt {} {}", self.code, self.attempts.len());
        let flaw = match (good, dice.coin(&label)) {
            (true, _) => None,
            (false, true) => Some(Flaw::BackIsNoDocument),
            (false, false) => Some(Flaw::FaceDiffers),
        };
        let luck = dice.fraction(&format!("{label} similarity"));
        let similarity = if good { 85.0 + luck * 14.0 } else { 20.0 + luck * 30.0 };
        self.attempts.push(Attempt { at, flaw, similarity });
    }

    fn notify(&mut self, event: Event, at: Timestamp, dice: Dice) {
        let body = event.body(self, dice);
        let targets: Vec<Option<String>> = match self.order.targets.as_slice() {
            [] => vec![None],
            targets => targets.iter().cloned().map(Some).collect(),
        };
        let faults = self.script.callbacks;
        let another_follows = self.plan.iter().any(|(_, step)| !matches!(step, Step::Fail | Step::Expire));
        self.queue.enqueue(&targets, faults.copies(), &body, at, faults.out_of_order && another_follows);
    }
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::InProgress => "INPROGRESS",
            Status::Blocked => "BLOCKED",
            Status::Approved => "APPROVED",
            Status::Invalidated => "INVALIDATED",
            Status::Expired => "EXPIRED",
        }
    }
}

/// The person's attempts come first, then the reviewer. Nothing comes after the expiry.
fn plan(outcome: Outcome, now: Timestamp, expires_at: Timestamp, times: &Times) -> VecDeque<(Timestamp, Step)> {
    let attempts: &[Step] = match outcome {
        Outcome::Approved | Outcome::ApprovedInvalidated => &[Step::Pass],
        Outcome::SecondAttempt => &[Step::Fail, Step::Pass],
        Outcome::Invalidated => &[Step::FailForGood],
        Outcome::Expired | Outcome::Never => &[],
        _ => &[Step::Fail, Step::Fail, Step::FailAndBlock],
    };
    let review = match outcome {
        Outcome::BlockedValidated => Some(Step::Validate),
        Outcome::BlockedValidatedSilent => Some(Step::ValidateSilently),
        Outcome::BlockedInvalidated | Outcome::ApprovedInvalidated => Some(Step::Invalidate),
        _ => None,
    };
    let mut plan = VecDeque::new();
    let mut at = now;
    for step in attempts {
        at = later(at, times.person_acts_after);
        plan.push_back((at, *step));
    }
    if outcome == Outcome::Expired || at >= expires_at && outcome != Outcome::Never {
        plan.retain(|(at, _)| *at < expires_at);
        plan.push_back((expires_at, Step::Expire));
    } else if let Some(review) = review {
        plan.push_back((later(at, times.reviewer_acts_after), review));
    }
    plan
}
