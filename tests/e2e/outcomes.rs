//! Every way a verification at Auco can go, from creation to kept pictures.

use cotejo_tests::{World, order};
use jiff::SignedDuration;

fn events(process: &serde_json::Value) -> Vec<String> {
    let entries = process["timeline"].as_array().unwrap().iter();
    entries
        .map(|entry| match entry["detail"].as_str() {
            Some(detail) => format!("{} {detail}", entry["event"].as_str().unwrap()),
            None => entry["event"].as_str().unwrap().to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn an_approval_is_kept_with_its_three_pictures() {
    let world = World::new().await;
    let process = world.run("approved").await;
    assert_eq!(process["status"], "approved");
    assert_eq!(process["evidence_state"], "complete");
    assert_eq!(world.check_pictures(&process).await, 3);
    assert_eq!(
        events(&process),
        [
            "created",
            "submitted",
            "status_changed submitting -> in_progress",
            "callback_received APPROVED",
            "status_changed in_progress -> approved"
        ]
    );
    insta::assert_json_snapshot!(process, {
        ".id" => "[id]", ".provider_reference" => "[code]", ".evidence[].id" => "[id]",
        ".evidence[].sha256" => "[hash]", ".evidence[].bytes" => "[bytes]", ".findings.face.similarity" => "[percent]",
    });
}

#[tokio::test]
async fn a_failed_attempt_is_kept_beside_the_good_one() {
    let world = World::new().await;
    let process = world.run("second-attempt").await;
    assert_eq!(process["status"], "approved");
    let kept = world.check_pictures(&process).await;
    assert!(kept > 3, "{kept} pictures");
    let mut checks = process["findings"]["checks"].as_array().unwrap().iter();
    assert!(checks.any(|check| check["outcome"] == "failed" && check["source"] == "provider"));
}

#[tokio::test]
async fn a_blocked_process_is_in_review_until_the_reviewer_decides() {
    let world = World::new().await;
    for (script, end) in
        [("blocked-validated", "approved"), ("rejected", "rejected"), ("blocked-invalidated", "rejected")]
    {
        let process = world.run(script).await;
        assert_eq!(process["status"], end, "{script}");
        let events = events(&process);
        assert!(events.contains(&"status_changed in_progress -> in_review".to_owned()), "{script}: {events:?}");
        world.check_pictures(&process).await;
    }
    let open = world.customer.create(&order("blocked")).await.id();
    let process = world.finish(&open, 3).await;
    assert_eq!(process["status"], "in_review");
}

#[tokio::test]
async fn a_validation_that_auco_s_query_never_shows_counts_after_fifteen_minutes() {
    let world = World::new().await;
    let id = world.customer.create(&order("blocked-validated-silent")).await.id();
    let mut minutes_in_review = 0;
    for _ in 0..60 {
        let process = world.customer.process(&id).await;
        match process["status"].as_str().unwrap() {
            "approved" => {
                assert_eq!(process["status_reason"], "manually_validated");
                assert_eq!(process["findings"]["provider_result"], "BLOCKED");
                // The reviewer took 5 minutes, Auco's answer got 15 more.
                assert!((20..=22).contains(&minutes_in_review), "{minutes_in_review}");
                return;
            }
            "in_review" => minutes_in_review += 1,
            _ => {}
        }
        world.pass(SignedDuration::from_mins(1)).await;
    }
    panic!("never approved");
}

#[tokio::test]
async fn a_reviewer_who_changes_their_mind_amends_what_auco_s_query_never_showed() {
    let world = World::new().await;
    let created = world.customer.create(&order("blocked-validated-silent")).await;
    let process = world.finish(&created.id(), 2).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&"approved".into(), &"manually_validated".into()));
    let body = serde_json::json!({"code": process["provider_reference"], "status": "INVALIDATED"}).to_string();
    let path = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
    world.customer.send(reqwest::Method::POST, &path, &[], Some(body)).await;
    world.local.pump().await;
    assert_eq!(world.customer.process(&created.id()).await["status"], "approved");
    world.pass(SignedDuration::from_mins(16)).await;
    let process = world.customer.process(&created.id()).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&"rejected".into(), &"INVALIDATED".into()));
    assert!(events(&process).contains(&"amended approved -> rejected".to_owned()));
}

#[tokio::test]
async fn an_invalidation_is_a_rejection_with_its_reason() {
    let world = World::new().await;
    let process = world.run("invalidated").await;
    assert_eq!(process["status"], "rejected");
    assert!(process["status_reason"].as_str().unwrap().starts_with("error_"), "{}", process["status_reason"]);
}

#[tokio::test]
async fn an_expiry_that_no_webhook_tells_is_found_by_polling() {
    let world = World::new().await;
    let id = world.customer.create(&order("expired")).await.id();
    let process = world.finish(&id, 8 * 24).await;
    assert_eq!(process["status"], "expired");
    assert_eq!(process["status_reason"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_process_nobody_finishes_expires_at_its_own_deadline_and_a_late_end_amends_it() {
    let world = World::new().await;
    let mut body = order("never");
    body["expires_at"] = serde_json::json!(world.now() + SignedDuration::from_hours(100));
    let id = world.customer.create(&body).await.id();
    world.pass(SignedDuration::from_hours(101)).await;
    let process = world.customer.process(&id).await;
    // The sandbox ends a process at its expiredDate as Auco does, so either side may have said so first.
    assert_eq!(process["status"], "expired");
}

#[tokio::test]
async fn a_lost_webhook_costs_minutes_and_nothing_else() {
    let world = World::new().await;
    let process = world.run("approved,no-callback").await;
    assert_eq!(process["status"], "approved");
    assert_eq!(world.check_pictures(&process).await, 3);
    assert!(!events(&process).iter().any(|event| event.starts_with("callback")));
}
