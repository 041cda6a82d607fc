//! Certificates: fetched when they are there, kept once, given out, and never anything but a whole PDF.

use cotejo_tests::{Customer, World, link_order};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn certified(world: &World, script: &str) -> String {
    let order = link_order(world.local.sandbox(), script, false, &json!({"certify": true}));
    let created = world.customer.create(&order).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.id()
}

fn path(id: &str) -> String {
    format!("/processes/{id}/certificate")
}

/// Checks that the certificate given out is the one that LINK made.
async fn check_given(world: &World, id: &str) {
    let made = world.local.sandbox().link_certificate(id).unwrap();
    let answer = world.customer.get(&path(id)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (status, bytes) = world.customer.open(answer.result()["url"].as_str().unwrap()).await;
    assert!(status == 200 && bytes == made && bytes.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn one_in_the_making_is_a_matter_of_time() {
    let world = World::new().await;
    let id = certified(&world, "ok").await;
    let answer = world.customer.get(&path(&id)).await;
    assert_eq!((answer.status, answer.result()), (202, &json!({"state": "pending"})));
    assert_eq!(answer.headers["retry-after"], "30");
    assert_eq!(world.customer.process(&id).await["certificate"], json!({"state": "pending"}));

    let process = world.finish(&id, 1).await;
    let made = world.local.sandbox().link_certificate(&id).unwrap();
    assert_eq!(
        (&process["certificate"]["state"], &process["certificate"]["bytes"]),
        (&json!("stored"), &json!(made.len()))
    );
    // By now the function has taken a share of the tenant's limit that lasts for a while.
    for _ in 0..3 {
        check_given(&world, &id).await;
    }
    world.aws.take_calls();
    world.customer.get(&path(&id)).await;
    assert_eq!(world.aws.take_calls(), ["GetItem"], "a link is signed, not asked for");

    let download = world.customer.fetch(&format!("{}?download=true", path(&id))).await;
    assert_eq!(
        (download.status(), &download.headers()["content-type"]),
        (200.try_into().unwrap(), &"application/pdf".parse().unwrap())
    );
    assert!(download.bytes().await.unwrap() == made);
    let redirect = world.customer.fetch(&format!("{}?redirect=true", path(&id))).await;
    assert_eq!(redirect.status().as_u16(), 303);
    let (_, bytes) = world.customer.open(redirect.headers()["location"].to_str().unwrap()).await;
    assert!(bytes == made);
    assert_eq!(world.local.sandbox().calls().certificates, 1, "fetched once");
}

#[tokio::test]
async fn what_is_wrong_or_late_is_fetched_again() {
    let world = World::new().await;
    for script in [
        "ok,certificate-late:3",
        "ok,certificate-html:2",
        "ok,certificate-5xx:2",
        "ok,certificate-elsewhere",
        "ok,no-callback",
    ] {
        let id = certified(&world, script).await;
        let process = world.finish(&id, 24).await;
        assert_eq!(process["certificate"]["state"], "stored", "{script}");
        check_given(&world, &id).await;
    }
}

#[tokio::test]
async fn one_that_was_announced_is_fetched_by_whoever_wants_it() {
    let world = World::new().await;
    let id = certified(&world, "ok,certificate-5xx:1").await;
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(21));
    world.local.sandbox().tick().await;
    // The callback came, and the copy fails.
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["certificate"]["state"], "pending");
    check_given(&world, &id).await;
    assert_eq!(world.customer.process(&id).await["certificate"]["state"], "stored");
    world.local.pump().await;
    world.pass(SignedDuration::from_mins(10)).await;
    assert_eq!(world.local.sandbox().calls().certificates, 2);
}

#[tokio::test]
async fn where_there_is_none_the_answer_says_so() {
    let world = World::new().await;
    let plain = world.customer.create(&link_order(world.local.sandbox(), "ok", false, &Value::Null)).await.id();
    let failed = certified(&world, "ok,certificate-error").await;
    world.finish(&failed, 24).await;
    for id in [&plain, &failed] {
        let answer = world.customer.get(&path(id)).await;
        assert_eq!((answer.status, answer.error_code()), (404, "no_certificate"));
    }
    let process = world.customer.process(&failed).await;
    assert_eq!(process["certificate"], json!({"state": "failed", "reason": "provider_failed"}));
    let other = world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(world.local.url(), &other.api_key);
    for id in [plain.as_str(), "x", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(other.get(&path(id)).await.error_code(), "not_found");
    }
    let wrong = world.customer.get(&format!("{}?expires_in_min=61", path(&plain))).await;
    assert_eq!((wrong.status, wrong.fields()), (422, vec!["expires_in_min"]));
}

#[tokio::test]
async fn one_that_never_comes_is_given_up() {
    let world = World::new().await;
    let id = certified(&world, "ok,certificate-html").await;
    let process = world.finish(&id, 24 * 10).await;
    assert_eq!(process["certificate"], json!({"state": "failed", "reason": "not_media"}));
    assert_eq!(world.customer.get(&path(&id)).await.error_code(), "no_certificate");
}
