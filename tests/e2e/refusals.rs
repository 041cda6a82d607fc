//! What a provider refuses is kept in its own words, and told by its code, wherever it refuses.

use cotejo_tests::{Answer, Disturbance, When, World, link_order, order, tecalis_order};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// What only the provider says.
const PROSE: &str = "The phone +573003003030 of Juan is not one";

/// The next call of the kind, after `skip` others, is refused so.
fn refuse(world: &World, operation: &str, about: &str, skip: usize, status: u16, body: &Value) {
    let answer = Disturbance::Answer(status, body.to_string());
    world.aws.wire().plan(operation, Some(about), skip, answer);
}

/// The bodies kept as `provider_response`, in order.
async fn said(world: &World, process: &Value) -> Vec<String> {
    let mut bodies = Vec::new();
    for piece in process["evidence"].as_array().unwrap().iter().filter(|piece| piece["kind"] == "provider_response") {
        assert_eq!(piece["state"], "stored", "{piece}");
        let path = format!("/processes/{}/evidence/{}", process["id"].as_str().unwrap(), piece["id"].as_str().unwrap());
        let link = world.customer.get(&path).await;
        let (status, body) = world.customer.open(link.result()["url"].as_str().unwrap()).await;
        assert_eq!(status, 200);
        bodies.push(String::from_utf8(body.to_vec()).unwrap());
    }
    bodies
}

/// The details of the timeline's entries of one event.
fn details<'a>(process: &'a Value, event: &str) -> Vec<&'a str> {
    let entries = process["timeline"].as_array().unwrap().iter().filter(|entry| entry["event"] == event);
    entries.map(|entry| entry["detail"].as_str().unwrap_or_default()).collect()
}

/// The process that a refusal names.
async fn failed(world: &World, answer: &Answer) -> Value {
    world.customer.process(answer.body["process_id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_refusal_at_creation_is_kept_in_the_company_s_words_and_told_by_its_code() {
    for (provider, operation, about, status, code, body) in [
        ("auco", "auco POST", "veriface", 400, "PHONE_INVALID", json!({"message": "PHONE_INVALID", "detail": PROSE})),
        ("auco", "auco POST", "veriface", 400, "http_400", json!({ "message": PROSE })),
        ("auco", "auco POST", "veriface", 401, "unauthorized", json!({ "message": PROSE })),
        ("link", "link POST", "verify", 400, "003", json!({"code": "003", "message": PROSE})),
        ("link", "link POST", "token", 400, "004", json!({"code": "004", "message": PROSE})),
        ("link", "link POST", "token", 500, "unauthorized", json!({"code": "003", "message": PROSE})),
        ("tecalis", "tecalis POST", "customer", 401, "unauthorized", json!({"internal_code": 401, "message": PROSE})),
        (
            "tecalis",
            "tecalis POST",
            "customer",
            200,
            "AUTH_GONE",
            json!({"internal_code": "AUTH_GONE", "message": PROSE}),
        ),
    ] {
        let world = World::watched().await;
        let sandbox = world.local.sandbox();
        let order = match provider {
            "auco" => order("approved"),
            "link" => link_order(sandbox, "ok", false, &Value::Null),
            _ => tecalis_order(&sandbox.tecalis_authorize("approved").unwrap()),
        };
        refuse(&world, operation, about, 0, status, &body);
        let answer = world.customer.create_once("key", &order).await;
        assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"), "{provider}");
        assert!(answer.body["error"].as_str().unwrap().ends_with(&format!("with {code}.")), "{answer:?}");
        assert!(!answer.body.to_string().contains(PROSE), "prose is not passed on");
        let again = world.customer.create_once("key", &order).await;
        assert_eq!((again.status, &again.body["error"]), (422, &answer.body["error"]));
        assert_eq!(again.body["process_id"], answer.body["process_id"]);

        let process = failed(&world, &answer).await;
        assert_eq!(process["status_reason"], "refused_by_provider");
        assert_eq!(details(&process, "refused"), [code]);
        assert_eq!(said(&world, &process).await, [body.to_string()], "{provider}");
        assert_eq!(process["evidence_state"], "complete");
        assert!(!world.items().await.iter().any(|item| item.tells(PROSE)), "the words are in the bucket only");

        let id = process["id"].as_str().unwrap();
        world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await;
        world.local.pump().await;
        assert!(world.objects(&format!("local/{id}/")).await.is_empty(), "redaction removes it");
    }
}

#[tokio::test]
async fn of_a_long_refusal_the_beginning_is_kept() {
    let world = World::watched().await;
    let body = json!({"message": "PHONE_INVALID", "detail": "x".repeat(100_000)});
    refuse(&world, "auco POST", "veriface", 0, 400, &body);
    let answer = world.customer.create(&order("approved")).await;
    assert_eq!(answer.status, 422);
    assert_eq!(said(&world, &failed(&world, &answer).await).await, [&body.to_string()[..65_536]]);
}

#[tokio::test]
async fn a_refusal_whose_words_cannot_be_kept_is_one_all_the_same_and_says_that_they_are_lost() {
    let world = World::watched().await;
    refuse(&world, "auco POST", "veriface", 0, 400, &json!({"message": "PHONE_INVALID"}));
    world.aws.fail("S3 PUT", When::Before);
    let answer = world.customer.create(&order("approved")).await;
    assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"));
    let process = failed(&world, &answer).await;
    assert_eq!(
        (&process["evidence_state"], details(&process, "refused")),
        (&json!("incomplete"), vec!["PHONE_INVALID"])
    );
    assert_eq!(process["evidence"][0]["reason"], "store_unavailable");
}

#[tokio::test]
async fn a_repeated_submission_that_is_refused_says_with_what() {
    let world = World::watched().await;
    world.aws.wire().plan("link POST", Some("verify"), 0, Disturbance::LoseAnswer);
    let body = json!({"code": "017", "message": PROSE});
    refuse(&world, "link POST", "verify", 0, 400, &body);
    let created = world.customer.create(&link_order(world.local.sandbox(), "ok", false, &Value::Null)).await;
    assert_eq!((created.status, &created.result()["status"]), (202, &json!("submitting")));
    for _ in 0..3 {
        world.pass(SignedDuration::from_secs(61)).await;
    }
    let process = world.customer.process(&created.id()).await;
    assert_eq!(details(&process, "provider_trouble")[..2], ["unavailable", "refused_repetition: 017"]);
    assert_eq!(said(&world, &process).await[0], body.to_string());
}

#[tokio::test]
async fn a_second_submission_that_is_refused_leaves_the_review_to_the_customer_and_says_why() {
    let world = World::watched().await;
    let body = json!({"code": "021", "message": PROSE});
    refuse(&world, "link POST", "verify", 1, 400, &body);
    let options = json!({"manual_on_warning": true});
    let created = world.customer.create(&link_order(world.local.sandbox(), "warning", false, &options)).await;
    world.local.pump().await;
    let process = world.customer.process(&created.id()).await;
    assert_eq!((&process["status"], details(&process, "escalation_refused")), (&json!("in_review"), vec!["021"]));
    assert_eq!(said(&world, &process).await.last(), Some(&body.to_string()));
}

#[tokio::test]
async fn each_kind_of_trouble_with_a_question_is_told_once_with_what_the_company_said() {
    let world = World::watched().await;
    let id = world.customer.create(&order("never")).await.id();
    let answers = [
        (400, json!({"message": "CODE_INVALID", "detail": PROSE})),
        (400, json!({"message": "CODE_INVALID", "detail": "again"})),
        (401, json!({ "message": PROSE })),
        (200, json!("not a process")),
        (503, json!({ "message": PROSE })),
        (503, json!({ "message": PROSE })),
        (400, json!({"message": "CODE_INVALID", "detail": PROSE})),
    ];
    for (status, body) in &answers {
        refuse(&world, "auco GET", "veriface", 0, *status, body);
        world.customer.get(&format!("/processes/{id}?refresh=true")).await;
        world.local.pump().await;
    }
    assert!(world.aws.is_calm());
    let process = world.customer.process(&id).await;
    let told = ["rejected: CODE_INVALID", "unauthorized", "unreadable", "unavailable", "rejected: CODE_INVALID"];
    assert_eq!(details(&process, "provider_trouble"), told);
    let kept = [&answers[0].1, &answers[2].1, &answers[3].1].map(Value::to_string);
    assert_eq!(said(&world, &process).await, kept);
    assert_eq!(process["status"], "in_progress");

    // Once it answers, the same trouble is another series.
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    world.local.pump().await;
    refuse(&world, "auco GET", "veriface", 0, 503, &Value::Null);
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    world.local.pump().await;
    assert_eq!(details(&world.customer.process(&id).await, "provider_trouble").last(), Some(&"unavailable"));
    assert_eq!(details(&world.customer.process(&id).await, "provider_trouble").len(), 6);
}

#[tokio::test]
async fn trouble_with_a_certificate_or_an_escalation_is_told_by_its_kinds() {
    let world = World::watched().await;
    let created =
        world.customer.create(&link_order(world.local.sandbox(), "ok", false, &json!({"certify": true}))).await;
    let body = json!({"code": "031", "message": PROSE});
    refuse(&world, "link GET", "certificate", 0, 400, &body);
    refuse(&world, "link GET", "certificate", 0, 400, &body);
    refuse(&world, "link GET", "certificate", 0, 503, &Value::Null);
    let process = world.finish(&created.id(), 24).await;
    assert!(world.aws.is_calm());
    assert_eq!(process["certificate"]["state"], "stored");
    assert_eq!(details(&process, "certificate_trouble"), ["rejected: 031", "unavailable"]);
    assert_eq!(said(&world, &process).await.last(), Some(&body.to_string()));

    let options = json!({"manual_on_warning": true});
    refuse(&world, "link POST", "verify", 1, 503, &Value::Null);
    refuse(&world, "link POST", "verify", 1, 429, &Value::Null);
    let created = world.customer.create(&link_order(world.local.sandbox(), "warning", false, &options)).await;
    let process = world.finish(&created.id(), 24).await;
    assert_eq!((&process["status"], details(&process, "escalated").len()), (&json!("approved"), 1));
    assert_eq!(details(&process, "escalation_trouble"), ["unavailable", "rate_limited"]);
}

#[tokio::test]
async fn copies_that_fail_are_told_by_their_kinds_and_once_when_they_are_given_up() {
    let world = World::new().await;
    let process = world.run("approved,html-picture:2,gone").await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("incomplete")));
    let troubles = details(&process, "copy_trouble");
    assert_eq!((troubles.first(), troubles.last()), (Some(&"not_media"), Some(&"link_expired")), "{troubles:?}");
    assert!(troubles.len() <= 8, "{troubles:?}");
    assert_eq!(details(&process, "copy_given_up"), ["link_expired"]);
}
