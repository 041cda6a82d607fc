//! Every sample of the people registry's seed, first half, sent here: status, keys in their order and types must be those of its own
//! answer. What differs stands in `docs/registry-seed.md`, each with a reason, and nothing stands there that does not differ.
//!
//! `samples.jsonl` has a line for each operation, in the seed's order: its verb and path (ours, the seed's text lost them), the line
//! of its answer, the request, the status and the answer. Ids in requests are filler and are made those of what there is;
//! nothing else of them changes.

mod shape;
mod stage;
mod table;

use std::collections::BTreeSet;

use cotejo::people::families::FAMILIES;
use cotejo_tests::{Answer, Received, Receiver};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use shape::{Difference, Shape};
use stage::{Stage, amendment};
use table::Row;

const SAMPLES: &str = include_str!("samples.jsonl");
const TABLE: &str = include_str!("../../../docs/registry-seed.md");

/// An operation of the seed's.
#[derive(Deserialize)]
pub struct Sample {
    operation: String,
    request: Option<Box<RawValue>>,
    status: Option<u16>,
    answer: Option<Box<RawValue>>,
}

fn samples() -> Vec<Sample> {
    SAMPLES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How an answer of ours differs from the seed's.
fn differences(sample: &Sample, answer: &Answer, found: &mut BTreeSet<Difference>) {
    let seed_status = sample.status.map_or("not shown".to_owned(), |status| status.to_string());
    let mut status = answer.status.to_string();
    if answer.status >= 400 {
        status = format!("{status} {}", answer.fields().join(", ")).trim().to_owned();
    }
    if seed_status != status {
        found.insert(("status".to_owned(), seed_status, status));
    }
    let Some(seed) = sample.answer.as_ref().filter(|_| answer.status < 400) else { return };
    let (seed, ours) = (Shape::of(seed.get()), Shape::of(&answer.text));
    let result = ours.part("result").unwrap();
    match seed.part("result") {
        None => {
            found.insert(("success".to_owned(), "absent".to_owned(), "boolean".to_owned()));
            seed.compare(result, "result", found);
        }
        Some(Shape::Text(_)) if seed.part("data").is_some() => {
            found.insert(("data".to_owned(), "beside result".to_owned(), "within result".to_owned()));
            seed.without(&["success", "result"]).compare(result, "result", found);
        }
        Some(inner) if inner.part("result").is_some() => {
            found.insert(("result.result".to_owned(), "object".to_owned(), "the result itself".to_owned()));
            inner.part("result").unwrap().compare(result, "result", found);
        }
        Some(_) => seed.compare(&ours, "", found),
    }
}

/// Sends a sample, and, where it is refused, once more as it is amended.
async fn replay(stage: &Stage, sample: &Sample) -> BTreeSet<Difference> {
    let (operation, mut found) = (sample.operation.as_str(), BTreeSet::new());
    stage.prepare(operation).await;
    let answer = stage.send(operation, stage.request(sample, &[])).await;
    differences(sample, &answer, &mut found);
    if answer.status >= 400 {
        let code = format!("{:?}", stage.code(operation));
        let amendment = [amendment(operation), &[("\"006421\"", code.as_str())]].concat();
        let amended = stage.send(operation, stage.request(sample, &amendment)).await;
        assert!(amended.status < 400, "{operation}: {amended:?}");
        differences(sample, &amended, &mut found);
    }
    found
}

/// What is told in the course of the seed's three events of this half, against what it says of them.
async fn told(samples: &[Sample], rows: &mut BTreeSet<Row>) {
    let (mut stage, receiver) = (Stage::bare(samples).await, Receiver::start().await);
    let customer = stage.world.customer.clone();
    let channel = json!({
        "name": "Registry", "type": "webhook", "active": true, "config": {"url": receiver.url()},
        "events": ["person_register", "person_restore", "updated_data_to_person"]
    });
    assert_eq!(customer.post("/notification-channels", &channel).await.status, 201);
    stage.make("people", samples, &[]).await;
    stage.world.local.pump().await;
    stage.make("addresses", samples, &[]).await;
    let person = stage.id("people");
    stage.world.local.pump().await;
    customer.call(reqwest::Method::DELETE, &format!("/people/{person}"), None).await;
    customer.post(&format!("/people/{person}/restore"), &json!({})).await;
    stage.world.local.pump().await;
    let received = receiver.received();
    for sample in samples {
        let Some(event) = sample.operation.strip_prefix("webhook ") else { continue };
        let told: &Received = received.iter().find(|told| told.event() == event).unwrap();
        assert_eq!(told.json()["resource_id"], person, "{event}: the resource is the person");
        let mut found = BTreeSet::new();
        let body = std::str::from_utf8(&told.body).unwrap();
        Shape::of(sample.answer.as_ref().unwrap().get()).compare(&Shape::of(body), "", &mut found);
        rows.extend(found.into_iter().map(|(place, seed, here)| (sample.operation.clone(), place, seed, here)));
    }
}

#[tokio::test]
async fn every_sample_of_the_seed_is_answered_as_there_or_as_the_table_says() {
    let samples = samples();
    assert_eq!(samples.len(), 80, "77 operations and three events");
    let mut rows = BTreeSet::new();
    let full = Stage::full(&samples).await;
    for sample in samples.iter().filter(|sample| !sample.operation.starts_with("webhook")) {
        // What makes a person of the seed's ids, which are one person's.
        let makes = ["POST /people", "POST /people/from-curp", "POST /temporary-people/{id}/person"];
        let found = if makes.contains(&sample.operation.as_str()) {
            replay(&Stage::bare(&samples).await, sample).await
        } else {
            replay(&full, sample).await
        };
        rows.extend(found.into_iter().map(|(place, seed, here)| (sample.operation.clone(), place, seed, here)));
    }
    told(&samples, &mut rows).await;
    let documented = table::read(TABLE);
    let (new, gone) = (rows.difference(&documented), documented.difference(&rows));
    let (new, gone) = (table::written(new), table::written(gone));
    assert!(new.is_empty() && gone.is_empty(), "not in the table:\n{new}\nno longer so:\n{gone}");
}

#[test]
fn what_each_family_needs_stands_in_the_documentation() {
    let document = include_str!("../../../docs/api.md");
    let (_, table) = document.split_once("| list | a new one needs | and may have |").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), FAMILIES.len());
    for family in FAMILIES {
        let named = |required: bool| {
            let fields = family.fields.iter().filter(|field| field.is_given() && field.is_required() == required);
            let names: Vec<_> = fields.map(|field| format!("`{}`", field.name)).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        let row = format!("| `{}` | {} | {} |", family.path, named(true), named(false));
        assert!(rows.contains(&row.as_str()), "{row}");
    }
}
