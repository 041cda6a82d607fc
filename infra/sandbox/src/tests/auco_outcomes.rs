//! How every outcome word ends: what the query says at the end, which webhooks came, how many attempts there were.

use super::*;

async fn play(script: &str) -> (String, Vec<String>, Value) {
    let world = World::new().await;
    let code = world.create(script).await;
    world.play_out().await;
    let answer = world.query(&code).await;
    (answer["status"].as_str().unwrap().to_owned(), world.receiver.statuses(), answer)
}

#[tokio::test]
async fn every_outcome_ends_as_its_word_says() {
    let expected: [(&str, &str, &[&str], usize); 12] = [
        ("", "APPROVED", &["APPROVED"], 1),
        ("approved", "APPROVED", &["APPROVED"], 1),
        ("approved-invalidated", "INVALIDATED", &["APPROVED", "INVALIDATED"], 1),
        ("second-attempt", "APPROVED", &["APPROVED"], 2),
        ("invalidated", "INVALIDATED", &["INVALIDATED"], 1),
        ("rejected", "INVALIDATED", &["BLOCKED", "INVALIDATED"], 3),
        ("blocked-invalidated", "INVALIDATED", &["BLOCKED", "INVALIDATED"], 3),
        ("blocked-validated", "APPROVED", &["BLOCKED", "VALIDATED"], 3),
        ("blocked-validated-silent", "BLOCKED", &["BLOCKED", "VALIDATED"], 3),
        ("blocked", "BLOCKED", &["BLOCKED"], 3),
        ("expired", "EXPIRED", &[], 0),
        ("never", "INPROGRESS", &[], 0),
    ];
    for (script, status, webhooks, attempts) in expected {
        let (ended, sent, answer) = play(script).await;
        assert_eq!((ended.as_str(), answer["attempts"].as_array().unwrap().len()), (status, attempts), "{script}");
        assert_eq!(sent, webhooks, "{script}");
    }
}

#[tokio::test]
async fn a_failed_attempt_says_why_and_a_good_one_has_three_pictures() {
    let (_, _, answer) = play("second-attempt").await;
    let error = answer["attempts"][0]["errorMessages"][0]["error"].as_str().unwrap();
    assert!(error.starts_with("error_"));
    assert_eq!(answer["attempts"][1].get("errorMessages"), None);
    for kind in ["identificationCardFront", "identificationCardBack", "photo"] {
        assert!(answer["attempts"][1][kind].is_string());
    }
}

#[tokio::test]
async fn a_reviewers_decision_names_the_reviewer() {
    assert_eq!(play("blocked").await.2.get("emailValidated"), None);
    assert_eq!(play("blocked-validated").await.2["emailValidated"], "supervisor@auco.ai");
}

#[tokio::test]
async fn things_happen_at_their_time_and_not_before() {
    let world = World::new().await;
    let code = world.create("blocked-validated").await;
    assert_eq!(world.pass(SignedDuration::from_secs(29)).await, 0);
    assert_eq!(world.pass(SignedDuration::from_secs(1)).await, 1);
    assert_eq!(world.pass(MINUTE).await, 3, "two attempts and a webhook");
    assert_eq!(world.query(&code).await["status"], "BLOCKED");
    assert_eq!(world.pass(MINUTE * 4).await, 0);
    assert_eq!(world.pass(MINUTE).await, 2);
    assert_eq!(world.query(&code).await["status"], "APPROVED");
    assert_eq!(world.sandbox.next_due(), None);
}

#[tokio::test]
async fn expiry_comes_at_the_date_that_was_ordered_or_after_a_week() {
    let world = World::new().await;
    let mut order = World::order("expired");
    order["expiredDate"] = json!("2026-11-06T00:00:00.000Z");
    world.post("prk_1", order.to_string()).await;
    world.create("expired").await;
    assert_eq!(world.sandbox.next_due(), Some("2026-11-06T00:00:00Z".parse().unwrap()));
    world.pass(MINUTE * 60 * 24 * 4).await;
    assert_eq!(world.sandbox.next_due(), Some("2026-11-09T10:00:00Z".parse().unwrap()));
    assert_eq!(world.sandbox.calls().webhooks_sent, 0);
}

#[tokio::test]
async fn who_would_act_after_the_end_of_life_does_not() {
    let world = World::with(None, |times| times.process_life = MINUTE).await;
    let code = world.create("blocked-validated").await;
    world.play_out().await;
    let answer = world.query(&code).await;
    assert_eq!((&answer["status"], answer["attempts"].as_array().unwrap().len()), (&json!("EXPIRED"), 1));
}

#[tokio::test]
async fn scaled_times_keep_their_proportions() {
    let times = Times::default().scaled(0.01);
    assert_eq!(times.person_acts_after, SignedDuration::from_millis(300));
    assert_eq!(times.link_life, SignedDuration::from_secs(3));
    assert_eq!(times.certificate_after, SignedDuration::from_millis(200));
    assert_eq!(times.slow, Duration::from_millis(600));
    assert_eq!(times.webhook_timeout, Duration::from_secs(10));
}
