//! What must hold whatever was disturbed, one function each.

use std::collections::{BTreeMap, BTreeSet};

use cotejo_tests::Written;
use serde_json::Value;

use super::{
    seen::{Seen, hash},
    workflows::{CANARY, Workflow},
};

/// An invariant: its name, and what is broken about it.
pub type Invariant = (&'static str, fn(&Workflow, &Seen) -> Result<(), String>);

pub const INVARIANTS: &[Invariant] = &[
    ("every process ends right", ends_right),
    ("the evidence is complete", evidence_is_complete),
    ("each picture is kept once, as it was", pictures_are_kept),
    ("a certificate is kept once, as it was made", certificates_are_kept),
    ("one request makes one process at the provider", nothing_is_submitted_twice),
    ("a reference is one process's", references_are_unique),
    ("an event's id is of one event", events_are_unique),
    ("every event is handed on", events_are_handed_on),
    ("every event is told, under one id and in one way", events_are_told),
    ("a process ends once", ends_once),
    ("a callback that was taken is in the timeline", callbacks_are_kept),
    ("nothing is left to be done", nothing_is_left),
    ("nothing is readable with another tenant's key", nobody_else_reads),
    ("nothing of the redacted is left", redacted_is_gone),
];

fn ends_right(workflow: &Workflow, seen: &Seen) -> Result<(), String> {
    let (there, lost): (Vec<_>, Vec<_>) = seen.processes.iter().partition(|process| seen.is_there(workflow, process));
    for process in &lost {
        let end = (&process["status"], &process["status_reason"]);
        if end != (&"failed".into(), &"submission_unknown".into()) && process["redacted_at"].is_null() {
            return Err(format!("never submitted, and {} ({})", end.0, end.1));
        }
    }
    let mut ends: Vec<_> = there.iter().map(|process| process["status"].as_str().unwrap()).collect();
    ends.sort_unstable();
    let right = |(end, right): (&&str, &&str)| right.split('|').any(|right| right == *end);
    // What was never stored is not at the provider either, and what was lost is accounted for.
    let missing = workflow.ends.len().saturating_sub(lost.len());
    let nobody = seen.processes.is_empty() && seen.at_auco.is_empty() && seen.at_link.is_empty();
    let all = ends.len() == missing || nobody;
    if all && ends.iter().zip(workflow.ends).all(right) { Ok(()) } else { Err(format!("{ends:?}")) }
}

fn evidence_is_complete(_: &Workflow, seen: &Seen) -> Result<(), String> {
    // The words of a refusal are had once, and the bucket may not take them; then the process says so.
    let is_lost_refusal = |process: &Value| {
        let mut lost = process["evidence"].as_array().unwrap().iter().filter(|piece| piece["state"] != "stored");
        process["status"] == "failed"
            && lost.all(|piece| piece["kind"] == "provider_response" && piece["reason"] == "store_unavailable")
    };
    each(&seen.processes, |process| match process["evidence_state"].as_str() {
        Some("complete") => Ok(()),
        Some("incomplete") if is_lost_refusal(process) => Ok(()),
        _ if !process["redacted_at"].is_null() => Ok(()),
        state => Err(format!("{state:?}")),
    })
}

fn pictures_are_kept(_: &Workflow, seen: &Seen) -> Result<(), String> {
    each(&seen.processes, |process| {
        if !process["redacted_at"].is_null() || process["status"] == "failed" {
            return Ok(());
        }
        let mut kept: Vec<_> = seen.objects_of(process, "evidence/").map(|object| hash(&object.content)).collect();
        let mut originals = seen.originals[process["id"].as_str().unwrap()].clone();
        kept.sort();
        originals.sort();
        same(kept.len(), originals.len(), "pictures")?;
        if kept == originals { Ok(()) } else { Err("a copy differs from its original".to_owned()) }
    })
}

fn certificates_are_kept(workflow: &Workflow, seen: &Seen) -> Result<(), String> {
    each(&seen.processes, |process| {
        if !workflow.certified {
            return Ok(());
        }
        let kept: Vec<_> = seen.objects_of(process, "certificate-").collect();
        same(kept.len(), 1, "certificates")?;
        let made = seen.certificates.get(process["id"].as_str().unwrap());
        let right = process["certificate"]["state"] == "stored" && made.is_some_and(|made| *made == kept[0].content);
        if right { Ok(()) } else { Err(format!("{}", process["certificate"]["state"])) }
    })
}

fn nothing_is_submitted_twice(_: &Workflow, seen: &Seen) -> Result<(), String> {
    let at_auco: BTreeSet<_> = seen.at_auco.iter().map(|there| there.custom["cotejo_id"].to_string()).collect();
    same(seen.at_auco.len(), at_auco.len(), "processes at Auco")?;
    for process in &seen.processes {
        let id = process["id"].as_str().unwrap();
        // By machine and, after a warning, by people.
        let rounds = seen.at_link.iter().filter(|there| there.id == id).count();
        if rounds > 1 {
            return Err(format!("{rounds} requests at LINK"));
        }
    }
    let manual = seen.at_link.iter().filter(|there| there.manual).count();
    if manual > 1 { Err(format!("{manual} requests to LINK's people")) } else { Ok(()) }
}

fn references_are_unique(_: &Workflow, seen: &Seen) -> Result<(), String> {
    let mut owners = BTreeMap::new();
    for process in seen.processes.iter().filter(|process| process["provider_reference"].is_string()) {
        let reference = (process["provider"].to_string(), process["provider_reference"].to_string());
        if owners.insert(reference, process["id"].to_string()).is_some() {
            return Err("two processes have one reference".to_owned());
        }
    }
    for guard in seen.items.iter().filter(|item| item["kind"] == "reference") {
        let of = |process: &&Value| process["id"] == guard["process_id"] && process["provider_reference"].is_string();
        if seen.processes.iter().find(of).is_none() {
            return Err("a reference belongs to a process that does not go by it".to_owned());
        }
    }
    Ok(())
}

fn events_are_unique(_: &Workflow, seen: &Seen) -> Result<(), String> {
    let mut events = BTreeMap::new();
    for (_, _, id, event) in events_of(seen) {
        if events.insert(id, event).is_some_and(|earlier| earlier != event) {
            return Err("one id was given to two events".to_owned());
        }
    }
    Ok(())
}

/// Whoever empties an outbox has handed on what was in the item as it was loaded. An event that is only in later ones is
/// handed on by a later emptying, or by nobody.
fn events_are_handed_on(_: &Workflow, seen: &Seen) -> Result<(), String> {
    let (mut first_in, mut handed_on) = (BTreeMap::new(), BTreeMap::<_, u64>::new());
    for (pk, version, id, _) in events_of(seen) {
        let first = first_in.entry((pk, id)).or_insert(version);
        *first = version.min(*first);
    }
    for written in &seen.written {
        if let Written::HandedOn { pk, loaded } = written {
            let latest = handed_on.entry(pk.as_str()).or_default();
            *latest = (*loaded).max(*latest);
        }
    }
    let lost = first_in.iter().filter(|((pk, _), version)| handed_on.get(pk).is_none_or(|latest| latest < *version));
    same(lost.count(), 0, "events lost")
}

fn events_are_told(workflow: &Workflow, seen: &Seen) -> Result<(), String> {
    let mut told = BTreeMap::<&str, BTreeSet<&[u8]>>::new();
    for received in &seen.told {
        told.entry(received.id()).or_default().insert(&received.body);
    }
    let happened: BTreeSet<&str> = events_of(seen).map(|(_, _, id, _)| id).collect();
    let untold = happened.iter().filter(|id| workflow.told && !told.contains_key(*id)).count();
    same(untold, 0, "events that nobody was told of")?;
    same(told.keys().filter(|id| !happened.contains(*id)).count(), 0, "ids of no event")?;
    same(told.values().filter(|bodies| bodies.len() > 1).count(), 0, "events told in several ways")
}

/// Of every event in every item that was written: the item and its version, the event and its id.
fn events_of(seen: &Seen) -> impl Iterator<Item = (&str, u64, &str, &Value)> {
    let items = seen.written.iter().filter_map(|written| match written {
        Written::Item(item) => Some(item),
        Written::HandedOn { .. } => None,
    });
    items.flat_map(|item| {
        let pk = item["pk"]["S"].as_str().unwrap_or_default();
        let version = item["version"]["N"].as_str().and_then(|version| version.parse().ok()).unwrap_or_default();
        let events = item["outbox"]["M"].as_object().into_iter().flatten();
        events.map(move |(id, event)| (pk, version, id.as_str(), event))
    })
}

fn ends_once(_: &Workflow, seen: &Seen) -> Result<(), String> {
    each(&seen.processes, |process| {
        let ends = ["approved", "rejected", "failed", "cancelled", "expired"];
        let end = |entry: &&Value| {
            let detail = entry["detail"].as_str().unwrap_or_default();
            entry["event"] == "status_changed" && ends.iter().any(|end| detail.ends_with(&format!("-> {end}")))
        };
        let entries = process["timeline"].as_array().unwrap();
        let reopened = entries.iter().filter(|entry| entry["event"] == "amended").count();
        let ended = entries.iter().filter(end).count();
        if ended <= 1 + reopened { Ok(()) } else { Err(format!("{ended} ends")) }
    })
}

fn callbacks_are_kept(workflow: &Workflow, seen: &Seen) -> Result<(), String> {
    each(&seen.processes, |process| {
        if !seen.is_there(workflow, process) || !process["redacted_at"].is_null() {
            return Ok(());
        }
        let is_callback = |entry: &&Value| {
            ["callback_received", "callback_unreadable"].contains(&entry["event"].as_str().unwrap_or_default())
        };
        let callbacks = process["timeline"].as_array().unwrap().iter().filter(is_callback).count();
        if callbacks >= workflow.callbacks { Ok(()) } else { Err(format!("{callbacks} of {}", workflow.callbacks)) }
    })
}

fn nothing_is_left(_: &Workflow, seen: &Seen) -> Result<(), String> {
    for item in &seen.items {
        if item["kind"] == "long_copy" {
            return Err("a long copy waits".to_owned());
        }
        for waits in ["wake_token", "outbox_token", "due_at", "due_shard"] {
            if !item[waits].is_null() {
                return Err(format!("{} is still there", waits));
            }
        }
        for waits in ["inbox", "outbox"] {
            same(item[waits].as_object().map_or(0, serde_json::Map::len), 0, waits)?;
        }
    }
    each(&seen.processes, |process| match &process["certificate"]["state"] {
        state if state == "pending" => Err("a certificate is awaited".to_owned()),
        _ => Ok(()),
    })
}

fn nobody_else_reads(_: &Workflow, seen: &Seen) -> Result<(), String> {
    match seen.answers_to_stranger.iter().find(|status| **status != 404) {
        None => Ok(()),
        Some(status) => Err(format!("{status}")),
    }
}

fn redacted_is_gone(workflow: &Workflow, seen: &Seen) -> Result<(), String> {
    if !workflow.redacted {
        return Ok(());
    }
    // Otherwise what a crash leaves of an upload in parts is the bucket's to remove, by its rule of one day.
    same(seen.unfinished_uploads, 0, "unfinished uploads")?;
    each(&seen.processes, |process| {
        if process["redacted_at"].is_null() {
            return Err("it was not redacted".to_owned());
        }
        same(seen.objects_of(process, "").count(), 0, "objects")
    })?;
    let tells = |item: &Value| item.to_string().contains(CANARY);
    if seen.items.iter().any(tells) { Err("the name is in the table".to_owned()) } else { Ok(()) }
}

fn each(processes: &[Value], check: impl Fn(&Value) -> Result<(), String>) -> Result<(), String> {
    processes.iter().try_for_each(check)
}

fn same(found: usize, right: usize, what: &str) -> Result<(), String> {
    if found == right { Ok(()) } else { Err(format!("{found} {what} instead of {right}")) }
}
