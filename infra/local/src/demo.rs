//! `cargo local demo`: verifications from creation to kept pictures, played through public HTTP only.
//!
//! It ends well only if every process ended as its script says, every picture the provider showed is in our bucket
//! byte for byte, the provider's links to them are dead, and ours open.

mod api;
mod table;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use cotejo::platform::Seams;
use cotejo_sandbox::Times;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    cli::Arguments,
    options::{Mode, Options},
    runtime::Local,
};
use api::Api;

/// The scripts that are played, what they are, and how they must end.
const SCRIPTS: [(&str, &str, &str); 4] = [
    ("approved", "a good first attempt", "approved"),
    ("second-attempt", "a bad attempt, then a good one", "approved"),
    ("blocked-validated", "three bad attempts, a reviewer approves", "approved"),
    ("rejected", "three bad attempts, a reviewer refuses", "rejected"),
];

/// How long everything may take in the sandbox.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it may take at a provider of the environment, where people and links take the time they take.
const LONG_PATIENCE: Duration = Duration::from_secs(20 * 60);

/// States that a process leaves no more.
const TERMINAL: [&str; 5] = ["approved", "rejected", "expired", "cancelled", "failed"];

/// The body that creates a process which goes as `script` says, on one line.
#[must_use]
pub fn example(script: &str) -> String {
    json!({
        "provider": "auco",
        "person": {"name": "Ana Torres Rojas", "phone": "+573001234567", "email": "ana@example.com"},
        "document": {"country": "CO", "type": "CC", "number": "1020304050"},
        "options": {"platform": "whatsapp", "email": "creator@example.com", "custom": {"sandbox": script}},
    })
    .to_string()
}

/// One process of the demo.
struct Played {
    script: &'static str,
    expected: &'static str,
    id: String,
    process: Value,
    pictures: Vec<Picture>,
}

/// One picture, as the provider showed it and as we keep it.
struct Picture {
    kind: String,
    attempt: u64,
    bytes: usize,
    /// Of what the provider's link gave while it lived.
    sha256: String,
    provider_link: String,
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
    println!("\nCreating {} verifications at Auco (POST /processes):", SCRIPTS.len());
    let mut all = Vec::new();
    for (script, meaning, expected) in SCRIPTS {
        let process = api.create(&example(script)).await?;
        let id = text(&process, "id");
        println!("  {}  {script:<18} {meaning}", short(&id));
        all.push(Played { script, expected, id, process, pictures: Vec::new() });
    }

    println!("\nThe people act, the provider calls back, the pictures are copied:");
    let patience = if local.has_own_sandbox() { PATIENCE } else { LONG_PATIENCE };
    follow(&api, &mut all, start, patience).await?;

    for played in &mut all {
        played.pictures = pictures(&api, played).await?;
    }
    println!("\nThe provider's links open now. Waiting for their end …");
    let links = all.iter().flat_map(|played| &played.pictures).map(|picture| picture.provider_link.as_str());
    if local.has_own_sandbox() {
        tokio::time::sleep(link_life + Duration::from_secs(1)).await;
    } else {
        outlive(&api, links.collect(), start).await?;
    }
    for played in &mut all {
        for picture in &mut played.pictures {
            picture.provider_answers = api.status(&picture.provider_link).await?;
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
            let process = api.process(&played.id).await?;
            let line = |process: &Value| {
                let stored = stored(process).count();
                format!("{:<12} {stored:>2} pictures kept", text(process, "status"))
            };
            if line(&process) != line(&played.process) {
                let seconds = start.elapsed().as_secs_f64();
                println!("  {seconds:>5.1} s  {}  {:<18} {}", short(&played.id), played.script, line(&process));
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
async fn pictures(api: &Api, played: &Played) -> Result<Vec<Picture>, String> {
    let answer = api.ask_provider(&text(&played.process, "provider_reference")).await?;
    let mut pictures = Vec::new();
    for (attempt, number) in answer["attempts"].as_array().into_iter().flatten().zip(1..) {
        for (theirs, ours) in [
            ("identificationCardFront", "document_front"),
            ("identificationCardBack", "document_back"),
            ("photo", "selfie"),
        ] {
            let Some(link) = attempt[theirs].as_str() else { continue };
            let bytes = api.download(link).await?;
            let evidence = stored(&played.process).find(|evidence| {
                evidence["kind"] == ours && evidence["attempt"] == number && evidence["sha256"] == hash(&bytes).as_str()
            });
            pictures.push(Picture {
                kind: ours.to_owned(),
                attempt: number,
                bytes: bytes.len(),
                sha256: hash(&bytes),
                provider_link: link.to_owned(),
                evidence_id: evidence.map(|evidence| text(evidence, "id")),
                provider_answers: 0,
                ours_opens: false,
            });
        }
    }
    Ok(pictures)
}

fn wrong(local: &Local, all: &[Played]) -> Vec<String> {
    let mut wrong = Vec::new();
    for played in all {
        let name = format!("{} ({})", short(&played.id), played.script);
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
            let name = format!("{name}, {} of attempt {}", picture.kind, picture.attempt);
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
    let theirs = BTreeMap::from([
        ("document_front", "identificationCardFront"),
        ("document_back", "identificationCardBack"),
        ("selfie", "photo"),
    ]);
    let attempt = usize::try_from(picture.attempt - 1).unwrap_or_default();
    let kind = theirs.get(picture.kind.as_str()).copied().unwrap_or_default();
    let drawn = local.sandbox().picture(&text(&played.process, "provider_reference"), attempt, kind);
    drawn.map_or(!local.has_own_sandbox(), |drawn| hash(&drawn) == picture.sha256)
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
