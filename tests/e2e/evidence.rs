//! Pictures: links that die, files that are not what they should be, and what is kept in the end.

use cotejo_tests::{World, order};
use jiff::SignedDuration;
use serde_json::Value;

fn pictures(process: &Value) -> Vec<&Value> {
    let evidence = process["evidence"].as_array().unwrap().iter();
    evidence.filter(|piece| piece["kind"] != "provider_response").collect()
}

#[tokio::test]
async fn a_picture_that_comes_wrong_at_first_is_copied_in_the_end() {
    let world = World::new().await;
    for script in [
        "approved,cut-off:3",
        "approved,html-picture:3",
        "approved,gone:3",
        "approved,wrong-type",
        "approved,cut-off:1,gone:2",
    ] {
        let process = world.run(script).await;
        assert_eq!(
            (&process["status"], &process["evidence_state"]),
            (&"approved".into(), &"complete".into()),
            "{script}"
        );
        assert_eq!(world.check_pictures(&process).await, 3, "{script}");
    }
}

#[tokio::test]
async fn the_verdict_does_not_wait_for_a_picture() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved,cut-off:4")).await.id();
    world.pass(SignedDuration::from_secs(31)).await;
    let process = world.customer.process(&id).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&"approved".into(), &"pending".into()));
    assert_eq!(pictures(&process)[0]["reason"], "cut_off");
    let process = world.finish(&id, 2).await;
    assert_eq!(process["evidence_state"], "complete");
}

#[tokio::test]
async fn a_picture_that_never_comes_is_given_up_with_its_reason() {
    let world = World::new().await;
    for (script, reason) in [
        ("approved,cut-off", "cut_off"),
        ("approved,html-picture", "not_media"),
        ("approved,gone", "link_expired"),
        ("approved,picture-size:40", "too_large"),
    ] {
        let process = world.run(script).await;
        assert_eq!(
            (&process["status"], &process["evidence_state"]),
            (&"approved".into(), &"incomplete".into()),
            "{script}"
        );
        for picture in pictures(&process) {
            assert_eq!((&picture["state"], &picture["reason"]), (&"incomplete".into(), &reason.into()), "{script}");
        }
    }
}

#[tokio::test]
async fn nothing_but_whole_pictures_and_answers_is_ever_in_the_bucket() {
    let world = World::new().await;
    for script in ["approved,cut-off", "approved,html-picture:1", "approved", "approved,picture-size:40"] {
        world.run(script).await;
    }
    let platform = world.local.platform("run-work").unwrap();
    let bucket = platform.config.bucket.clone();
    let listed = platform.aws.s3.list_objects_v2().bucket(&bucket).send().await.unwrap();
    let mut stored = 0;
    for object in listed.contents() {
        let key = object.key().unwrap();
        let body = platform.aws.s3.get_object().bucket(&bucket).key(key).send().await.unwrap();
        let bytes = body.body.collect().await.unwrap().into_bytes();
        if key.ends_with(".jpg") {
            assert!(bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]), "{key}");
            stored += 1;
        } else {
            serde_json::from_slice::<Value>(&bytes).unwrap();
        }
    }
    assert_eq!(stored, 6);
}

#[tokio::test]
async fn our_links_open_while_the_provider_s_are_dead() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let raw =
        process["evidence"].as_array().unwrap().iter().find(|piece| piece["kind"] == "provider_response").unwrap();
    let path = format!("/processes/{}/evidence/{}", process["id"].as_str().unwrap(), raw["id"].as_str().unwrap());
    let link = world.customer.get(&path).await;
    let (status, answer) = world.customer.open(link.result()["url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let provider_s = answer["attempts"][0]["photo"].as_str().unwrap().to_owned();
    assert_eq!(world.customer.open(&provider_s).await.0, 200);
    world.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(world.customer.open(&provider_s).await.0, 403);
    assert_eq!(world.check_pictures(&process).await, 3);
    let redirected = world.customer.get(&format!("{path}?redirect=true&expires_in_min=1")).await;
    assert_eq!(redirected.status, 303);
    let location = redirected.headers["location"].to_str().unwrap();
    assert_eq!(world.customer.open(location).await.0, 200);
}
