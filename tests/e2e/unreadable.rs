//! Callbacks that prove where they come from and cannot be read: each leaves a trace, and those that prove nothing leave none.

use cotejo::providers::{Purpose, callback_token};
use cotejo_tests::{Answer, World, link_order, order, tecalis_order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

async fn post(world: &World, path: &str, body: &str) -> Answer {
    world.customer.send(Method::POST, path, &[], Some(body.to_owned())).await
}

/// Where LINK calls back about a process.
async fn link_path(world: &World, id: &str, purpose: Purpose) -> String {
    let secrets = world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
    let (tenant, process) = ("local".parse().unwrap(), Some(id.parse().unwrap()));
    let token = callback_token::mint(&secrets, "link", &tenant, process, purpose).unwrap();
    format!("/callbacks/link/{token}")
}

async fn manual(world: &World, face: bool) -> String {
    let order = link_order(world.local.sandbox(), "ok,no-callback", face, &json!({"manual": true}));
    world.customer.create(&order).await.id()
}

fn details<'a>(process: &'a Value, event: &str) -> Vec<&'a str> {
    let entries = process["timeline"].as_array().unwrap().iter().filter(|entry| entry["event"] == event);
    entries.map(|entry| entry["detail"].as_str().unwrap_or_default()).collect()
}

/// The last body kept as `provider_response`.
async fn last_said(world: &World, process: &Value) -> Vec<u8> {
    let is_said = |piece: &&Value| piece["kind"] == "provider_response";
    let piece = process["evidence"].as_array().unwrap().iter().rfind(is_said).unwrap();
    let path = format!("/processes/{}/evidence/{}", process["id"].as_str().unwrap(), piece["id"].as_str().unwrap());
    let (status, body) = world.customer.open(world.customer.get(&path).await.result()["url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    body.to_vec()
}

#[tokio::test]
async fn a_verdict_of_link_s_people_in_the_form_of_its_own_samples_counts() {
    let world = World::new().await;
    for (finding, status) in [("MATCH", "approved"), ("NOT_MATCH", "rejected")] {
        let id = manual(&world, true).await;
        // As in the seed: the comma before the liveness is missing.
        let body = format!(
            r#"{{
  "id": "{id}",
  "service": "ManualIDVerification",
  "status": "Completed",
  "data": {{
    "documentInfo": {{
      "acceptance": {{ "result": " ACCEPTED" }},
      "findings": {{ "documentApproval": "APPROVED" }}
    }},
    "faceComparisonInfo": {{
      "acceptance": {{ "result": "ACCEPTED" }},
      "findings": {{
        "faceComparisonApproval": "{finding}"
        "faceLivenessApproval": "LIVE"
      }}
    }}
  }}
}}"#
        );
        let path = link_path(&world, &id, Purpose::Result).await;
        assert_eq!(post(&world, &path, &body).await.result(), &json!({"kept": true}));
        world.local.pump().await;
        let process = world.customer.process(&id).await;
        assert_eq!((&process["status"], details(&process, "callback_unreadable").len()), (&json!(status), 0));
        assert_eq!(last_said(&world, &process).await, body.as_bytes(), "kept as it came");
    }
}

#[tokio::test]
async fn a_callback_of_link_that_cannot_be_read_is_kept_and_told() {
    let world = World::new().await;
    let id = manual(&world, false).await;
    let path = link_path(&world, &id, Purpose::Result).await;
    let verdict = json!({"id": id, "service": "ManualIDVerification", "status": "Completed"});
    let long = format!("{{\"padding\": \"{}\" oops", "x".repeat(40_000));
    let mut unknown_status = verdict.clone();
    unknown_status["status"] = json!("all is well");
    let mut no_id = verdict.clone();
    no_id["id"] = json!("the same as before");
    let bodies = [
        (format!("{{\"id\": \"{id}\" \"status\": \"Completed\"}}"), "id, service and status are needed"),
        ("<html>".to_owned(), "id, service and status are needed"),
        (long, "id, service and status are needed"),
        (unknown_status.to_string(), "status is not a code"),
        (no_id.to_string(), "id is not a UUID"),
    ];
    for (number, (body, why)) in bodies.iter().enumerate() {
        // LINK's own repeat is the same news.
        for _ in 0..2 {
            assert_eq!(post(&world, &path, body).await.result(), &json!({"kept": true}), "{body:.60}");
            world.local.pump().await;
        }
        let process = world.customer.process(&id).await;
        assert_eq!(process["status"], "in_progress");
        assert_eq!(details(&process, "callback_unreadable").get(number), Some(why));
        assert_eq!(details(&process, "callback_unreadable").len(), number + 1);
        assert_eq!(last_said(&world, &process).await, body.as_bytes());
    }
    // What was unreadable does not stand in a good one's way.
    let mut good = verdict.clone();
    good["data"] =
        json!({"documentInfo": {"acceptance": {"result": "ACCEPTED"}, "findings": {"documentApproval": "APPROVED"}}});
    post(&world, &path, &good.to_string()).await;
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["status"], "approved");
    world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await;
    world.local.pump().await;
    assert!(world.objects(&format!("local/{id}/")).await.is_empty(), "redaction removes it");
}

#[tokio::test]
async fn a_callback_of_link_about_another_process_is_noted_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let id = manual(&world, false).await;
    let path = link_path(&world, &id, Purpose::Result).await;
    let other = json!({
        "id": "00000000-0000-4000-8000-000000000000", "service": "ManualIDVerification", "status": "Completed",
        "data": {"documentInfo": {"extractedData": {"name": {"fullName": "Somebody Else"}}}},
    });
    assert_eq!(post(&world, &path, &other.to_string()).await.status, 400);
    world.local.pump().await;
    let process = world.customer.process(&id).await;
    assert_eq!(details(&process, "callback_unreadable"), ["id belongs to another process"]);
    assert!(!world.objects("").await.iter().any(|object| object.tells("Somebody Else")));
    assert!(!world.items().await.iter().any(|item| item.tells("Somebody Else")));
}

#[tokio::test]
async fn a_callback_that_is_too_long_is_refused_and_its_beginning_kept() {
    let world = World::new().await;
    let id = manual(&world, false).await;
    let path = link_path(&world, &id, Purpose::Result).await;
    let body = json!({"id": id, "service": "ManualIDVerification", "status": "Completed", "data": "x".repeat(1 << 20)});
    assert_eq!(post(&world, &path, &body.to_string()).await.status, 413);
    world.local.pump().await;
    let process = world.customer.process(&id).await;
    assert_eq!(details(&process, "callback_unreadable"), ["it is too long"]);
    assert_eq!(last_said(&world, &process).await, &body.to_string().as_bytes()[..65_536]);
}

#[tokio::test]
async fn a_webhook_of_auco_that_cannot_be_read_is_a_reason_to_ask() {
    let world = World::new().await;
    for (number, named_by_id) in [true, false, true].into_iter().enumerate() {
        let created = world.customer.create(&order("approved,no-callback")).await;
        world.local.pump().await;
        world.clock.advance(SignedDuration::from_secs(31));
        world.local.sandbox().tick().await;
        let (id, code) = (created.id(), created.result()["provider_reference"].as_str().unwrap().to_owned());
        let body = match number {
            2 => format!("status=APPROVED&custom[cotejo_id]={id}"),
            _ if named_by_id => json!({"status": "APPROVED", "custom": {"cotejo_id": id}}).to_string(),
            _ => format!("{{\"code\": \"{code}\" \"status\": \"APPROVED\"}}"),
        };
        assert_eq!(
            post(&world, &world.webhook_path("auco").await, &body).await.result(),
            &json!({"kept": true}),
            "{body}"
        );
        world.local.pump().await;
        let process = world.customer.process(&id).await;
        assert_eq!((&process["status"], details(&process, "callback_unreadable").len()), (&json!("approved"), 1));
        assert_eq!(details(&process, "callback_received").len(), 0);
        assert!(
            world.objects(&format!("local/{id}/raw/")).await.iter().any(|object| object.content == body.as_bytes())
        );
    }
    // One that names nobody is asked for again.
    for body in ["", "<html>", "{}", "code=NOBODYSPROCESS00"] {
        let answer = post(&world, &world.webhook_path("auco").await, body).await;
        assert_eq!((answer.status, answer.error_code()), (400, "unreadable_request"), "{body}");
    }
}

#[tokio::test]
async fn a_callback_of_tecalis_may_have_any_form_that_names_the_authorization() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("rejected").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.local.sandbox().tick().await;
    let body = format!("event=finished&authorization={}", authorization.to_uppercase());
    assert_eq!(post(&world, &world.webhook_path("tecalis").await, &body).await.result(), &json!({"kept": true}));
    world.local.pump().await;
    let process = world.customer.process(&id).await;
    assert_eq!(
        (&process["status"], details(&process, "callback_unreadable")),
        (&json!("rejected"), vec!["JSON is needed"])
    );
}

#[tokio::test]
async fn what_does_not_prove_where_it_comes_from_leaves_nothing() {
    let world = World::new().await;
    let canary = "Canaria Delatora";
    let created = world.customer.create(&order("never")).await;
    let code = created.result()["provider_reference"].as_str().unwrap();
    let mut account = json!({"public_key": "puk", "private_key": "prk", "creator_email": "a@example.com"});
    account["webhook_header"] = json!({"name": "x-auco", "value": "right"});
    world.local.set_account("local", "auco", account).unwrap();
    let manual = manual(&world, false).await;
    let keys = json!({"user": "u", "password": "p", "callback_addresses": ["203.0.113.7"]});
    world.local.set_account("local", "link", keys).unwrap();

    let (auco, path) = (world.webhook_path("auco").await, link_path(&world, &manual, Purpose::Result).await);
    let body = format!("{canary} {code} {} {manual}", created.id());
    for path in [auco.clone(), path.clone(), format!("{path}x"), "/callbacks/tecalis/x".to_owned()] {
        let answer = post(&world, &path, &body).await;
        assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"), "{path}");
    }
    let headers = [("x-auco", "wrong")];
    let answer = world.customer.send(Method::POST, &auco, &headers, Some(body)).await;
    assert_eq!(answer.status, 401);
    world.local.pump().await;
    for id in [created.id(), manual] {
        let process = world.customer.process(&id).await;
        assert_eq!(details(&process, "callback_unreadable").len(), 0);
    }
    assert!(!world.objects("").await.iter().any(|object| object.tells(canary)));
    assert!(!world.items().await.iter().any(|item| item.tells(canary)));
}

#[tokio::test]
async fn a_rejection_after_an_approval_has_the_reason_that_its_webhook_names() {
    let world = World::new().await;
    let process = world.run("approved-invalidated").await;
    assert_eq!(process["status"], "approved");
    let id = process["id"].as_str().unwrap();
    world.pass(SignedDuration::from_mins(10)).await;
    let process = world.customer.process(id).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("rejected"), &json!("manually_invalidated")));
    assert_eq!(details(&process, "amended"), ["approved -> rejected"]);
    assert_eq!(details(&process, "callback_received").last(), Some(&"INVALIDATED: manually_invalidated"));
}

#[tokio::test]
async fn a_reason_in_words_is_kept_as_evidence_and_not_passed_on() {
    let world = World::new().await;
    let process = world.run("blocked-validated-silent").await;
    let id = process["id"].as_str().unwrap();
    let words = "La foto no es de Juan Pérez";
    let body = json!({"code": process["provider_reference"], "status": "INVALIDATED", "message": words}).to_string();
    post(&world, &world.webhook_path("auco").await, &body).await;
    world.local.pump().await;
    world.pass(SignedDuration::from_mins(16)).await;
    let process = world.customer.process(id).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("rejected"), &json!("INVALIDATED")));
    assert!(!process.to_string().contains(words));
    assert!(world.objects(&format!("local/{id}/raw/")).await.iter().any(|object| object.content == body.as_bytes()));
}
