//! A state machine: any sequence of what customers, persons, providers, time and trouble do, held against a small model of
//! what may be true after each step and must be true in the end. A sequence that fails is made as short as it gets.
//!
//! The sequences are the same in every run. `COTEJO_MACHINE` says how many are played; the first are always the same.

use std::collections::BTreeMap;

use cotejo_tests::{Answer, Disturbance, When, link_order, order, tecalis_order};
use jiff::SignedDuration;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::sweep::{
    invariants::INVARIANTS,
    play::Play,
    seen::Seen,
    workflows::{APPROVED, Workflow},
};

/// Sequences that are played where nothing else is said.
const CASES: u32 = 20;
/// Customers' orders, and so keys; each is of another kind.
const ORDERS: usize = 4;
/// Invariants of the sweep that say how one certain workflow ends.
const OF_WORKFLOWS: [&str; 2] = ["every process ends right", "a callback that was taken is in the timeline"];

/// A step.
#[derive(Debug, Clone)]
enum Step {
    /// The customer sends an order, for the first time or again.
    Create(usize),
    /// Time passes, and what is due is done.
    Pass(i64),
    /// The schedule fires although no time has passed.
    Poll,
    /// The customer asks for a refresh.
    Refresh(usize),
    /// Auco calls back with a state, whether it is true, old, or said before.
    CallBack(usize, &'static str),
    /// The customer's reviewer decides.
    Decide(usize, &'static str),
    /// The customer has the process redacted.
    Redact(usize),
    /// The next call of the kind, after some others, is the function's last.
    Crash(&'static str, usize, bool),
    /// The next call of the kind, after some others, is answered with too much to do.
    Throttle(&'static str, usize),
    /// The next call of the kind, after some others, fails, before or after its effect.
    Fail(&'static str, usize, bool),
    /// Links to pictures die between the answer that names them and the download.
    LinksExpire,
}

const CALLS: [&str; 11] = [
    "GetItem",
    "PutItem",
    "UpdateItem",
    "TransactWriteItems",
    "Query",
    "S3 PUT",
    "auco POST",
    "auco GET",
    "link POST",
    "tecalis POST",
    "tecalis GET",
];
/// The calls that are answered with too much to do: S3 is not, and downloads come from a bucket too.
const BUSY: [&str; 8] =
    ["GetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query", "auco POST", "link POST", "tecalis POST"];

fn step() -> impl Strategy<Value = Step> {
    let which = || 0..ORDERS;
    let call = || prop::sample::select(&CALLS[..]);
    prop_oneof![
        4 => which().prop_map(Step::Create),
        4 => prop::sample::select(vec![0_i64, 1, 2, 7, 61]).prop_map(Step::Pass),
        1 => Just(Step::Poll),
        2 => which().prop_map(Step::Refresh),
        2 => (which(), prop::sample::select(vec!["INPROGRESS", "APPROVED", "BLOCKED"])).prop_map(|(n, c)| Step::CallBack(n, c)),
        1 => (which(), prop::sample::select(vec!["approved", "rejected"])).prop_map(|(n, d)| Step::Decide(n, d)),
        1 => which().prop_map(Step::Redact),
        3 => (call(), 0..4_usize, any::<bool>()).prop_map(|(c, n, after)| Step::Crash(c, n, after)),
        2 => (prop::sample::select(&BUSY[..]), 0..4_usize).prop_map(|(c, n)| Step::Throttle(c, n)),
        3 => (call(), 0..4_usize, any::<bool>()).prop_map(|(c, n, after)| Step::Fail(c, n, after)),
        1 => Just(Step::LinksExpire),
    ]
}

/// What is known of an order.
#[derive(Default)]
struct Ordered {
    id: Option<String>,
    /// The last answer to a question about it.
    last: Value,
    decided: Option<&'static str>,
    redacted: bool,
}

struct Machine {
    play: Play,
    orders: Vec<Value>,
    model: BTreeMap<usize, Ordered>,
}

impl Machine {
    async fn begin() -> Self {
        let play = Play::begin().await;
        let sandbox = play.world.local.sandbox();
        let at_link = link_order(sandbox, "ok", false, &Value::Null);
        let pictures = [cotejo_sandbox::LinkPicture::Front, cotejo_sandbox::LinkPicture::Back];
        let pictures = pictures.map(|kind| sandbox.link_picture(kind, "ok").unwrap());
        play.submitted.lock().unwrap().extend(pictures);
        let authorization = sandbox.tecalis_authorize("approved,no-video").unwrap();
        let orders = vec![order("approved"), order("blocked"), at_link, tecalis_order(&authorization)];
        Self { play, orders, model: BTreeMap::new() }
    }

    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let wire = self.play.world.aws.wire().clone();
        let when = |after: bool| if after { When::After } else { When::Before };
        match *step {
            Step::Create(which) => {
                let (key, order) = (which.to_string(), self.orders[which].clone());
                let answer = self.play.on(self.play.world.customer.create_once(&key, &order)).await;
                self.model.entry(which).or_default();
                if let Some(answer) = answer {
                    self.created(which, &answer)?;
                }
            }
            Step::Pass(minutes) => self.play.pass(SignedDuration::from_mins(minutes)).await,
            Step::Poll => drop(self.play.on(self.play.world.local.run_schedules()).await),
            Step::Refresh(which) => {
                if let Some(id) = self.id(which) {
                    let path = format!("/processes/{id}?refresh=true");
                    self.play.on(self.play.world.customer.get(&path)).await;
                }
            }
            Step::CallBack(which, code) => self.call_back(which, code).await,
            Step::Decide(which, decision) => {
                let Some(id) = self.id(which) else { return Ok(()) };
                let body = json!({"decision": decision, "reason": "seen"});
                let answer = self.play.ask(|customer| Box::pin(async { customer.decide(&id, &body).await })).await;
                if answer.status == 200 {
                    self.model.entry(which).or_default().decided.get_or_insert(decision);
                }
            }
            Step::Redact(which) => {
                let Some(id) = self.id(which) else { return Ok(()) };
                let path = format!("/processes/{id}/redact");
                let answer = self.play.ask(|customer| Box::pin(async { customer.post(&path, &json!({})).await })).await;
                prop_assert_eq!(answer.status, 200);
                self.model.entry(which).or_default().redacted = true;
            }
            Step::Crash(call, skip, after) => wire.plan(call, None, skip, Disturbance::Crash(when(after))),
            Step::Throttle(call, skip) => wire.plan(call, None, skip, Disturbance::Throttle),
            Step::Fail(call, skip, after) => wire.plan(call, None, skip, Disturbance::Fail(when(after))),
            Step::LinksExpire => {
                let clock = self.play.world.clock.clone();
                let expire = move || -> futures_util::future::BoxFuture<'static, ()> {
                    Box::pin(async move { clock.leap(SignedDuration::from_mins(6)) })
                };
                wire.plan("auco GET", Some("files"), 0, Disturbance::Interleave(Box::new(expire)));
            }
        }
        self.look().await
    }

    fn id(&self, which: usize) -> Option<String> {
        self.model.get(&which)?.id.clone()
    }

    /// One key names one process for ever, and what was redacted is not made anew.
    fn created(&mut self, which: usize, answer: &Answer) -> Result<(), TestCaseError> {
        let known = self.model.entry(which).or_default();
        match answer.status {
            201 | 202 => {
                let id = answer.id();
                prop_assert!(known.id.as_ref().is_none_or(|earlier| *earlier == id), "two processes of one key");
                prop_assert!(!known.redacted, "a redacted process was shown");
                known.id = Some(id);
            }
            410 => prop_assert!(known.redacted, "{:?}", answer.body),
            409 => prop_assert_eq!(answer.error_code(), "request_in_flight"),
            status => prop_assert!(status >= 500 || status == 429, "{} {:?}", status, answer.body),
        }
        Ok(())
    }

    async fn call_back(&self, which: usize, code: &str) {
        let Some(id) = self.id(which) else { return };
        let at_auco = self.play.world.local.sandbox().auco_processes();
        let Some(process) = at_auco.iter().find(|process| process.custom["cotejo_id"] == id.as_str()) else { return };
        let body = json!({"code": process.code, "status": code, "custom": {"cotejo_id": id}}).to_string();
        let world = &self.play.world;
        let path = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
        self.play.on(world.customer.send(Method::POST, &path, &[], Some(body))).await;
    }

    /// What may be true after any step.
    async fn look(&mut self) -> Result<(), TestCaseError> {
        let wire = self.play.world.aws.wire().clone();
        for known in self.model.values_mut() {
            let Some(id) = &known.id else { continue };
            let now = wire.aside(self.play.world.customer.process(id)).await;
            let count = |process: &Value, event: &str| {
                let entries = process["timeline"].as_array().into_iter().flatten();
                entries.filter(|entry| entry["event"] == event).count()
            };
            if !known.last.is_null() {
                let (before, after) = (known.last["status"].as_str().unwrap(), now["status"].as_str().unwrap());
                let amended = count(&now, "amended") > count(&known.last, "amended");
                let ended = !matches!(before, "submitting" | "in_progress" | "in_review");
                prop_assert!(!ended || before == after || amended, "{} became {}", before, after);
                prop_assert!(after != "submitting" || before == "submitting", "{} became {}", before, after);
                prop_assert!(now["redacted_at"].is_string() || known.last["redacted_at"].is_null(), "it came back");
                let entries = |process: &Value| process["timeline"].as_array().map_or(0, Vec::len);
                prop_assert!(entries(&now) >= entries(&known.last), "the timeline forgot something");
            }
            prop_assert!(!known.redacted || now["person"].is_null(), "a redacted person is shown");
            known.last = now;
        }
        Ok(())
    }

    /// Runs on without trouble, and checks what must be true then.
    async fn end(mut self) -> Result<(), TestCaseError> {
        self.play.world.aws.wire().calm_down();
        // Whoever was not answered asks again.
        for which in self.model.keys().copied().collect::<Vec<_>>() {
            let (key, order) = (which.to_string(), self.orders[which].clone());
            let answer = self.play.ask(|customer| Box::pin(async { customer.create_once(&key, &order).await })).await;
            self.created(which, &answer)?;
        }
        // What is in review by then waits for a decision.
        for _ in 0..4 {
            self.play.pass(SignedDuration::from_mins(21)).await;
        }
        self.look().await?;
        for which in self.model.keys().copied().collect::<Vec<_>>() {
            if self.model[&which].last["status"] == "in_review" {
                self.take(&Step::Decide(which, "approved")).await?;
            }
        }
        self.play.settle().await;
        self.look().await?;
        let seen = Seen::of(&self.play).await;
        let any = Workflow { callbacks: 1, ..APPROVED };
        for (name, holds) in INVARIANTS.iter().filter(|(name, _)| !OF_WORKFLOWS.contains(name)) {
            let held = holds(&any, &seen);
            prop_assert!(held.is_ok(), "{}: {}", name, held.unwrap_err());
        }
        prop_assert_eq!(seen.processes.len(), self.model.len());
        for known in self.model.values() {
            let (process, status) = (&known.last, known.last["status"].as_str().unwrap());
            if known.redacted {
                prop_assert!(seen.objects_of(process, "").next().is_none(), "an object is left");
            } else if !seen.is_there(&any, process) {
                prop_assert_eq!((status, &process["status_reason"]), ("failed", &json!("submission_unknown")));
            } else {
                prop_assert_eq!(status, known.decided.unwrap_or("approved"), "{}", process);
            }
        }
        Ok(())
    }
}

/// Plays `cases` sequences, the same ones each time, in worlds that were prepared.
fn play(cases: u32, max_shrink_iters: u32, prepare: impl Fn(&Play)) -> Result<(), String> {
    let config = Config { cases, max_shrink_iters, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let played = runner.run(&vec(step(), 1..25), |steps| {
        runtime.block_on(async {
            let mut machine = Machine::begin().await;
            prepare(&machine.play);
            for step in &steps {
                machine.take(step).await?;
            }
            machine.end().await
        })
    });
    played.map_err(|failure| failure.to_string())
}

#[test]
fn whatever_happens_in_whatever_order_every_process_ends_right() {
    let cases = std::env::var("COTEJO_MACHINE").ok().filter(|cases| !cases.is_empty());
    let cases = cases.map_or(CASES, |cases| cases.parse().expect("COTEJO_MACHINE is a number"));
    assert_eq!(play(cases, 200, |_| {}), Ok(()));
}

#[test]
fn the_machine_too_finds_a_condition_that_is_weakened_on_purpose() {
    let weaken = |play: &Play| play.world.aws.wire().weaken("PutItem PROCESS", "attribute_not_exists(pk)");
    let found = play(CASES, 0, weaken);
    assert!(found.is_err(), "no sequence minds whether there is a process already");
}
