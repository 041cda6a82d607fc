//! A tenant's retention, and the legal hold that stops it.

use cotejo_tests::{World, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn retaining(days: u32) -> World {
    let world = World::new().await;
    world.local.retain("local", days).await.unwrap();
    world
}

async fn is_redacted(world: &World, id: &str) -> bool {
    world.customer.process(id).await["redacted_at"].is_string()
}

#[tokio::test]
async fn what_is_over_is_redacted_when_its_time_has_come() {
    let world = retaining(30).await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    let open = world.customer.create(&order("never")).await.id();
    world.pass(DAY * 29).await;
    assert!(!is_redacted(&world, id).await);
    world.pass(DAY * 2).await;
    let redacted = world.customer.process(id).await;
    assert_eq!((&redacted["status"], &redacted["person"]), (&json!("approved"), &Value::Null));
    let entries = redacted["timeline"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["event"] == "redacted").unwrap();
    assert_eq!(entry["detail"], Value::Null, "nobody asked for it");
    assert!(!is_redacted(&world, &open).await, "a retention begins when a process has ended");
    world.pass(SignedDuration::from_mins(21)).await;
    assert!(world.objects(&format!("local/{id}/")).await.is_empty());
}

#[tokio::test]
async fn a_legal_hold_stops_redaction_whoever_wants_it() {
    let world = retaining(30).await;
    let until = world.now() + DAY * 60;
    let mut held = order("approved");
    held["legal_hold_until"] = json!(until);
    let id = world.customer.create(&held).await.id();
    world.finish(&id, 1).await;
    let (path, hold) = (format!("/processes/{id}/redact"), format!("/processes/{id}/legal-hold"));
    let refused = world.customer.post(&path, &json!({})).await;
    assert_eq!((refused.status, refused.error_code()), (409, "on_legal_hold"));
    assert!(refused.body["error"].as_str().unwrap().contains(&until.to_string()));
    world.pass(DAY * 40).await;
    assert!(!is_redacted(&world, &id).await);

    for (body, field) in [
        (json!({}), "until"),
        (json!({"until": "yesterday"}), "until"),
        (json!({"until": "2026-01-01T00:00:00Z"}), "until"),
        (json!({"until": null, "why": "x"}), "why"),
    ] {
        let answer = world.customer.put(&hold, &body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{body}");
    }
    let longer = until + DAY * 10;
    let answer = world.customer.put(&hold, &json!({"until": longer})).await;
    assert_eq!(answer.result()["legal_hold_until"], json!(longer));
    world.local.pump().await;
    world.pass(DAY * 25).await;
    assert!(!is_redacted(&world, &id).await);
    let answer = world.customer.put(&hold, &json!({"until": null})).await;
    assert_eq!(answer.result()["legal_hold_until"], Value::Null);
    // Nothing holds it any more, and its retention was over long ago.
    world.local.pump().await;
    assert!(is_redacted(&world, &id).await);
    assert_eq!(world.customer.post(&path, &json!({})).await.status, 200);
}
