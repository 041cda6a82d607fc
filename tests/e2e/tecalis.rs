//! Every way an authorization at Tecalis can go, from its process's creation to kept pictures.

use cotejo_sandbox::{FaultKind, Faults};
use cotejo_tests::{World, tecalis_order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Follows a new authorization that goes by `script` to its end.
async fn follow(world: &World, script: &str) -> Value {
    let authorization = world.local.sandbox().tecalis_authorize(script).unwrap();
    let created = world.customer.create(&tecalis_order(&authorization)).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.result()["provider_reference"], authorization.as_str());
    world.finish(&created.id(), 24).await
}

/// Checks that the pictures and the video kept are those of the sandbox, byte for byte, and says of what kinds they are.
async fn check_pictures(world: &World, process: &Value) -> Vec<String> {
    assert_eq!(process["evidence_state"], "complete");
    let drawn = world.local.sandbox().tecalis_pictures(process["provider_reference"].as_str().unwrap());
    let mut drawn: Vec<_> = drawn.into_iter().map(|(_, bytes)| hex::encode(Sha256::digest(bytes))).collect();
    let recorded = world.local.sandbox().tecalis_video(process["provider_reference"].as_str().unwrap());
    drawn.extend(recorded.map(|(_, sha256)| hex::encode(sha256)));
    let (mut kept, mut kinds) = (Vec::new(), Vec::new());
    for piece in process["evidence"].as_array().unwrap().iter().filter(|piece| piece["kind"] != "provider_response") {
        let id = (process["id"].as_str().unwrap(), piece["id"].as_str().unwrap());
        let link = world.customer.get(&format!("/processes/{}/evidence/{}", id.0, id.1)).await;
        let (status, bytes) = world.customer.open(link.result()["url"].as_str().unwrap()).await;
        assert_eq!(status, 200);
        kept.push(hex::encode(Sha256::digest(bytes)));
        kinds.push(piece["kind"].as_str().unwrap().to_owned());
    }
    drawn.sort();
    kept.sort();
    kinds.sort();
    assert_eq!(kept, drawn);
    kinds
}

fn events(process: &Value) -> Vec<&str> {
    let timeline = process["timeline"].as_array().unwrap().iter();
    timeline.map(|entry| entry["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_approval_is_kept_with_all_its_pictures() {
    let world = World::new().await;
    for script in ["approved", "approved,array"] {
        let process = follow(&world, script).await;
        assert_eq!((&process["status"], &process["status_reason"]), (&json!("approved"), &Value::Null), "{script}");
        assert_eq!(
            check_pictures(&world, &process).await,
            ["document_back", "document_front", "frame", "frame", "frame", "frame", "selfie", "video"],
            "{script}"
        );
        let findings = &process["findings"];
        assert_eq!(findings["extracted"]["document_number"], "99999999R");
        assert_eq!(findings["extracted"]["expiry_date"], "2031-06-02");
        assert_eq!(findings["face"], json!({"similarity": null, "liveness": "passed"}));
    }
}

#[tokio::test]
async fn a_rejection_has_its_reason_and_its_pictures() {
    let world = World::new().await;
    let process = follow(&world, "rejected").await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("rejected"), &json!("mrz_validate")));
    assert_eq!(check_pictures(&world, &process).await.len(), 8);
}

#[tokio::test]
async fn a_cancelled_authorization_keeps_what_was_taken_before() {
    let world = World::new().await;
    let process = follow(&world, "cancelled").await;
    assert_eq!(process["status"], "cancelled");
    assert_eq!(check_pictures(&world, &process).await, ["frame", "frame", "selfie", "video"]);
}

#[tokio::test]
async fn an_override_by_hand_amends_the_result() {
    let world = World::new().await;
    let process = follow(&world, "approved-then-cancelled").await;
    assert_eq!(process["status"], "approved");
    let path = format!("/processes/{}", process["id"].as_str().unwrap());
    world.pass(SignedDuration::from_mins(10)).await;
    world.customer.get(&format!("{path}?refresh=true")).await;
    world.local.pump().await;
    let amended = world.customer.get(&path).await.result().clone();
    assert_eq!(amended["status"], "cancelled");
    assert_eq!(events(&amended).last(), Some(&"amended"));
    assert_eq!(check_pictures(&world, &amended).await.len(), 8);
}

#[tokio::test]
async fn a_callback_is_a_reason_to_ask_and_no_more() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("rejected").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    world.local.pump().await;
    let path = world.webhook_path("tecalis").await;
    let post = |body: Value| world.customer.send(Method::POST, &path, &[], Some(body.to_string()));
    let callback = json!({"auth": authorization, "process_status": "OK"});
    assert_eq!(post(callback.clone()).await.status, 200);
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["status"], "in_progress");
    world.clock.advance(SignedDuration::from_mins(1));
    world.local.sandbox().tick().await;
    assert_eq!(post(callback).await.status, 200);
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["status"], "rejected");
    assert_eq!(post(json!({"process_status": "OK"})).await.status, 400);
}

#[tokio::test]
async fn what_the_key_does_not_open_is_refused_at_once() {
    let world = World::new().await;
    let answer = world.customer.create(&tecalis_order("019cbdb7-58b4-712f-886f-341bc0e39c51")).await;
    assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"));
    let answer = world.customer.create(&tecalis_order("not-a-uuid")).await;
    assert_eq!((answer.status, &answer.body["fields"][0]["field"]), (422, &json!("options.auth_uuid")));
}

#[tokio::test]
async fn an_authorization_is_followed_by_one_process() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("approved").unwrap();
    let first = world.customer.create(&tecalis_order(&authorization)).await;
    let second = world.customer.create(&tecalis_order(&authorization.to_uppercase())).await;
    assert_eq!((second.status, second.error_code()), (422, "refused_by_provider"));
    assert!(second.body["error"].as_str().unwrap().contains("reference_in_use"));
    assert_eq!(world.finish(&first.id(), 1).await["status"], "approved");

    // The same where the second could only be submitted later.
    let faults = |rate| Faults { rate, kinds: vec![FaultKind::ServerError] };
    world.local.sandbox().set_faults(faults(1.0));
    let late = world.customer.create(&tecalis_order(&authorization)).await;
    assert_eq!((late.status, &late.result()["status"]), (202, &json!("submitting")));
    world.local.sandbox().set_faults(faults(0.0));
    let late = world.finish(&late.id(), 2).await;
    assert_eq!((&late["status"], &late["status_reason"]), (&json!("failed"), &json!("refused_by_provider")));
}

#[tokio::test]
async fn trouble_at_tecalis_only_costs_time() {
    let world = World::new().await;
    // The first question is the one at creation, so this one is confirmed only later.
    let authorization = world.local.sandbox().tecalis_authorize("approved,query-5xx:4").unwrap();
    let created = world.customer.create(&tecalis_order(&authorization)).await;
    assert_eq!((created.status, &created.result()["status"]), (202, &json!("submitting")));
    let process = world.finish(&created.id(), 24).await;
    assert_eq!((&process["status"], &process["provider_reference"]), (&json!("approved"), &json!(authorization)));
    assert_eq!(check_pictures(&world, &process).await.len(), 8);

    let process = follow(&world, "approved,cut-off:2,gone:1").await;
    assert_eq!(process["status"], "approved");
    assert_eq!(check_pictures(&world, &process).await.len(), 8);
}

#[tokio::test]
async fn an_authorization_nobody_uses_stays_open_until_the_deadline() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("never").unwrap();
    let mut order = tecalis_order(&authorization);
    order["expires_at"] = json!(world.now() + SignedDuration::from_hours(2));
    let id = world.customer.create(&order).await.id();
    world.pass(SignedDuration::from_mins(119)).await;
    assert_eq!(world.customer.process(&id).await["status"], "in_progress");
    let process = world.finish(&id, 2).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("expired"), &json!("deadline_passed")));
}
