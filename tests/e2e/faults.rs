//! A provider on a very bad day.

use std::collections::HashMap;

use cotejo_sandbox::{FaultKind, Faults};
use cotejo_tests::{When, World, order};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;

#[tokio::test]
async fn with_half_of_all_calls_failing_two_hundred_processes_end_right() {
    let world = World::new().await;
    let sandbox = world.local.sandbox();
    use FaultKind::{
        CutOffPicture, ErrorAfterEffect, HtmlPicture, LinkExpired, NotJson, RateLimited, ServerError, WrongContentType,
    };
    let kinds = vec![
        ServerError,
        ErrorAfterEffect,
        RateLimited,
        NotJson,
        CutOffPicture,
        HtmlPicture,
        LinkExpired,
        WrongContentType,
    ];
    sandbox.set_faults(Faults { rate: 0.5, kinds });

    let customer = &world.customer;
    let scripts = ["approved", "second-attempt", "blocked-validated", "rejected"];
    let ids: Vec<(String, &str)> = stream::iter(0..200)
        .map(|number| async move {
            let script = scripts[number % scripts.len()];
            let answer = customer.create_once(&number.to_string(), &order(script)).await;
            assert!(matches!(answer.status, 201 | 202), "{answer:?}");
            (answer.id(), script)
        })
        .buffered(8)
        .collect()
        .await;

    let mut open: Vec<_> = ids.iter().collect();
    let start = world.now();
    while !open.is_empty() && world.now() < start + SignedDuration::from_hours(48) {
        let passed = world.now().duration_since(start);
        world.pass(SignedDuration::from_mins((passed.as_mins() / 6).max(2))).await;
        let mut still = Vec::new();
        for each in open {
            let process = customer.process(&each.0).await;
            let ended = matches!(process["status"].as_str().unwrap(), "approved" | "rejected" | "failed");
            if !ended || process["evidence_state"] == "pending" {
                still.push(each);
            }
        }
        open = still;
    }
    assert!(open.is_empty(), "{} never ended", open.len());

    sandbox.set_faults(Faults::default());
    let there: HashMap<String, String> = sandbox
        .auco_processes()
        .into_iter()
        .map(|process| (process.custom["cotejo_id"].as_str().unwrap().to_owned(), process.code))
        .collect();
    assert_eq!(there.len(), sandbox.auco_processes().len(), "a process was submitted twice");
    let (mut verified, mut pictures) = (0, 0);
    for (id, script) in &ids {
        let process = customer.process(id).await;
        match there.get(id) {
            None => {
                let end = (process["status"].as_str().unwrap(), process["status_reason"].as_str());
                assert_eq!(end, ("failed", Some("submission_unknown")), "{id}");
            }
            Some(code) => {
                assert_eq!(process["provider_reference"], code.as_str());
                assert_eq!(process["status"], if *script == "rejected" { "rejected" } else { "approved" }, "{script}");
                assert_eq!(process["evidence_state"], "complete", "{id}");
                verified += 1;
                pictures += world.check_pictures(&process).await;
            }
        }
    }
    assert!(verified > 100, "{verified} of 200 reached Auco");

    // Each picture once: as many objects as pieces of evidence.
    let platform = world.local.platform("run-work").unwrap();
    let mut pages = platform.aws.s3.list_objects_v2().bucket(&platform.config.bucket).into_paginator().send();
    let mut objects = 0;
    while let Some(page) = pages.next().await {
        objects += page.unwrap().contents().iter().filter(|object| object.key().unwrap().ends_with(".jpg")).count();
    }
    assert_eq!(objects, pictures);
    println!("{verified} of 200 reached Auco; {pictures} pictures, {objects} objects");
}

#[tokio::test]
async fn a_provider_that_refuses_says_why_and_the_refusal_is_remembered() {
    let world = World::new().await;
    let mut body = order("approved");
    body["options"]["target_webhooks"] = serde_json::json!(["nobody"]);
    let answer = world.customer.create_once("k", &body).await;
    assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"));
    let again = world.customer.create_once("k", &body).await;
    assert_eq!((again.status, again.error_code()), (422, "refused_by_provider"));
    assert_eq!(world.local.sandbox().calls().creates, 1);
    world.catch_up();
    let failed = world.customer.get("/processes?status=failed").await;
    assert_eq!(failed.result()["data"][0]["status_reason"], "refused_by_provider");
}

#[tokio::test]
async fn keys_that_the_provider_does_not_take_refuse_a_creation_and_cost_time_afterwards() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved")).await.id();
    let keys = serde_json::json!({"public_key": "puk_wrong", "private_key": "prk_wrong"});
    world.local.set_account("local", "auco", keys).unwrap();
    let answer = world.customer.create(&order("approved")).await;
    assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"));
    assert!(answer.body["error"].as_str().unwrap().contains("unauthorized"));
    world.pass(jiff::SignedDuration::from_mins(5)).await;
    let process = world.customer.process(&id).await;
    let trouble =
        |entry: &serde_json::Value| entry["detail"].as_str().is_some_and(|detail| detail.contains("unauthorized"));
    assert_eq!(process["status"], "in_progress");
    assert!(process["timeline"].as_array().unwrap().iter().any(trouble), "{process}");
}

#[tokio::test]
async fn a_submission_that_surely_had_no_effect_is_repeated_after_its_lease() {
    let world = World::new().await;
    let faults = |rate| Faults { rate, kinds: vec![FaultKind::RateLimited] };
    world.local.sandbox().set_faults(faults(1.0));
    let answer = world.customer.create(&order("approved")).await;
    assert_eq!((answer.status, &answer.result()["status"]), (202, &serde_json::json!("submitting")));
    world.local.sandbox().set_faults(faults(0.0));
    let process = world.finish(&answer.id(), 2).await;
    assert_eq!(process["status"], "approved");
    assert_eq!(world.local.sandbox().auco_processes().len(), 1);
}

#[tokio::test]
async fn a_long_outage_is_one_line_of_the_timeline() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved,query-5xx:12")).await.id();
    let process = world.finish(&id, 24).await;
    assert_eq!(process["status"], "approved");
    let troubles = |event: &&serde_json::Value| event["event"] == "provider_trouble";
    assert_eq!(process["timeline"].as_array().unwrap().iter().filter(troubles).count(), 1);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_trouble_of_ours_until_it_was_read_once() {
    let world = World::new().await;
    // The keys can be read, the account behind them cannot.
    world.customer.create(&serde_json::json!({})).await;
    world.aws.fail("GetSecretValue", When::Before);
    let answer = world.customer.create(&order("approved")).await;
    assert_eq!((answer.status, answer.error_code()), (503, "unavailable"));
    assert!(world.aws.is_calm());
    world.catch_up();
    assert_eq!(world.customer.get("/processes").await.result()["data"], serde_json::json!([]), "nothing was stored");

    assert_eq!(world.customer.create(&order("approved")).await.status, 201);
    world.clock.advance(SignedDuration::from_mins(6));
    // Keys and account are old; neither can be read again, and both go on serving.
    world.aws.fail("GetSecretValue", When::Before);
    world.aws.fail("GetSecretValue", When::Before);
    assert_eq!(world.customer.create(&order("approved")).await.status, 201);
    assert!(world.aws.is_calm());
}
