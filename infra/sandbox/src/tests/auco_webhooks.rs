//! What arrives at the customer, in which order, and how often it is tried.

use super::*;

#[tokio::test]
async fn the_body_and_the_header_are_as_documented() {
    let world = World::new().await;
    let code = world.create("approved").await;
    world.pass(MINUTE).await;
    let (headers, mut body) = world.receiver.got.lock().unwrap().remove(0);
    assert_eq!(headers["x-auco-secret"], "s3cret");
    if let Some(similarity) = body.as_object_mut().unwrap().remove("similarity") {
        assert!((0.0..=1.0).contains(&similarity.as_f64().unwrap()));
    }
    let expected = json!({
        "code": code, "type": "veriface", "finish": true, "status": "APPROVED", "message": "PROCESS_APPROVED",
        "data": {"name": "Juan Pérez", "documentName": "CC"},
        "custom": {"cotejo_id": "p1", "sandbox": "approved"}, "tags": ["t1"],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn blocked_is_told_as_finished_and_its_error_in_upper_case() {
    let world = World::new().await;
    let code = world.create("blocked").await;
    world.play_out().await;
    let error = world.query(&code).await["attempts"][2]["errorMessages"][0]["error"].as_str().unwrap().to_uppercase();
    let body = world.receiver.bodies().remove(0);
    assert_eq!((&body["finish"], &body["message"]), (&json!(true), &json!(error)));
}

#[tokio::test]
async fn some_processes_show_their_similarity_and_some_do_not() {
    let world = World::new().await;
    for _ in 0..30 {
        world.create("").await;
    }
    world.pass(MINUTE).await;
    let shown = world.receiver.bodies().iter().filter(|body| body.get("similarity").is_some()).count();
    assert!((5..=25).contains(&shown), "{shown} of 30");
}

#[tokio::test]
async fn a_refused_webhook_is_tried_after_two_four_and_six_minutes_and_then_is_gone() {
    let world = World::new().await;
    world.create("").await;
    world.receiver.answer_with(&[500, 302, 404, 503]);
    world.pass(SignedDuration::from_secs(30)).await;
    for minutes in [2, 4, 6] {
        let tries = world.sandbox.calls().webhooks_sent;
        assert_eq!(world.pass(MINUTE * minutes - SignedDuration::from_millis(1)).await, 0);
        assert_eq!(world.pass(SignedDuration::from_millis(1)).await, 1);
        assert_eq!(world.sandbox.calls().webhooks_sent, tries + 1);
    }
    assert_eq!(world.sandbox.next_due(), None);
    assert_eq!(world.receiver.statuses().len(), 4, "a redirect was not followed");
    assert_eq!(world.sandbox.calls().webhooks_acknowledged, 0);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_has_not_taken_it() {
    let world = World::with(None, |times| times.webhook_timeout = Duration::from_millis(50)).await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", deaf.local_addr().unwrap());
    world.sandbox.set_auco_webhooks(vec![Webhook { id: "deaf".to_owned(), url, default: true, header: None }]);
    world.create("").await;
    world.pass(MINUTE).await;
    assert_eq!((world.sandbox.calls().webhooks_sent, world.sandbox.calls().webhooks_acknowledged), (1, 0));
    assert_eq!(world.sandbox.auco_processes()[0].webhooks_pending, 1);
}

#[tokio::test]
async fn named_targets_replace_the_default_webhook() {
    let world = World::new().await;
    let mut order = World::order("");
    order["targetWebhooks"] = json!(["other"]);
    world.post("prk_1", order.to_string()).await;
    world.pass(MINUTE).await;
    let got = world.receiver.got.lock().unwrap();
    assert_eq!(got.len(), 1);
    assert!(!got[0].0.contains_key("x-auco-secret"), "the other webhook has no header");
}

#[tokio::test]
async fn the_words_for_webhooks_do_what_they_say() {
    let expected: [(&str, &[&str]); 5] = [
        ("no-callback", &[]),
        ("duplicate-callback", &["APPROVED", "APPROVED", "APPROVED"]),
        ("blocked-validated,out-of-order", &["VALIDATED", "BLOCKED"]),
        ("blocked,out-of-order", &["BLOCKED"]),
        ("rejected,callback-before-answer", &["BLOCKED", "INVALIDATED"]),
    ];
    for (script, statuses) in expected {
        let world = World::new().await;
        world.create(script).await;
        world.play_out().await;
        assert_eq!(world.receiver.statuses(), statuses, "{script}");
    }
    let world = World::new().await;
    world.create("no-custom").await;
    world.play_out().await;
    assert_eq!(world.receiver.bodies()[0].get("custom"), None);
}

#[tokio::test]
async fn a_webhook_can_arrive_before_the_answer_to_create() {
    let world = World::new().await;
    let code = world.create("callback-before-answer").await;
    assert_eq!(world.receiver.bodies()[0]["code"], json!(code), "it arrives before any tick");
    assert_eq!(world.query(&code).await["status"], "APPROVED");
    assert_eq!(world.sandbox.tick().await, 0);
}

#[tokio::test]
async fn two_ticks_at_once_send_nothing_twice() {
    let world = World::new().await;
    for _ in 0..40 {
        world.create("").await;
    }
    *world.clock.lock().unwrap() += MINUTE;
    let (one, other) = tokio::join!(world.sandbox.tick(), world.sandbox.tick());
    assert_eq!(one + other, 80);
    assert_eq!(world.receiver.statuses().len(), 40);
}
