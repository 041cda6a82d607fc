//! Answers in which something has a form that nobody documents: it costs nothing but itself, and everybody can see it.

use std::collections::BTreeSet;

use cotejo_tests::{World, link_order, order, tecalis_order};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::logs::Listening;

/// What the timeline says could not be read, entry by entry.
fn noted(process: &Value) -> Vec<&str> {
    let entries = process["timeline"].as_array().unwrap().iter();
    let entries = entries.filter(|entry| entry["event"] == "answer_unread");
    entries.map(|entry| entry["detail"].as_str().unwrap()).collect()
}

/// How often the metric was written since the last call of this.
fn counted(lines: &Listening) -> usize {
    let lines = lines.take();
    lines.iter().filter(|line| line["emf"].as_str().is_some_and(|emf| emf.contains("\"AnswersUnread\""))).count()
}

async fn refreshed(world: &World, id: &str) -> Value {
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    world.local.pump().await;
    world.customer.process(id).await
}

fn pieces<'a>(process: &'a Value, kind: &str) -> Vec<&'a Value> {
    process["evidence"].as_array().unwrap().iter().filter(|piece| piece["kind"] == kind).collect()
}

#[tokio::test]
async fn an_odd_attempt_at_auco_costs_nothing_but_itself_and_is_seen() {
    let lines = Listening::new();
    let world = World::new().await;
    let process = world.run("rejected,odd").await;
    assert_eq!(process["status"], "rejected");
    let shown = world.local.sandbox().auco_processes();
    assert!(world.check_pictures(&process).await >= 6);
    assert_eq!(shown[0].downloads, world.check_pictures(&process).await as u64, "each picture is fetched once");
    let findings = &process["findings"];
    assert!(findings["face"]["similarity"].as_f64().unwrap() > 1.0, "{findings}");
    assert!(findings["checks"].as_array().unwrap().len() >= 5, "{findings}");
    assert_eq!(noted(&process), ["/attempts/*, /attempts/*/errorMessages/*"]);
    assert_eq!(process["evidence_state"], "incomplete");
    assert!(!pieces(&process, "provider_response").is_empty());
    assert_eq!(counted(&lines), 1);
    // Asked again, nothing is told a second time, and nothing is kept a second time.
    let again = refreshed(&world, process["id"].as_str().unwrap()).await;
    assert_eq!((noted(&again), &again["evidence"]), (noted(&process), &process["evidence"]));
    assert_eq!((counted(&lines), &again["evidence_state"]), (0, &json!("incomplete")));
}

#[tokio::test]
async fn evidence_is_complete_again_once_an_answer_is_read_whole() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved,odd:6")).await.id();
    let process = world.finish(&id, 1).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("incomplete")));
    let mut process = process;
    for _ in 0..6 {
        process = refreshed(&world, &id).await;
    }
    assert_eq!((&process["evidence_state"], noted(&process).len()), (&json!("complete"), 1));
    assert_eq!(world.check_pictures(&process).await, 3);
    // A list may lag behind.
    world.clock.advance(SignedDuration::from_secs(10));
    let listed = world.customer.get("/processes").await;
    assert_eq!(listed.result()["data"][0]["evidence_state"], "complete");
}

#[tokio::test]
async fn attempts_of_one_moment_keep_all_their_pictures() {
    let world = World::new().await;
    let process = world.run("rejected,same-date").await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("rejected"), &json!("complete")));
    let kept = world.check_pictures(&process).await;
    let attempts: BTreeSet<_> = pieces(&process, "selfie").iter().map(|piece| piece["attempt"].as_u64()).collect();
    assert_eq!(attempts, [Some(1), Some(2), Some(3)].into());
    let [shown] = world.local.sandbox().auco_processes().try_into().unwrap();
    assert_eq!(shown.downloads, kept as u64, "each picture is fetched once");
    let objects = world.objects(&format!("local/{}/", process["id"].as_str().unwrap())).await;
    assert_eq!(objects.len(), process["evidence"].as_array().unwrap().len(), "no object that nothing names");
}

async fn follow(world: &World, script: &str) -> Value {
    let authorization = world.local.sandbox().tecalis_authorize(script).unwrap();
    let created = world.customer.create(&tecalis_order(&authorization)).await;
    world.finish(&created.id(), 24).await
}

#[tokio::test]
async fn operations_named_by_their_type_keep_the_proof_of_life() {
    let world = World::new().await;
    let process = follow(&world, "approved,array-by-type").await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("complete")));
    assert_eq!(process["findings"]["face"], json!({"similarity": null, "liveness": "passed"}));
    assert_eq!(noted(&process), [""; 0]);
    let names: Vec<_> = process["findings"]["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    assert!(names.contains(&&json!("ocr")) && names.contains(&&json!("pol")), "{names:?}");
}

#[tokio::test]
async fn a_word_in_a_link_s_place_is_not_fetched_but_seen() {
    let lines = Listening::new();
    let world = World::new().await;
    let process = follow(&world, "approved,odd:10").await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("incomplete")));
    assert_eq!(noted(&process), ["/operations/*/images/*/*"]);
    assert_eq!((pieces(&process, "selfie").len(), pieces(&process, "frame").len()), (0, 4));
    assert_eq!(counted(&lines), 1);
    let asked = |world: &World| world.local.sandbox().tecalis_authorizations()[0].queries;
    let before = asked(&world);
    world.pass_slowly(SignedDuration::from_hours(24)).await;
    assert_eq!(asked(&world), before, "nothing is tried again");
    // Once there is a link, the picture comes.
    let mut process = process;
    for _ in 0..10 {
        process = refreshed(&world, process["id"].as_str().unwrap()).await;
    }
    assert_eq!((&process["evidence_state"], pieces(&process, "selfie").len()), (&json!("complete"), 1));
}

#[tokio::test]
async fn an_authorization_that_is_over_is_applied_as_it_is_created() {
    let world = World::new().await;
    let sandbox = world.local.sandbox();
    let authorizations = ["approved", "rejected", "cancelled"].map(|script| sandbox.tecalis_authorize(script).unwrap());
    world.clock.advance(SignedDuration::from_hours(1));
    sandbox.tick().await;
    for (authorization, (status, pictures)) in
        authorizations.iter().zip([("approved", 8), ("rejected", 8), ("cancelled", 4)])
    {
        let created = world.customer.create(&tecalis_order(authorization)).await;
        assert_eq!((created.status, &created.result()["status"]), (201, &json!(status)));
        assert_eq!(created.result()["evidence_state"], "pending");
        // No time passes: whoever created it has woken whoever copies.
        world.local.pump().await;
        let process = world.customer.process(&created.id()).await;
        assert_eq!((&process["status"], &process["evidence_state"]), (&json!(status), &json!("complete")));
        assert_eq!(process["evidence"].as_array().unwrap().len(), pictures + 1, "{status}: and the answer");
        assert_eq!(process["findings"]["face"]["liveness"], "passed");
    }
    // A list may lag behind.
    world.clock.advance(SignedDuration::from_secs(10));
    let settled = world.customer.get("/processes").await;
    assert_eq!(settled.result()["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_link_says_oddly_costs_nothing_but_itself() {
    let lines = Listening::new();
    let world = World::new().await;
    let created = world.customer.create(&link_order(world.local.sandbox(), "odd", true, &Value::Null)).await;
    let process = created.result();
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("incomplete")));
    let fields = "/idVerification/fields/*";
    assert_eq!(noted(process), [format!("{fields}, {fields}/code, {fields}/value/*")]);
    assert_eq!(process["findings"]["extracted"]["sex"], "F");
    assert_eq!(counted(&lines), 1);
    let manual = json!({"manual": true});
    let created = world.customer.create(&link_order(world.local.sandbox(), "odd", true, &manual)).await;
    let process = world.finish(&created.id(), 24).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("incomplete")));
    let info = "/data/documentInfo";
    let expected = format!("{info}/acceptance/reasons/*, {info}/extractedData/personAttributes/*");
    assert_eq!(noted(&process), [expected]);
    assert_eq!(process["findings"]["extracted"]["names"], "CARMEN");
    assert_eq!(pieces(&process, "provider_response").len(), 2);
}
