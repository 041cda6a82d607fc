//! A tenant's retention, and the legal hold that stops it.

use cotejo_tests::{When, World, link_order, order};
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

/// Which of the process's objects are locked in the bucket, which hides nothing else: `(locked, all)`.
async fn locks(world: &World, id: &str) -> (usize, usize) {
    let platform = world.local.platform("run-work").unwrap();
    let (s3, bucket) = (&platform.aws.s3, &platform.config.bucket);
    let objects = world.objects(&format!("local/{id}/")).await;
    let mut locked = 0;
    for object in &objects {
        let hold = s3.get_object_legal_hold().bucket(bucket).key(&object.key).version_id("null").send().await.unwrap();
        locked += usize::from(hold.legal_hold().unwrap().status().unwrap().as_str() == "ON");
    }
    (locked, objects.len())
}

async fn hold(world: &World, id: &str, until: Value) -> Value {
    let held = world.customer.put(&format!("/processes/{id}/legal-hold"), &json!({"until": until})).await;
    assert_eq!(held.status, 200, "{held:?}");
    held.result().clone()
}

#[tokio::test]
async fn a_held_process_s_objects_are_locked_and_none_is_left_when_it_is_lifted_and_redacted() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    assert_eq!(process["held"], Value::Null, "nobody asked for it");
    let said = hold(&world, id, json!(world.now() + DAY * 60)).await;
    assert_eq!(said["held"], false, "it is not done yet");
    let all = locks(&world, id).await.1;
    assert_eq!((locks(&world, id).await, all > 3), ((0, all), true));

    world.aws.take_calls();
    world.local.pump().await;
    let puts = world.aws.take_calls().iter().filter(|call| *call == "S3 PUT").count();
    assert_eq!((locks(&world, id).await, puts >= all), ((all, all), true));
    let process = world.customer.process(id).await;
    assert_eq!(process["held"], true);
    assert_eq!(process["timeline"].as_array().unwrap().last().unwrap()["event"], "objects_locked");
    // Not even whoever may delete can.
    let platform = world.local.platform("run-work").unwrap();
    let object = world.objects(&format!("local/{id}/")).await.remove(0);
    let delete = platform.aws.s3.delete_object().bucket(&platform.config.bucket).key(&object.key).version_id("null");
    assert!(delete.send().await.is_err());
    let path = format!("/processes/{id}/redact");
    let refused = world.customer.post(&path, &json!({})).await;
    assert_eq!((refused.status, refused.error_code()), (409, "on_legal_hold"));
    // Nothing is done again while nothing changes.
    world.aws.take_calls();
    world.pass(DAY).await;
    assert!(!world.aws.take_calls().contains(&"S3 PUT".to_owned()));

    assert_eq!(hold(&world, id, Value::Null).await["held"], true, "they are locked still");
    world.local.pump().await;
    assert_eq!(locks(&world, id).await, (0, all));
    assert_eq!(world.customer.process(id).await["held"], Value::Null);
    assert_eq!(world.customer.post(&path, &json!({})).await.status, 200);
    world.local.pump().await;
    assert_eq!(locks(&world, id).await, (0, 0));
}

#[tokio::test]
async fn locking_goes_on_where_it_failed_or_stopped() {
    let world = World::calm().await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    let all = locks(&world, id).await.1;
    hold(&world, id, json!(world.now() + DAY * 60)).await;
    // The second of them is refused for longer than a request is repeated; everything else about the process goes on.
    world.aws.interleave("S3 PUT", || Box::pin(async {}));
    for _ in 0..9 {
        world.aws.fail("S3 PUT", When::Before);
    }
    world.local.pump().await;
    while !world.aws.is_calm() {
        world.pass(SignedDuration::from_mins(2)).await;
    }
    world.pass(SignedDuration::from_mins(2)).await;
    assert_eq!((locks(&world, id).await, &world.customer.process(id).await["held"]), ((all, all), &json!(true)));

    // Whoever takes the locks off is killed half way.
    hold(&world, id, Value::Null).await;
    world.aws.interleave("S3 PUT", || Box::pin(async {}));
    world.aws.crash("S3 PUT", When::Before);
    tokio::select! {
        _ = world.local.pump() => panic!("it ended before the crash"),
        () = world.aws.crashed() => {}
    }
    assert_ne!(locks(&world, id).await.0, 0);
    world.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(locks(&world, id).await, (0, all));
}

#[tokio::test]
async fn what_is_stored_during_a_hold_is_locked_too_and_all_is_unlocked_when_its_time_is_over() {
    let world = World::new().await;
    let mut held = link_order(world.local.sandbox(), "not-approved", true, &json!({"manual": true, "certify": true}));
    held["legal_hold_until"] = json!(world.now() + DAY * 10);
    let id = world.customer.create(&held).await.id();
    let process = world.finish(&id, 1).await;
    assert_eq!(process["certificate"]["state"], "stored");
    world.pass(SignedDuration::from_mins(2)).await;
    let (locked, all) = locks(&world, &id).await;
    assert_eq!((locked, &world.customer.process(&id).await["held"]), (all, &json!(true)));
    world.pass(DAY * 9).await;
    assert_eq!(locks(&world, &id).await, (all, all));
    world.pass(DAY * 2).await;
    assert_eq!((locks(&world, &id).await, &world.customer.process(&id).await["held"]), ((0, all), &json!(false)));
}

#[tokio::test]
async fn a_redaction_deletes_what_a_look_locked_just_before() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap().to_owned();
    hold(&world, &id, json!(world.now() + DAY)).await;
    // While the locks are put on, the hold is lifted and the process redacted.
    let (customer, process) = (world.customer.clone(), id.clone());
    world.aws.interleave("S3 PUT", move || {
        Box::pin(async move {
            let lifted = customer.put(&format!("/processes/{process}/legal-hold"), &json!({"until": null})).await;
            assert_eq!(lifted.status, 200);
            assert_eq!(customer.post(&format!("/processes/{process}/redact"), &json!({})).await.status, 200);
        })
    });
    world.local.pump().await;
    world.pass(SignedDuration::from_mins(21)).await;
    world.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(locks(&world, &id).await, (0, 0));
    let timeline = world.customer.process(&id).await["timeline"].clone();
    assert_eq!(timeline.as_array().unwrap().last().unwrap()["event"], "redaction_completed");
}
