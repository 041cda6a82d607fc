//! `cargo local demo`: verifications from creation to kept pictures, played through public HTTP only.
//!
//! It ends well only if every process ended as its script says, every picture the provider showed is in our bucket
//! byte for byte, the provider's links to them are dead, and ours open.

mod api;
mod companies;
mod table;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use cotejo::platform::Seams;
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
use companies::{Company, Shown};

/// The scripts that are played and where, what they are, and how they must end.
const SCRIPTS: [(Company, &str, &str, &str); 5] = [
    (Company::Auco, "approved", "a good first attempt", "approved"),
    (Company::Auco, "second-attempt", "a bad attempt, then a good one", "approved"),
    (Company::Auco, "blocked-validated", "three bad attempts, a reviewer approves", "approved"),
    (Company::Auco, "rejected", "three bad attempts, a reviewer refuses", "rejected"),
    (Company::Tecalis, "approved", "proof of life, then the document", "approved"),
];

/// How long everything may take in the sandbox.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it may take at a provider of the environment, where people and links take the time they take.
const LONG_PATIENCE: Duration = Duration::from_secs(20 * 60);

/// States that a process leaves no more.
const TERMINAL: [&str; 5] = ["approved", "rejected", "expired", "cancelled", "failed"];

/// A body that creates a process which goes well, on one line.
#[must_use]
pub fn example() -> String {
    companies::auco_order("approved").to_string()
}

/// One process of the demo.
struct Played {
    company: Company,
    script: &'static str,
    expected: &'static str,
    id: String,
    process: Value,
    pictures: Vec<Picture>,
}

/// One picture, as the provider showed it and as we keep it.
struct Picture {
    shown: Shown,
    bytes: usize,
    /// Of what the provider's link gave while it lived.
    sha256: String,
    evidence_id: Option<String>,
    /// What the provider's link answers at the end.
    provider_answers: u16,
    /// Whether our link gave the very same bytes at the end.
    ours_opens: bool,
}

/// Plays the demo.
///
/// # Errors
/// What was not as it must be, in lines for the user.
pub async fn run(arguments: &Arguments, overrides: HashMap<String, String>) -> Result<(), String> {
    let times = Times {
        person_acts_after: SignedDuration::from_secs(2),
        reviewer_acts_after: SignedDuration::from_secs(4),
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
    // What is followed at Tecalis was created there by the customer, which only the sandbox lets us do.
    let scripts = SCRIPTS.into_iter().filter(|script| script.0 == Company::Auco || script.0.is_played(local));
    let scripts: Vec<_> = scripts.collect();
    println!("\nCreating {} verifications (POST /processes):", scripts.len());
    let mut all = Vec::new();
    for (company, script, meaning, expected) in scripts {
        let process = api.create(&company.order(&api, script).await?).await?;
        let id = text(&process, "id");
        println!("  {}  {:<8} {script:<18} {meaning}", short(&id), company.name());
        all.push(Played { company, script, expected, id, process, pictures: Vec::new() });
    }

    println!("\nThe people act, Auco calls back, Tecalis is asked, the pictures are copied:");
    let played_here = Company::Auco.is_played(local);
    let patience = if played_here { PATIENCE } else { LONG_PATIENCE };
    follow(&api, &mut all, start, patience).await?;

    for played in &mut all {
        played.pictures = pictures(&api, local, played).await?;
    }
    println!("\nThe provider's links open now. Waiting for their end …");
    let links = all.iter().flat_map(|played| &played.pictures).map(|picture| picture.shown.link.as_str());
    if played_here {
        tokio::time::sleep(link_life + Duration::from_secs(1)).await;
    } else {
        outlive(&api, links.collect(), start).await?;
    }
    for played in &mut all {
        for picture in &mut played.pictures {
            picture.provider_answers = api.status(&picture.shown.link).await?;
            picture.ours_opens = match &picture.evidence_id {
                Some(evidence) => hash(&api.evidence(&played.id, evidence).await?) == picture.sha256,
                None => false,
            };
        }
    }

    println!();
    println!("{}", table::table(&all));
    let wrong = wrong(local, &all);
    if wrong.is_empty() {
        println!("All as it must be, after {:.0} s.", start.elapsed().as_secs_f64());
        Ok(())
    } else {
        Err(format!("not as it must be:\n  {}", wrong.join("\n  ")))
    }
}

/// Looks every second until all have ended and all pictures are kept, and says what changed.
async fn follow(api: &Api, all: &mut [Played], start: Instant, patience: Duration) -> Result<(), String> {
    loop {
        let mut open = 0;
        for played in all.iter_mut() {
            let open_before = !TERMINAL.contains(&text(&played.process, "status").as_str());
            let process = api.process(&played.id, open_before && !played.company.calls_back()).await?;
            let line = |process: &Value| {
                let stored = stored(process).count();
                format!("{:<12} {stored:>2} pictures kept", text(process, "status"))
            };
            if line(&process) != line(&played.process) {
                let seconds = start.elapsed().as_secs_f64();
                let (id, company) = (short(&played.id), played.company.name());
                println!("  {seconds:>5.1} s  {id}  {company:<8} {:<18} {}", played.script, line(&process));
            }
            let ended = TERMINAL.contains(&text(&process, "status").as_str());
            if !ended || text(&process, "evidence_state") != "complete" {
                open += 1;
            }
            played.process = process;
        }
        if open == 0 {
            return Ok(());
        }
        if start.elapsed() > patience {
            return Err(format!("{open} verifications have not ended after {} s", patience.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until no link opens any more.
async fn outlive(api: &Api, mut links: Vec<&str>, start: Instant) -> Result<(), String> {
    while let Some(link) = links.last() {
        if api.status(link).await? != 200 {
            links.pop();
        } else if start.elapsed() > LONG_PATIENCE {
            return Err("the provider's links still open".to_owned());
        } else {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
    Ok(())
}

/// Asks the provider for its pictures and opens every link while it lives.
async fn pictures(api: &Api, local: &Local, played: &Played) -> Result<Vec<Picture>, String> {
    let reference = text(&played.process, "provider_reference");
    let mut pictures = Vec::new();
    for shown in played.company.pictures(api, local, &reference).await? {
        let bytes = api.download(&shown.link).await?;
        let sha256 = hash(&bytes);
        let evidence = stored(&played.process)
            .find(|evidence| evidence["kind"] == shown.kind && evidence["sha256"] == sha256.as_str());
        pictures.push(Picture {
            evidence_id: evidence.map(|evidence| text(evidence, "id")),
            bytes: bytes.len(),
            sha256,
            shown,
            provider_answers: 0,
            ours_opens: false,
        });
    }
    Ok(pictures)
}

fn wrong(local: &Local, all: &[Played]) -> Vec<String> {
    let mut wrong = Vec::new();
    for played in all {
        let name = format!("{} ({}, {})", short(&played.id), played.company.name(), played.script);
        let status = text(&played.process, "status");
        if status != played.expected {
            wrong.push(format!("{name} is {status} instead of {}", played.expected));
        }
        if played.pictures.is_empty() {
            wrong.push(format!("{name}: the provider shows no pictures"));
        }
        let kept = stored(&played.process).count();
        if kept != played.pictures.len() {
            wrong.push(format!("{name}: {kept} pictures are kept of {}", played.pictures.len()));
        }
        for picture in &played.pictures {
            let name = format!("{name}, {} {}", picture.shown.kind, picture.shown.number);
            if picture.evidence_id.is_none() {
                wrong.push(format!("{name}: not kept as the provider served it"));
            }
            if picture.provider_answers != 403 {
                wrong.push(format!("{name}: the provider's link answers {}", picture.provider_answers));
            }
            if !picture.ours_opens {
                wrong.push(format!("{name}: our link does not give the same bytes"));
            }
            if !drawn_so(local, played, picture) {
                wrong.push(format!("{name}: the link gave something else than the sandbox drew"));
            }
        }
    }
    wrong
}

/// Whether the picture is what the sandbox drew; a provider of the environment cannot be asked.
fn drawn_so(local: &Local, played: &Played, picture: &Picture) -> bool {
    match &picture.shown.drawn {
        Some(drawn) => *drawn == picture.sha256,
        None => !played.company.is_played(local),
    }
}

/// The pictures of a process that are in our bucket; the provider's raw answer is evidence and no picture.
fn stored(process: &Value) -> impl Iterator<Item = &Value> {
    let evidence = process["evidence"].as_array().into_iter().flatten();
    evidence.filter(|evidence| evidence["kind"] != "provider_response" && evidence["state"] == "stored")
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
