//! One process: what was ordered, what is planned, what has happened. No clock, no lock, no network: time and dice
//! are handed in, webhooks are left in a queue.

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

/// The states a query can show (seed `001_…`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    InProgress,
    Blocked,
    Approved,
    Invalidated,
    Expired,
}

/// A thing that a person, a reviewer or time does.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Step {
    /// A good attempt.
    Pass,
    /// A failed attempt, with more to come.
    Fail,
    /// The last failed attempt: a reviewer must look.
    FailAndBlock,
    /// A failed attempt that ends the process.
    FailForGood,
    /// The reviewer accepts.
    Validate,
    /// The reviewer accepts, but the query never learns of it.
    ValidateSilently,
    /// The reviewer refuses.
    Invalidate,
    /// Time is over.
    Expire,
}

/// A status that a person playing with the sandbox can ask for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Forced {
    Approved,
    Blocked,
    Validated,
    Invalidated,
    Expired,
}

/// Why it cannot be had.
#[derive(Debug)]
pub(crate) struct NotNow(pub &'static str);

/// One attempt of the person; `Flaw` says what was wrong with it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Attempt {
    pub at: Timestamp,
    pub flaw: Option<Flaw>,
    /// 0–100, as the query shows it.
    pub similarity: f64,
}

/// What can be wrong with an attempt. The first is the seed's sample; the list of Auco's codes is not public, and the
/// second is invented in the same style.
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

/// A picture, drawn but not yet blown up.
pub(crate) struct Picture {
    bytes: Bytes,
    size: u32,
}

impl Picture {
    /// What a download gives, in pieces that share their memory.
    pub fn pieces(&self) -> Vec<Bytes> {
        pictures::padded(&self.bytes, (self.size as usize) << 20)
    }
}

/// The whole of one process, as it is saved.
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
    /// To webhooks by name; `None` means whichever is the default when it is sent.
    #[serde(flatten)]
    pub queue: Queue<Option<String>>,
    pub queries: u64,
    /// Requests with a good link per `attempt/kind`.
    pub downloads: BTreeMap<String, u32>,
    pub served: u64,
}

/// What a test sees of a process.
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
    /// When it was created.
    pub created_at: Timestamp,
    /// How often a query found it, faults included.
    pub queries: u64,
    /// How often its pictures were asked for with a good link, faults included.
    pub downloads: u64,
    /// How often a picture was answered whole and rightly.
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

    /// Carries out the steps due until now, each at its planned time. Gives their number.
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

    /// Carries out everything that is planned, now. Waiting for the end of life stays a wait.
    pub fn hurry(&mut self, now: Timestamp, dice: Dice) {
        while let Some((_, step)) = self.plan.pop_front_if(|(_, step)| *step != Step::Expire) {
            self.step(step, now, dice);
        }
    }

    /// Carries out the next planned step now, or instead of the whole plan the step that leads to a status.
    pub fn force(&mut self, wanted: Option<Forced>, now: Timestamp, dice: Dice) -> Result<(), NotNow> {
        let step = match (wanted, self.status) {
            (None, _) => {
                let (_, step) = self.plan.pop_front().ok_or(NotNow("nothing is planned for this process"))?;
                step
            }
            (Some(wanted), status) => {
                let step = match (status, wanted) {
                    (Status::InProgress, Forced::Approved) => Step::Pass,
                    (Status::InProgress, Forced::Blocked) => Step::FailAndBlock,
                    (Status::InProgress, Forced::Invalidated) => Step::FailForGood,
                    (Status::InProgress, Forced::Expired) => Step::Expire,
                    (Status::Blocked, Forced::Approved | Forced::Validated) => Step::Validate,
                    (Status::Blocked, Forced::Invalidated) => Step::Invalidate,
                    _ => return Err(NotNow("this status cannot follow the present one")),
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
        self.queue.tell(&targets, faults.copies(), &body, at, faults.out_of_order && another_follows);
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

/// The person's attempts follow one another, then the reviewer; what would come after the end of life does not come.
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
