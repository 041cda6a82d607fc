//! A customer's own reviewer decides what is in review.

use cotejo::common::Scope;
use cotejo_tests::{Customer, World, order};
use jiff::SignedDuration;
use serde_json::json;

#[tokio::test]
async fn a_reviewer_decides_once_and_it_is_recorded_who() {
    let world = World::new().await;
    let id = world.customer.create(&order("blocked")).await.id();
    let approval = json!({"decision": "approved", "reason": "seen in person"});
    let early = world.customer.decide(&id, &approval).await;
    assert_eq!((early.status, early.error_code()), (409, "not_in_review"));
    world.finish(&id, 1).await;

    let decided = world.customer.decide(&id, &approval).await;
    assert_eq!(decided.status, 200);
    let decided = decided.result();
    assert_eq!((&decided["status"], &decided["status_reason"]), (&json!("approved"), &json!("decided_by_reviewer")));
    insta::assert_json_snapshot!(decided["decision"], {".decided_by.id" => "[key]", ".decided_at" => "[time]"});
    let entry = decided["timeline"].as_array().unwrap().iter().find(|entry| entry["event"] == "decided").unwrap();
    assert_eq!(entry["by"], decided["decision"]["decided_by"]);
    assert_eq!(world.customer.decide(&id, &approval).await.status, 200);
    let other = world.customer.decide(&id, &json!({"decision": "rejected", "reason": "no"})).await;
    assert_eq!((other.status, other.error_code()), (409, "not_in_review"));

    // The provider still waits for its own reviewer, which changes nothing.
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    world.pass(SignedDuration::from_mins(1)).await;
    let process = world.customer.process(&id).await;
    assert_eq!(process["status"], "approved");
    let count = |event: &str| process["timeline"].as_array().unwrap().iter().filter(|e| e["event"] == event).count();
    assert_eq!((count("decided"), count("amended")), (1, 0));
}

#[tokio::test]
async fn a_decision_needs_its_scope_its_fields_and_the_tenant_s_own_process() {
    let world = World::new().await;
    let id = world.customer.create(&order("blocked")).await.id();
    world.finish(&id, 1).await;
    for (body, field) in [
        (json!({"reason": "r"}), "decision"),
        (json!({"decision": "maybe", "reason": "r"}), "decision"),
        (json!({"decision": "approved"}), "reason"),
        (json!({"decision": "approved", "reason": " "}), "reason"),
        (json!({"decision": "approved", "reason": "r", "by": "me"}), "by"),
    ] {
        let answer = world.customer.decide(&id, &body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![field]), "{body}");
    }
    let approval = json!({"decision": "approved", "reason": "r"});
    let stranger = world.local.add_tenant("other").await.unwrap();
    let stranger = Customer::new(world.local.url(), &stranger.api_key);
    assert_eq!(stranger.decide(&id, &approval).await.status, 404);
    let clerk = world.holder("local", "clerk", &[Scope::ProcessesRead, Scope::ProcessesWrite]).await;
    assert_eq!(clerk.decide(&id, &approval).await.status, 403);
    assert_eq!(world.customer.process(&id).await["status"], "in_review");
}
