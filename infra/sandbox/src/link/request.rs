//! One request to verify: its order, its plan and its history. It uses no clock, lock or network.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::order::Order;
use super::script::{Automatic, Manual, Script};
use super::{fields, review};
use crate::config::{Times, later};
use crate::links::Links;
use crate::queue::Queue;

/// An address from which no certificate may be fetched: clouds give machines their credentials there.
const ELSEWHERE: &str = "http://169.254.169.254";

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Operation {
    Processing,
    Completed,
    Error,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Processing => "Processing",
            Operation::Completed => "Completed",
            Operation::Error => "Error",
        }
    }
}

/// A step of the reviewer or of the certification.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Step {
    /// A reviewer decides.
    Review,
    /// The certificate is made, or could not be.
    Certify,
}

/// One request, as it is saved.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    /// Counted from 0 in the order of arrival.
    pub serial: u64,
    pub order: Order,
    pub(super) script: Script,
    pub created_at: Timestamp,
    /// Of the verification.
    pub(super) operation: Operation,
    /// Of the certification, if one was ordered.
    pub(super) certification: Option<Operation>,
    pub(super) plan: VecDeque<(Timestamp, Step)>,
    /// To the customer's addresses.
    #[serde(flatten)]
    pub queue: Queue<String>,
    pub repeats: u64,
    /// Requests for the certificate with a good token.
    pub fetches: u64,
    /// Those of them that came when there was one.
    pub fetches_of_made: u32,
    pub served: u64,
}

/// A request to verify, as tests see it.
#[derive(Clone, Debug, Serialize)]
pub struct LinkView {
    /// Chosen by the customer.
    pub id: String,
    /// Whether it was to be verified by hand.
    pub manual: bool,
    /// Of the verification: Processing, Completed or Error.
    pub state: String,
    pub expeditor_country: String,
    /// How many sides of the document came.
    pub images: usize,
    /// Whether a face came with them.
    pub face: bool,
    /// When it came first.
    pub created_at: Timestamp,
    /// How often it came again.
    pub repeats: u64,
    /// Whether a certificate was ordered.
    pub certify: bool,
    /// Of the certification, where one was ordered: Processing, Completed or Error.
    pub certification: Option<String>,
    /// How often its certificate was asked for with a good token, faults included.
    pub certificate_fetches: u64,
    /// How often the certificate was served completely and correctly.
    pub certificates_served: u64,
    pub callbacks_sent: u64,
    /// Of these, the ones answered 2xx in time.
    pub callbacks_acknowledged: u64,
    /// Callbacks that are due or wait for another try.
    pub callbacks_pending: usize,
}

impl Request {
    pub fn new(serial: u64, order: Order, script: Script, now: Timestamp, times: &Times) -> Request {
        let operation = match (&order.review_to, script.automatic) {
            (Some(_), _) | (None, Automatic::Processing) => Operation::Processing,
            (None, Automatic::Error) => Operation::Error,
            (None, _) => Operation::Completed,
        };
        let reviewed = later(now, times.reviewer_acts_after);
        let done = match (&order.review_to, operation) {
            (Some(_), _) if script.manual == Manual::Never => None,
            (Some(_), _) => Some(reviewed),
            (None, Operation::Processing) => None,
            (None, _) => Some(now),
        };
        let mut plan = VecDeque::new();
        if let Some(done) = done {
            if order.review_to.is_some() {
                plan.push_back((done, Step::Review));
            }
            if order.certify_to.is_some() {
                plan.push_back((later(done, times.certificate_after), Step::Certify));
            }
        }
        Request {
            serial,
            certification: order.certify_to.as_ref().map(|_| Operation::Processing),
            order,
            script,
            created_at: now,
            operation,
            plan,
            queue: Queue::default(),
            repeats: 0,
            fetches: 0,
            fetches_of_made: 0,
            served: 0,
        }
    }

    /// When the next step is due.
    pub fn step_due(&self) -> Option<Timestamp> {
        self.plan.front().map(|(at, _)| *at)
    }

    /// Executes the steps that are due, each at its planned time. Gives their number.
    pub fn act(&mut self, now: Timestamp, links: &Links) -> usize {
        let mut steps = 0;
        while let Some((at, step)) = self.plan.pop_front_if(|(at, _)| *at <= now) {
            self.step(step, at, links);
            steps += 1;
        }
        steps
    }

    /// Executes all planned steps now.
    pub(super) fn hurry(&mut self, now: Timestamp, links: &Links) {
        while let Some((_, step)) = self.plan.pop_front() {
            self.step(step, now, links);
        }
    }

    /// The answer to the request and to every repeat of it. It never tells of what came later.
    pub(super) fn answer(&self) -> Value {
        let verification = match &self.order.review_to {
            Some(_) => json!({ "status": "Processing", "process": "Manual" }),
            None => fields::verification(self.script.automatic, self.operation.name(), self.order.has_face),
        };
        let mut answer = json!({ "id": self.order.id, "idVerification": verification });
        if self.script.odd {
            fields::make_odd(&mut answer["idVerification"]);
        }
        if self.certification.is_some() {
            answer["certification"] = json!({ "status": "Processing" });
        }
        answer
    }

    /// Whether the certificate is made.
    pub fn is_certified(&self) -> bool {
        self.certification == Some(Operation::Completed)
    }

    pub fn view(&self) -> LinkView {
        LinkView {
            id: self.order.id.clone(),
            manual: self.order.review_to.is_some(),
            state: self.operation.name().to_owned(),
            expeditor_country: self.order.country.clone(),
            images: self.order.images,
            face: self.order.has_face,
            created_at: self.created_at,
            repeats: self.repeats,
            certify: self.order.certify_to.is_some(),
            certification: self.certification.map(|operation| operation.name().to_owned()),
            certificate_fetches: self.fetches,
            certificates_served: self.served,
            callbacks_sent: self.queue.sent,
            callbacks_acknowledged: self.queue.acknowledged,
            callbacks_pending: self.queue.pending(),
        }
    }

    fn step(&mut self, step: Step, at: Timestamp, links: &Links) {
        match step {
            Step::Review => {
                let mut data = review::data(self.script.manual, self.order.has_face);
                data.iter_mut().filter(|_| self.script.odd).for_each(review::make_odd);
                self.operation = if data.is_some() { Operation::Completed } else { Operation::Error };
                let body = self.callback("ManualIDVerification", self.operation, data);
                let hold = self.script.callbacks.out_of_order && !self.plan.is_empty();
                self.enqueue(self.order.review_to.clone(), &body, at, hold);
            }
            Step::Certify => {
                let failed = self.script.certificate_error || self.operation == Operation::Error;
                let end = if failed { Operation::Error } else { Operation::Completed };
                self.certification = Some(end);
                let data = (!failed).then(|| json!({ "urlCertificateFile": self.certificate_url(links) }));
                let body = self.callback("Certification", end, data);
                self.enqueue(self.order.certify_to.clone(), &body, at, false);
            }
        }
    }

    /// The form that both callbacks share. An operation that failed has no data.
    fn callback(&self, service: &str, status: Operation, data: Option<Value>) -> Value {
        let mut body = json!({ "id": self.order.id, "service": service, "status": status.name() });
        if let Some(data) = data {
            body["data"] = data;
        }
        body
    }

    fn enqueue(&mut self, to: Option<String>, body: &Value, at: Timestamp, hold: bool) {
        self.queue.enqueue(to.as_slice(), self.script.callbacks.copies(), body, at, hold);
    }

    fn certificate_url(&self, links: &Links) -> String {
        let path = format!("/certificate/{}", escaped(&self.order.id));
        if self.script.certificate_elsewhere {
            format!("{ELSEWHERE}{path}")
        } else {
            links.url(&format!("/link{path}"))
        }
    }
}

/// An id as one segment of a path.
fn escaped(id: &str) -> String {
    let mut escaped = String::new();
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
