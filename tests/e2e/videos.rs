//! Videos: copied beside their process, in parts, again and again until they are whole, and not for ever.

use cotejo_tests::{World, tecalis_order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use serde_json::Value;

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
