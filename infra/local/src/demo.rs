//! `cargo local demo`: verifications at every provider, from creation to stored evidence, and a person of the registry. The
//! demo uses public HTTP only.
//!
//! It succeeds only if all of this holds: every process ended with the outcome and the checks of its script; the bucket holds
//! every picture, video and certificate byte for byte; the provider's links have expired and Cotejo's links work; and the
//! customer's endpoint received a webhook with a valid signature for each event.

mod api;
mod endpoint;
mod kept;
mod providers;
mod registry;
mod scripts;
mod table;
mod verdict;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use cotejo::{platform::Seams, providers::PROVIDERS};
use cotejo_sandbox::Times;
use jiff::SignedDuration;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    cli::Arguments,
    options::{Mode, Options},
    runtime::Local,
};
use api::Api;
use endpoint::Endpoint;
use kept::Piece;
use providers::Provider;
use scripts::{SCRIPTS, Script};

/// The time limit with the sandbox.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The time limit with a provider of the environment, where people act and links expire at their own pace.
const LONG_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// The final statuses of a process.
const TERMINAL: [&str; 5] = ["approved", "rejected", "expired", "cancelled", "failed"];

/// A request body, on one line, that creates a process which will be approved. A real provider writes to people, so the body
/// then has placeholders for the person.
#[must_use]
pub fn example(local: &Local) -> String {
    let mut order = providers::auco_order("approved");
    if has_placeholders(local) {
        order["person"] = serde_json::json!({"name": "NAME", "phone": "PHONE", "email": "EMAIL"});
        order["document"]["number"] = "NUMBER".into();
        order["options"] = serde_json::json!({"platform": "whatsapp", "email": "YOUR-USER"});
    }
    order.to_string()
}

/// Whether [`example`] has placeholders.
#[must_use]
pub fn has_placeholders(local: &Local) -> bool {
    !Provider::Auco.is_sandbox(local)
}

struct Verification {
    script: &'static Script,
    id: String,
    process: Value,
    pieces: Vec<Piece>,
}

impl Verification {
    /// The process's name in error messages.
    fn name(&self) -> String {
        format!("{} ({}, {})", short(&self.id), self.script.provider.name(), self.script.name())
    }
}

/// Runs the demo.
///
/// # Errors
/// Lines for the user that say what went wrong.
pub async fn run(arguments: &Arguments, overrides: HashMap<String, String>) -> Result<(), String> {
    let times = Times {
        person_acts_after: SignedDuration::from_secs(2),
        reviewer_acts_after: SignedDuration::from_secs(4),
        certificate_after: SignedDuration::from_secs(3),
        link_life: SignedDuration::from_secs(8),
        webhook_retry_step: SignedDuration::from_secs(1),
        ..Times::default()
    }
    .scaled(1.0 / arguments.speed.unwrap_or(1.0));
    let link_life = Duration::try_from(times.link_life).unwrap_or_default();
    let local = Local::start(Options {
        port: arguments.port.unwrap_or(0),
        data: arguments.data.clone(),
        fresh: arguments.fresh,
        seams: Seams::real(),
        factories: PROVIDERS,
        sandbox_times: times,
        sandbox_seed: 0,
        mode: Mode::Live,
        functions: true,
        overrides,
    })
    .await
    .map_err(|error| error.to_string())?;
    println!("Cotejo is up at {} for this demo.", local.url());
    let outcome = play(&local, link_life).await;
    local.shutdown().await;
    outcome
}

async fn play(local: &Local, link_life: Duration) -> Result<(), String> {
    let start = Instant::now();
    let api = Api::new(local)?;
    let endpoint = Endpoint::listen(&api).await?;
    let mut all = create(&api, local).await?;
    let mut expected = registry::play(&api).await?;

    println!("\nThe people act, Auco and LINK call back, Cotejo polls Tecalis and copies the evidence:");
    let is_all_here = Provider::Auco.is_sandbox(local);
    let patience = if is_all_here { TIMEOUT } else { LONG_TIMEOUT };
    follow(&api, &mut all, start, patience).await?;

    for verification in &mut all {
        verification.pieces = kept::pieces(&api, local, verification).await?;
    }
    expected.extend(all.iter().flat_map(expected_events));
    wait_for_events(&endpoint, &expected, start, patience).await?;
    endpoint.end(&api).await?;
    println!("\nThe providers' links work now. Waiting until they expire …");
    if is_all_here {
        tokio::time::sleep(link_life + Duration::from_secs(1)).await;
    } else {
        let links = all.iter().flat_map(|verification| &verification.pieces).filter_map(Piece::link);
        wait_until_expired(&api, links.collect(), start).await?;
    }
    for piece in all.iter_mut().flat_map(|verification| &mut verification.pieces) {
        piece.look_again(&api).await?;
    }

    println!("\n{}", table::evidence(&all));
    println!("{}", table::failed_checks(&all));
    println!("{}", table::processes(&all));
    let wrong = verdict::wrong(local, &all);
    if wrong.is_empty() {
        println!("Everything is as expected, after {:.0} s.", start.elapsed().as_secs_f64());
        Ok(())
    } else {
        Err(format!("not as expected:\n  {}", wrong.join("\n  ")))
    }
}

/// Creates every verification that can run here.
async fn create(api: &Api, local: &Local) -> Result<Vec<Verification>, String> {
    println!("\nCreating verifications (POST /processes):");
    let mut all = Vec::new();
    for script in &SCRIPTS {
        let provider = script.provider;
        if !provider.works_elsewhere() && !provider.is_sandbox(local) {
            println!("  (skipped) {:<8} {:<20} works only with the sandbox", provider.name(), script.name());
            continue;
        }
        if provider.reaches_people(local) {
            println!(
                "  (skipped) {:<8} {:<20} a real provider would write to people, and the demo's are invented",
                provider.name(),
                script.name()
            );
            continue;
        }
        let process = api.create(&provider.order(api, local, script).await?).await?;
        let id = text(&process, "id");
        println!("  {}  {:<8} {:<20} {}", short(&id), provider.name(), script.name(), script.meaning);
        all.push(Verification { script, id, process, pieces: Vec::new() });
    }
    Ok(all)
}

/// Polls twice a second until all processes have ended with all evidence stored, and prints each change.
async fn follow(api: &Api, all: &mut [Verification], start: Instant, patience: Duration) -> Result<(), String> {
    loop {
        let mut open = Vec::new();
        for verification in all.iter_mut() {
            let provider = verification.script.provider;
            let open_before = !TERMINAL.contains(&text(&verification.process, "status").as_str());
            let process = api.process(&verification.id, open_before && !provider.calls_back()).await?;
            if progress(&process) != progress(&verification.process) {
                let seconds = start.elapsed().as_secs_f64();
                let (id, name) = (short(&verification.id), verification.script.name());
                println!("  {seconds:>5.1} s  {id}  {:<8} {name:<20} {}", provider.name(), progress(&process));
            }
            let ended = TERMINAL.contains(&text(&process, "status").as_str());
            if !ended || text(&process, "evidence_state") != "complete" || certificate(&process) == "pending" {
                open.push(verification.name());
            }
            verification.process = process;
        }
        if open.is_empty() {
            return Ok(());
        }
        if start.elapsed() > patience {
            return Err(format!("not ended after {} s: {}", patience.as_secs(), open.join("; ")));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The events that a process which has ended must cause.
fn expected_events(verification: &Verification) -> [(String, String); 2] {
    let end = format!("process_{}", text(&verification.process, "status"));
    ["process_created".to_owned(), end].map(|event| (event, verification.id.clone()))
}

/// Waits for all expected events at the customer's endpoint, and prints their numbers.
async fn wait_for_events(
    endpoint: &Endpoint,
    expected: &[(String, String)],
    start: Instant,
    patience: Duration,
) -> Result<(), String> {
    loop {
        let events = endpoint.events()?;
        let came: Vec<_> = events.values().map(|(body, _)| (text(body, "event"), text(body, "resource_id"))).collect();
        let count =
            |of: &[(String, String)], event: &(String, String)| of.iter().filter(|other| *other == event).count();
        let missing: Vec<_> = expected.iter().filter(|event| count(&came, event) < count(expected, event)).collect();
        if missing.is_empty() {
            let twice = events.values().filter(|(_, times)| *times > 1).count();
            println!(
                "\nThe webhook received {} events, {twice} of them more than once; every signature is valid:",
                events.len()
            );
            let mut counts = BTreeMap::<_, usize>::new();
            for (event, _) in &came {
                *counts.entry(event).or_default() += 1;
            }
            for (event, count) in counts {
                println!("  {count:>3}  {event}");
            }
            return Ok(());
        }
        if start.elapsed() > patience {
            return Err(format!("events missing after {} s: {missing:?}", patience.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A process's progress, on one line.
fn progress(process: &Value) -> String {
    let line = format!("{:<12} {}", text(process, "status"), kept::in_words(process));
    match certificate(process).as_str() {
        "none" => line,
        state => format!("{line}, certificate {state}"),
    }
}

/// Waits until all links have expired.
async fn wait_until_expired(api: &Api, mut links: Vec<&str>, start: Instant) -> Result<(), String> {
    while let Some(link) = links.last() {
        if api.status(link).await? != 200 {
            links.pop();
        } else if start.elapsed() > LONG_TIMEOUT {
            return Err("the providers' links have not expired".to_owned());
        } else {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
    Ok(())
}

fn certificate(process: &Value) -> String {
    text(&process["certificate"], "state")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
