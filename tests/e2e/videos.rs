//! Videos: copied beside their process, in parts, again and again until they are whole, and not for ever.

use cotejo_tests::{When, World, tecalis_order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

/// Follows an authorization that goes by `script`, and says how its video stands at its end.
async fn follow(world: &World, script: &str) -> (String, Value) {
    let authorization = world.local.sandbox().tecalis_authorize(script).unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    let process = world.finish(&id, 24).await;
    (authorization, video(&process))
}

fn video(process: &Value) -> Value {
    process["evidence"].as_array().unwrap().iter().find(|piece| piece["kind"] == "video").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_video_of_many_parts_is_kept_byte_for_byte() {
    let world = World::new().await;
    let (authorization, kept) = follow(&world, "approved,video:40").await;
    let (length, sha256) = world.local.sandbox().tecalis_video(&authorization).unwrap();
    assert_eq!((&kept["state"], &kept["content_type"]), (&"stored".into(), &"video/mp4".into()), "{kept}");
    assert_eq!((kept["bytes"].as_u64(), kept["sha256"].as_str()), (Some(length), Some(hex::encode(sha256).as_str())));
    assert_eq!(world.unfinished_uploads().await, 0);
}

#[tokio::test]
async fn what_is_no_whole_video_is_fetched_again() {
    let world = World::new().await;
    for fault in ["video-cut-off:2", "video-html:1", "video-gone:2"] {
        let (authorization, kept) = follow(&world, &format!("approved,{fault}")).await;
        let (_, sha256) = world.local.sandbox().tecalis_video(&authorization).unwrap();
        assert_eq!(kept["sha256"].as_str(), Some(hex::encode(sha256).as_str()), "{fault}: {kept}");
        assert_eq!(world.unfinished_uploads().await, 0, "{fault}");
    }
}

#[tokio::test]
async fn a_verdict_does_not_wait_for_a_video_and_a_hopeless_one_is_given_up() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("approved,video-gone:10000").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    let process = world.finish(&id, 3).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&"approved".into(), &"pending".into()));
    world.pass(SignedDuration::from_hours(24 * 15)).await;
    world.pass(SignedDuration::from_hours(1)).await;
    let process = world.customer.process(&id).await;
    let kept = video(&process);
    assert_eq!((&process["evidence_state"], &kept["state"]), (&"incomplete".into(), &"incomplete".into()), "{kept}");
    world.aws.take_calls();
    world.pass(SignedDuration::from_hours(24 * 40)).await;
    assert_eq!(world.aws.take_calls(), ["Query"; 16], "nothing remains to be done");
}

#[tokio::test]
async fn a_copy_that_was_cut_off_with_its_function_is_taken_up_again() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("approved,video:12").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    // A video begins and ends with a POST; its function dies before the second.
    world.aws.interleave("S3 POST", || async {}.boxed());
    world.aws.crash("S3 POST", cotejo_tests::When::Before);
    tokio::select! {
        () = world.pass(SignedDuration::from_mins(2)) => panic!("it ended before the crash"),
        () = world.aws.crashed() => {}
    }
    assert_eq!(world.unfinished_uploads().await, 1);
    let process = world.finish(&id, 24).await;
    let (_, sha256) = world.local.sandbox().tecalis_video(&authorization).unwrap();
    assert_eq!(video(&process)["sha256"].as_str(), Some(hex::encode(sha256).as_str()));
}

/// Lets time pass until a video is wanted, whose function is never started, and gives the work as it was claimed.
async fn not_started(world: &World) -> (String, Value) {
    let authorization = world.local.sandbox().tecalis_authorize("approved,video:9").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    world.aws.fail("Lambda Invoke", When::Before);
    while !world.aws.is_calm() {
        world.pass(SignedDuration::from_secs(30)).await;
    }
    let work = world.raw_items().await.into_iter().find(|item| item["kind"] == "long_copy").unwrap();
    assert!(work["wake_token"].is_null(), "{work}");
    (id, work)
}

#[tokio::test]
async fn a_video_whose_function_is_never_started_is_copied_some_minutes_later() {
    let world = World::new().await;
    let (id, _) = not_started(&world).await;
    for _ in 0..2 {
        assert_eq!(video(&world.customer.process(&id).await)["state"], "pending");
        world.pass(SignedDuration::from_secs(60)).await;
    }
    assert_eq!(video(&world.customer.process(&id).await)["state"], "stored");
    assert_eq!(world.unfinished_uploads().await, 0);
}

#[tokio::test]
async fn one_claim_is_good_for_one_copy() {
    let world = World::new().await;
    let (id, work) = not_started(&world).await;
    let order = json!({"pk": work["pk"], "claimed_until": work["due_at"]});
    world.aws.take_calls();
    // Lambda may start a function twice with the same event.
    let copy = || world.local.invoke("copy-long", order.clone());
    let (one, other) = tokio::join!(copy(), copy());
    one.and(other).unwrap();
    let uploads = world.aws.take_calls().iter().filter(|call| *call == "S3 POST").count();
    assert_eq!(uploads, 2, "begun once, ended once");
    assert_eq!(video(&world.customer.process(&id).await)["state"], "stored");
    copy().await.unwrap();
    assert_eq!(world.aws.take_calls().last().map(String::as_str), Some("UpdateItem"), "it is over");
}

#[tokio::test]
async fn the_stream_s_function_only_has_a_video_copied() {
    let world = World::new().await;
    let authorization = world.local.sandbox().tecalis_authorize("approved,video:9").unwrap();
    let id = world.customer.create(&tecalis_order(&authorization)).await.id();
    world.finish(&id, 24).await;
    let calls = world.aws.wire().take();
    let of_copy = |call: &&cotejo_tests::Call| call.about.starts_with("COPY") || call.operation == "Lambda Invoke";
    let calls: Vec<_> = calls.iter().filter(of_copy).map(ToString::to_string).collect();
    let expected =
        ["PutItem COPY", "UpdateItem COPY claim", "Lambda Invoke", "UpdateItem COPY begin", "DeleteItem COPY"];
    assert_eq!(calls, expected);
}
