//! The races the design is about: who writes while somebody else is about to, and what is lost (nothing).

use cotejo_sandbox::{FaultKind, Faults};
use cotejo_tests::{Customer, When, World, order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

fn count(process: &Value, event: &str) -> usize {
    process["timeline"].as_array().unwrap().iter().filter(|entry| entry["event"] == event).count()
}

/// A create call as API Gateway sends it, for calls that are to be cut off.
fn create_event(world: &World, key: &str, body: &Value) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../events/create-process.json")).unwrap();
    let headers = event["headers"].as_object_mut().unwrap();
    headers.insert("authorization".to_owned(), json!(format!("Bearer {}", world.local.api_key())));
    headers.insert("idempotency-key".to_owned(), json!(key));
    event["body"] = json!(body.to_string());
    event["isBase64Encoded"] = json!(false);
    event
}

/// Runs `what` until the planned crash, then drops it where it stands.
async fn cut_off(world: &World, what: impl Future) {
    tokio::select! {
        _ = what => panic!("it ended before the crash"),
        () = world.aws.crashed() => {}
    }
}

#[tokio::test]
async fn a_callback_during_a_commit_is_folded_into_the_next_one() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved,no-callback")).await;
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    let code = created.result()["provider_reference"].as_str().unwrap().to_owned();
    let body = json!({"code": code, "status": "APPROVED"}).to_string();
    let (customer, url) = (world.customer.clone(), world.local.auco_webhook_url().to_owned());
    let path = url.strip_prefix(world.local.url()).unwrap().to_owned();
    world.aws.interleave("PutItem", move || {
        async move {
            assert_eq!(customer.send(Method::POST, &path, &[], Some(body)).await.status, 200);
        }
        .boxed()
    });
    world.customer.get(&format!("/processes/{}?refresh=true", created.id())).await;
    let queries = world.local.sandbox().calls().queries;
    world.local.pump().await;
    assert!(world.aws.is_calm());
    let process = world.customer.process(&created.id()).await;
    assert_eq!(process["status"], "approved");
    assert_eq!((count(&process, "callback_received"), count(&process, "status_changed")), (1, 2));
    // Since the callback may know more than the answer that was under way, the provider is asked once more for it.
    assert_eq!(world.local.sandbox().calls().queries - queries, 2);
    assert_eq!(world.check_pictures(&process).await, 3);
}

#[tokio::test]
async fn a_callback_that_knows_more_than_the_answer_under_way_is_not_lost_to_it() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved")).await;
    world.local.pump().await;
    // The provider is asked while the person is still busy; before the answer is stored, the person is done.
    let (clock, sandbox) = (world.clock.clone(), world.local.sandbox().clone());
    world.aws.interleave("PutItem", move || {
        async move {
            clock.leap(SignedDuration::from_secs(31));
            sandbox.tick().await;
        }
        .boxed()
    });
    world.customer.get(&format!("/processes/{}?refresh=true", created.id())).await;
    world.local.pump().await;
    assert!(world.aws.is_calm());
    // Nothing but the stream has run: no schedule had to make it good.
    let process = world.customer.process(&created.id()).await;
    assert_eq!(process["status"], "approved");
    assert_eq!(world.check_pictures(&process).await, 3);
}

#[tokio::test]
async fn two_refreshes_at_once_make_one_end() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved,no-callback")).await;
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    world.customer.get(&format!("/processes/{}?refresh=true", created.id())).await;
    let event = json!({"Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
        "dynamodb": {
            "Keys": {"pk": {"S": format!("TENANT#local#PROCESS#{}", created.id())}, "sk": {"S": "#"}},
            "SequenceNumber": "1", "ApproximateCreationDateTime": 1, "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }]});
    let (one, other) =
        tokio::join!(world.local.invoke("run-work", event.clone()), world.local.invoke("run-work", event));
    for answer in [one.unwrap(), other.unwrap()] {
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    let process = world.finish(&created.id(), 1).await;
    assert_eq!((&process["status"], count(&process, "status_changed")), (&json!("approved"), 2));
    assert_eq!(world.check_pictures(&process).await, 3);
}

#[tokio::test]
async fn a_stream_record_that_was_given_up_is_made_good_by_the_schedule() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved")).await;
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(31));
    // The first try, five retries.
    for _ in 0..6 {
        world.aws.fail("GetItem", When::Before);
    }
    let pumped = world.local.pump().await;
    assert_eq!(pumped.failed_records, 1);
    assert!(world.aws.is_calm());
    assert_eq!(world.customer.process(&created.id()).await["status"], "in_progress");
    let process = world.finish(&created.id(), 1).await;
    assert_eq!((&process["status"], count(&process, "callback_received")), (&json!("approved"), 1));
    assert_eq!(world.check_pictures(&process).await, 3);
}

#[tokio::test]
async fn a_look_that_crashes_anywhere_is_done_again_and_done_once() {
    let crashes = [
        ("GetItem", When::Before),
        ("S3 PUT", When::Before),
        ("S3 PUT", When::After),
        ("PutItem", When::Before),
        ("PutItem", When::After),
    ];
    for (operation, when) in crashes {
        let world = World::new().await;
        let created = world.customer.create(&order("approved")).await;
        world.local.pump().await;
        world.clock.advance(SignedDuration::from_secs(31));
        world.aws.crash(operation, when);
        cut_off(&world, world.local.pump()).await;
        let process = world.finish(&created.id(), 1).await;
        assert_eq!(process["status"], "approved", "{operation} {when:?}");
        assert_eq!(count(&process, "status_changed"), 2, "{operation} {when:?}");
        assert_eq!(world.check_pictures(&process).await, 3, "{operation} {when:?}");
    }
}

#[tokio::test]
async fn a_create_cut_off_before_the_provider_was_asked_fails_in_the_end_and_makes_nothing_there() {
    let world = World::new().await;
    world.aws.crash("PutItem", When::After);
    cut_off(&world, world.local.invoke("create-process", create_event(&world, "k1", &order("approved")))).await;
    assert_eq!(world.local.sandbox().auco_processes().len(), 0);
    let again = world.customer.create_once("k1", &order("approved")).await;
    assert_eq!((again.status, again.error_code()), (409, "request_in_flight"));
    world.pass(SignedDuration::from_secs(61)).await;
    let again = world.customer.create_once("k1", &order("approved")).await;
    assert_eq!((again.status, &again.result()["status"]), (202, &json!("submitting")));
    let process = world.finish(&again.id(), 2).await;
    assert_eq!((&process["status"], &process["status_reason"]), (&json!("failed"), &json!("submission_unknown")));
    assert_eq!(world.local.sandbox().auco_processes().len(), 0);
}

#[tokio::test]
async fn a_create_whose_own_write_is_repeated_is_still_a_create() {
    let world = World::new().await;
    world.aws.lose_answer("PutItem");
    let created = world.customer.create_once("k1", &order("approved")).await;
    assert!(world.aws.is_calm());
    assert_eq!((created.status, created.headers.get("idempotent-replayed")), (201, None));
    assert_eq!(world.local.sandbox().auco_processes().len(), 1);
}

#[tokio::test]
async fn a_create_cut_off_after_the_provider_s_answer_is_completed_by_the_webhook() {
    for when in [When::Before, When::After] {
        let world = World::new().await;
        world.aws.crash("TransactWriteItems", when);
        cut_off(&world, world.local.invoke("create-process", create_event(&world, "k1", &order("approved")))).await;
        world.pass(SignedDuration::from_secs(61)).await;
        let again = world.customer.create_once("k1", &order("approved")).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        let process = world.finish(&again.id(), 2).await;
        assert_eq!(process["status"], "approved", "{when:?}");
        assert_eq!(world.check_pictures(&process).await, 3);
        assert_eq!(world.local.sandbox().auco_processes().len(), 1, "one message to the person");
    }
}

#[tokio::test]
async fn a_repeated_submission_that_is_cut_off_is_not_repeated_again() {
    for when in [When::Before, When::After] {
        let world = World::new().await;
        let faults = |rate| Faults { rate, kinds: vec![FaultKind::RateLimited] };
        world.local.sandbox().set_faults(faults(1.0));
        let answer = world.customer.create(&order("approved")).await;
        assert_eq!(answer.status, 202);
        world.local.sandbox().set_faults(faults(0.0));
        world.local.pump().await;
        world.clock.advance(SignedDuration::from_secs(90));
        world.aws.crash("TransactWriteItems", when);
        cut_off(&world, world.local.run_schedules()).await;
        let process = world.finish(&answer.id(), 3).await;
        assert_eq!(process["status"], "approved", "{when:?}");
        assert_eq!(world.local.sandbox().auco_processes().len(), 1, "one message to the person");
    }
}

#[tokio::test]
async fn a_webhook_reopens_a_submission_that_was_given_up() {
    let world = World::new().await;
    // Auco creates the process and answers 503; its only sign of life comes when the person is done, hours later.
    let answer = world.customer.create(&order("approved,create-5xx-after")).await;
    assert_eq!((answer.status, &answer.result()["status"]), (202, &json!("submitting")));
    world.clock.advance(SignedDuration::from_hours(2));
    world.local.run_schedules().await;
    let process = world.finish(&answer.id(), 1).await;
    assert_eq!(process["status"], "approved");
    assert_eq!(world.local.sandbox().auco_processes().len(), 1);
}

#[tokio::test]
async fn fifty_creates_with_one_key_make_one_process() {
    let world = World::new().await;
    let customer: &Customer = &world.customer;
    let body = order("never");
    let all = (0..50).map(|_| customer.create_once("one", &body));
    let answers = futures_util::future::join_all(all).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!created.is_empty());
    for answer in &answers {
        assert!(answer.status == 201 || answer.error_code() == "request_in_flight", "{answer:?}");
    }
    assert_eq!(world.local.sandbox().auco_processes().len(), 1);
    let fresh = created.iter().filter(|answer| !answer.headers.contains_key("idempotent-replayed")).count();
    assert_eq!(fresh, 1);
}
