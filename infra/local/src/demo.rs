//! `cargo local demo`: verifications at every provider from creation to kept evidence, and a person of the registry, played
//! through public HTTP only.
//!
//! It ends well only if every process ended as its script says, with the checks it says; every picture and video that
//! the provider showed or we submitted, and every certificate, is in our bucket byte for byte; the provider's links to
//! them are dead, and ours open; and the customer's systems were told of all of it by webhooks whose signatures fit.

mod api;
mod kept;
mod providers;
mod registry;
mod scripts;
mod table;
mod told;
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
use kept::Piece;
use providers::Provider;
use scripts::{SCRIPTS, Script};
use told::Told;

/// How long everything may take in the sandbox.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long it may take at a provider of the environment, where people and links take the time they take.
const LONG_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// States that a process leaves no more.
const TERMINAL: [&str; 5] = ["approved", "rejected", "expired", "cancelled", "failed"];

/// A body that creates a process which goes well, on one line. Whoever is not played by the sandbox writes to people: there
/// the person is left open.
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

/// Whether [`example`] has to be filled in.
#[must_use]
pub fn has_placeholders(local: &Local) -> bool {
    !Provider::Auco.is_played(local)
}

/// One process of the demo.
struct Played {
    script: &'static Script,
    id: String,
    process: Value,
    pieces: Vec<Piece>,
}

impl Played {
    /// Which it is, in words about trouble.
    fn name(&self) -> String {
        format!("{} ({}, {})", short(&self.id), self.script.provider.name(), self.script.name())
    }
}

/// Plays the demo.
///
/// # Errors
/// What was not as it must be, in lines for the user.
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
    let told = Told::listen(&api).await?;
    let mut all = create(&api, local).await?;
    let mut expected = registry::play(&api).await?;

    println!("\nThe people act, Auco and LINK call back, Tecalis is asked, what they show is copied:");
    let is_all_here = Provider::Auco.is_played(local);
    let patience = if is_all_here { TIMEOUT } else { LONG_TIMEOUT };
    follow(&api, &mut all, start, patience).await?;

    for played in &mut all {
        played.pieces = kept::pieces(&api, local, played).await?;
    }
    expected.extend(all.iter().flat_map(ends));
    hear(&told, &expected, start, patience).await?;
    told.end(&api).await?;
    println!("\nThe providers' links open now. Waiting for their end …");
    if is_all_here {
        tokio::time::sleep(link_life + Duration::from_secs(1)).await;
    } else {
        let links = all.iter().flat_map(|played| &played.pieces).filter_map(Piece::link);
        outlive(&api, links.collect(), start).await?;
    }
    for piece in all.iter_mut().flat_map(|played| &mut played.pieces) {
        piece.look_again(&api).await?;
    }

    println!("\n{}", table::evidence(&all));
    println!("{}", table::failed_checks(&all));
    println!("{}", table::processes(&all));
    let wrong = verdict::wrong(local, &all);
    if wrong.is_empty() {
        println!("All as it must be, after {:.0} s.", start.elapsed().as_secs_f64());
        Ok(())
    } else {
        Err(format!("not as it must be:\n  {}", wrong.join("\n  ")))
    }
}

/// Creates everything that can be played here.
async fn create(api: &Api, local: &Local) -> Result<Vec<Played>, String> {
    println!("\nCreating verifications (POST /processes):");
    let mut all = Vec::new();
    for script in &SCRIPTS {
        let provider = script.provider;
        if !provider.works_elsewhere() && !provider.is_played(local) {
            println!("  (skipped) {:<8} {:<20} only the sandbox has what this needs", provider.name(), script.name());
            continue;
        }
        if provider.reaches_people(local) {
            println!(
                "  (skipped) {:<8} {:<20} it writes to people, and the demo's are made up",
                provider.name(),
                script.name()
            );
            continue;
        }
        let process = api.create(&provider.order(api, local, script).await?).await?;
        let id = text(&process, "id");
        println!("  {}  {:<8} {:<20} {}", short(&id), provider.name(), script.name(), script.meaning);
        all.push(Played { script, id, process, pieces: Vec::new() });
    }
    Ok(all)
}

/// Looks twice a second until all have ended and everything is kept, and says what changed.
async fn follow(api: &Api, all: &mut [Played], start: Instant, patience: Duration) -> Result<(), String> {
    loop {
        let mut open = Vec::new();
        for played in all.iter_mut() {
            let provider = played.script.provider;
            let open_before = !TERMINAL.contains(&text(&played.process, "status").as_str());
            let process = api.process(&played.id, open_before && !provider.calls_back()).await?;
            if progress(&process) != progress(&played.process) {
                let seconds = start.elapsed().as_secs_f64();
                let (id, name) = (short(&played.id), played.script.name());
                println!("  {seconds:>5.1} s  {id}  {:<8} {name:<20} {}", provider.name(), progress(&process));
            }
            let ended = TERMINAL.contains(&text(&process, "status").as_str());
            if !ended || text(&process, "evidence_state") != "complete" || certificate(&process) == "pending" {
                open.push(played.name());
            }
            played.process = process;
        }
        if open.is_empty() {
            return Ok(());
        }
        if start.elapsed() > patience {
            return Err(format!("after {} s not at their end: {}", patience.as_secs(), open.join("; ")));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What the customer's systems must be told of a process that has ended.
fn ends(played: &Played) -> [(String, String); 2] {
    let end = format!("process_{}", text(&played.process, "status"));
    ["process_created".to_owned(), end].map(|event| (event, played.id.clone()))
}

/// Waits until the customer's systems were told of everything that is expected, and says of how much.
async fn hear(told: &Told, expected: &[(String, String)], start: Instant, patience: Duration) -> Result<(), String> {
    loop {
        let events = told.events()?;
        let came: Vec<_> = events.values().map(|(body, _)| (text(body, "event"), text(body, "resource_id"))).collect();
        let count =
            |of: &[(String, String)], event: &(String, String)| of.iter().filter(|other| *other == event).count();
        let missing: Vec<_> = expected.iter().filter(|event| count(&came, event) < count(expected, event)).collect();
        if missing.is_empty() {
            let twice = events.values().filter(|(_, times)| *times > 1).count();
            println!(
                "\nTold at a webhook: {} events, {twice} of them more than once; every signature fits:",
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
            return Err(format!("after {} s not told: {missing:?}", patience.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How far a process is, on one line.
fn progress(process: &Value) -> String {
    let line = format!("{:<12} {}", text(process, "status"), kept::in_words(process));
    match certificate(process).as_str() {
        "none" => line,
        state => format!("{line}, certificate {state}"),
    }
}

/// Waits until no link opens any more.
async fn outlive(api: &Api, mut links: Vec<&str>, start: Instant) -> Result<(), String> {
    while let Some(link) = links.last() {
        if api.status(link).await? != 200 {
            links.pop();
        } else if start.elapsed() > LONG_TIMEOUT {
            return Err("the providers' links still open".to_owned());
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
