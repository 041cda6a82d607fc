//! Every way a verification at LINK can go, by machine and by people, and everything that may go wrong on the way.

use std::collections::HashMap;

use cotejo_tests::{When, World, link_order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

/// Lets a verification run to its end.
async fn run(world: &World, script: &str, face: bool, options: &Value) -> Value {
    let created = world.customer.create(&link_order(world.local.sandbox(), script, face, options)).await;
    assert!(matches!(created.status, 201 | 202), "{script}: {created:?}");
    world.finish(&created.id(), 24).await
}

fn state(process: &Value) -> (&str, Option<&str>) {
    (process["status"].as_str().unwrap(), process["status_reason"].as_str())
}

fn events(process: &Value, event: &str) -> usize {
    process["timeline"].as_array().unwrap().iter().filter(|entry| entry["event"] == event).count()
}

fn check<'a>(process: &'a Value, name: &str) -> &'a Value {
    let checks = process["findings"]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn the_machine_s_verdict_comes_with_the_creation() {
    let world = World::new().await;
    for (script, face, status, reason) in [
        ("ok", false, "approved", None),
        ("ok", true, "approved", None),
        ("face-fail", true, "rejected", Some("face_recognition")),
        ("not-correct", false, "rejected", Some("not_correct")),
        ("not-processed", false, "failed", Some("not_processed")),
        ("error", false, "failed", Some("provider_error")),
        ("face-missing", true, "in_review", Some("face_unclear")),
        ("warning", false, "in_review", Some("provider_warning")),
        ("processing", false, "in_progress", None),
    ] {
        let order = link_order(world.local.sandbox(), script, face, &Value::Null);
        let created = world.customer.create(&order).await;
        assert_eq!((created.status, state(created.result())), (201, (status, reason)), "{script}");
        assert_eq!(created.result()["provider_reference"], created.result()["id"]);
    }
    assert_eq!(world.local.sandbox().calls().tokens, 1, "one token serves them all");
}

#[tokio::test]
async fn an_approval_has_everything_and_the_pictures_that_were_submitted() {
    let world = World::new().await;
    let process = run(&world, "ok", true, &json!({"certify": true})).await;
    assert_eq!((state(&process), &process["evidence_state"]), (("approved", None), &json!("complete")));
    let kinds: Vec<_> = process["evidence"].as_array().unwrap().iter().map(|piece| &piece["kind"]).collect();
    assert_eq!(kinds, ["document_front", "document_back", "selfie", "provider_response"]);
    assert_eq!(process["certificate"]["state"], "stored");
    for name in ["mrz_check_digits", "dni_check_letter", "number_matches_request"] {
        let check = check(&process, name);
        assert_eq!((&check["source"], &check["outcome"]), (&json!("computed"), &json!("passed")), "{name}");
    }
    insta::assert_json_snapshot!(process, {
        ".id" => "[id]", ".provider_reference" => "[id]", ".evidence[].id" => "[id]", ".timeline[].id" => "[id]",
        ".evidence[].sha256" => "[hash]", ".evidence[].bytes" => "[bytes]",
        ".certificate.sha256" => "[hash]", ".certificate.bytes" => "[bytes]",
    });
}

#[tokio::test]
async fn people_s_verdict_comes_by_callback() {
    let world = World::new().await;
    for (script, face, status, reason) in [
        ("ok", false, "approved", None),
        ("ok", true, "approved", None),
        ("not-approved", true, "rejected", Some("evidence_of_forgery_biodata_fonts")),
        ("rejected", false, "failed", Some("glare")),
        ("rejected", true, "rejected", Some("selfie_not_live")),
        ("not-match", true, "rejected", Some("not_match")),
        ("not-live", true, "rejected", Some("not_live")),
        ("selfie-not-live", true, "rejected", Some("selfie_not_live")),
        ("no-face-info", true, "failed", Some("incomplete_result")),
        ("manual-error", true, "failed", Some("provider_error")),
    ] {
        let order = link_order(world.local.sandbox(), script, face, &json!({"manual": true}));
        let created = world.customer.create(&order).await;
        assert_eq!((created.status, state(created.result())), (201, ("in_progress", None)), "{script}");
        let process = world.finish(&created.id(), 1).await;
        assert_eq!(state(&process), (status, reason), "{script}");
        let raw = |piece: &&Value| piece["kind"] == "provider_response";
        assert_eq!(
            process["evidence"].as_array().unwrap().iter().filter(raw).count(),
            2,
            "{script}: both answers kept"
        );
    }
}

#[tokio::test]
async fn a_refusal_by_people_names_every_reason() {
    let world = World::new().await;
    let process = run(&world, "not-approved", true, &json!({"manual": true})).await;
    assert_eq!(check(&process, "evidence_of_forgery_signature")["detail"], "authenticity");
    assert_eq!(check(&process, "expired_or_invalidated")["outcome"], "failed");
    assert_eq!(process["findings"]["face"], json!({"similarity": null, "liveness": "failed"}));
    assert_eq!(process["findings"]["provider_result"], "NOT_APPROVED");
}

#[tokio::test]
async fn a_warning_goes_to_people_where_that_was_asked_for() {
    let world = World::new().await;
    let options = json!({"manual_on_warning": true, "certify": true});
    for (script, status) in
        [("warning", "approved"), ("warning-rejected", "rejected"), ("warning,refuse-repeat", "approved")]
    {
        let process = run(&world, script, false, &options).await;
        assert_eq!(process["status"], status, "{script}");
        assert_eq!(process["certificate"]["state"], "stored", "{script}");
        let requests = world.local.sandbox().link_requests();
        let of_process: Vec<_> =
            requests.iter().rev().take(2).map(|request| (request.manual, request.repeats)).collect();
        assert_eq!(of_process, [(true, 0), (false, 0)], "{script}: one request by machine, then one by hand");
    }
    let left = run(&world, "warning", false, &Value::Null).await;
    assert_eq!(state(&left), ("in_review", Some("provider_warning")));
    let id = left["id"].as_str().unwrap();
    let decided = world.customer.decide(id, &json!({"decision": "approved", "reason": "seen"})).await;
    assert_eq!(decided.result()["status"], "approved");
}

#[tokio::test]
async fn an_escalation_is_sent_once_whatever_happens_to_it() {
    let world = World::new().await;
    let options = json!({"manual_on_warning": true});
    // The commit behind it is lost; then the answer.
    for (operation, when) in [("PutItem", When::Before), ("PutItem", When::After)] {
        let order = link_order(world.local.sandbox(), "warning", false, &options);
        let created = world.customer.create(&order).await;
        assert_eq!(created.result()["status"], "in_review");
        world.aws.fail(operation, when);
        let process = world.finish(&created.id(), 24).await;
        assert!(world.aws.is_calm());
        assert_eq!((&process["status"], events(&process, "escalated")), (&json!("approved"), 1));
    }
    let requests = world.local.sandbox().link_requests();
    assert_eq!(requests.iter().filter(|request| request.manual).count(), 2);
}

#[tokio::test]
async fn a_creation_without_an_answer_is_made_again_under_the_same_id() {
    let world = World::new().await;
    for script in ["ok,create-5xx", "ok,create-5xx-after", "ok,create-5xx-after,refuse-repeat"] {
        let order = link_order(world.local.sandbox(), script, true, &json!({"certify": true}));
        let created = world.customer.create(&order).await;
        assert_eq!((created.status, &created.result()["status"]), (202, &json!("submitting")), "{script}");
        let process = world.finish(&created.id(), 24).await;
        let requests = world.local.sandbox().link_requests();
        assert_eq!(requests.iter().filter(|request| request.id == created.id()).count(), 1, "{script}");
        if script.ends_with("refuse-repeat") {
            // What became of the first nobody can say, since LINK does not tell what it has.
            assert_eq!(state(&process), ("failed", Some("submission_unknown")));
        } else {
            assert_eq!(state(&process), ("approved", None), "{script}");
            assert_eq!(process["certificate"]["state"], "stored", "{script}");
        }
    }
}

#[tokio::test]
async fn people_s_verdict_counts_once_however_it_comes() {
    let world = World::new().await;
    let options = json!({"manual": true, "certify": true});
    for script in ["ok,duplicate-callback", "ok,out-of-order", "ok,callback-before-answer", "ok,token-expires"] {
        let process = run(&world, script, true, &options).await;
        assert_eq!(
            (state(&process), &process["certificate"]["state"]),
            (("approved", None), &json!("stored")),
            "{script}"
        );
        assert_eq!((events(&process, "amended"), events(&process, "certificate_stored")), (0, 1), "{script}");
        let ends = |entry: &&Value| entry["detail"].as_str().is_some_and(|detail| detail.ends_with("-> approved"));
        assert_eq!(process["timeline"].as_array().unwrap().iter().filter(ends).count(), 1, "{script}");
    }
}

#[tokio::test]
async fn a_verdict_that_never_comes_ends_at_the_deadline() {
    let world = World::new().await;
    let mut order = link_order(world.local.sandbox(), "ok,no-callback", false, &json!({"manual": true}));
    order["expires_at"] = json!(world.now() + SignedDuration::from_hours(48));
    let id = world.customer.create(&order).await.id();
    world.pass(SignedDuration::from_hours(47)).await;
    assert_eq!(world.customer.process(&id).await["status"], "in_progress");
    world.pass(SignedDuration::from_hours(2)).await;
    world.local.pump().await;
    assert_eq!(state(&world.customer.process(&id).await), ("expired", Some("deadline_passed")));
}

#[tokio::test]
async fn wrong_credentials_are_a_refusal_that_says_so() {
    let world = World::new().await;
    world.local.set_account("local", "link", json!({"user": "nobody", "password": "wrong"})).unwrap();
    let order = link_order(world.local.sandbox(), "ok", false, &Value::Null);
    let answer = world.customer.create(&order).await;
    assert_eq!((answer.status, answer.error_code()), (422, "refused_by_provider"));
    assert!(answer.body["error"].as_str().unwrap().contains("unauthorized"), "{answer:?}");
    let health = world.customer.get("/providers/link/health").await;
    assert_eq!(health.result(), &json!({"provider": "link", "healthy": false, "trouble": "unauthorized"}));
}

#[tokio::test]
async fn its_health_can_be_asked() {
    let world = World::new().await;
    let health = world.customer.get("/providers/link/health").await;
    assert_eq!((health.status, health.result()), (200, &json!({"provider": "link", "healthy": true})));
    for unknown in ["auco", "tecalis", "nobody"] {
        let answer = world.customer.get(&format!("/providers/{unknown}/health")).await;
        assert_eq!((answer.status, answer.error_code()), (404, "not_found"), "{unknown}");
    }
}

#[tokio::test]
async fn a_long_verdict_goes_through_the_bucket_and_a_forged_one_nowhere() {
    let world = World::new().await;
    let order = link_order(world.local.sandbox(), "ok,no-callback", false, &json!({"manual": true}));
    let id = world.customer.create(&order).await.id();
    let secrets = world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
    let path = |purpose| {
        let tenant = "local".parse().unwrap();
        let token =
            cotejo::providers::callback_token::mint(&secrets, "link", &tenant, Some(id.parse().unwrap()), purpose)
                .unwrap();
        format!("/callbacks/link/{token}")
    };
    let (result, certificate) =
        (path(cotejo::providers::Purpose::Result), path(cotejo::providers::Purpose::Certificate));
    let verdict = json!({
        "id": id, "service": "ManualIDVerification", "status": "Completed",
        "data": {"documentInfo": {
            "acceptance": {"result": "ACCEPTED"},
            "findings": {"documentApproval": "NOT_APPROVED", "details": {"validity": {"result": "NOT_VALID", "reasons": ["EXPIRED_OR_INVALIDATED"]}}},
            "padding": "x".repeat(20_000),
        }},
    });
    let post =
        async |path: &str, body: &Value| world.customer.send(Method::POST, path, &[], Some(body.to_string())).await;
    // Where a certificate is expected it is kept, and decides nothing.
    assert_eq!(post(&certificate, &verdict).await.result(), &json!({"kept": true}));
    let mut other = verdict.clone();
    other["id"] = json!("00000000-0000-4000-8000-000000000000");
    assert_eq!(post(&result, &other).await.status, 400);
    world.local.pump().await;
    let process = world.customer.process(&id).await;
    assert_eq!((&process["status"], events(&process, "callback_unreadable")), (&json!("in_progress"), 2));

    assert_eq!(post(&result, &verdict).await.result(), &json!({"kept": true}));
    // The bucket is down when it is looked at: nothing is lost.
    world.aws.fail("S3 GET", When::Before);
    world.local.pump().await;
    assert!(world.aws.is_calm());
    let process = world.customer.process(&id).await;
    assert_eq!(state(&process), ("rejected", Some("expired_or_invalidated")));
    world.clock.advance(SignedDuration::from_hours(24 * 91));
    let late = post(&result, &verdict).await;
    assert_eq!((late.status, late.error_code()), (410, "callback_over"));
}

#[tokio::test]
async fn callbacks_from_elsewhere_are_refused() {
    let world = World::new().await;
    let keys = json!({"user": "u", "password": "p", "callback_addresses": ["203.0.113.7"]});
    let order = link_order(world.local.sandbox(), "ok", false, &json!({"manual": true}));
    let id = world.customer.create(&order).await.id();
    world.local.set_account("local", "link", keys).unwrap();
    world.pass(SignedDuration::from_mins(6)).await;
    world.pass(SignedDuration::from_mins(1)).await;
    let process = world.customer.process(&id).await;
    assert_eq!((&process["status"], events(&process, "callback_received")), (&json!("in_progress"), 0));
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_one_that_it_names_last() {
    let proxies = [("COTEJO_TRUSTED_PROXIES".to_owned(), "127.0.0.0/8, 192.0.2.1".to_owned())];
    for (overrides, believes) in [(HashMap::new(), false), (HashMap::from(proxies), true)] {
        let world = World::with(None, overrides).await;
        let order = link_order(world.local.sandbox(), "ok,no-callback", false, &json!({"manual": true}));
        let id = world.customer.create(&order).await.id();
        let keys = json!({"user": "u", "password": "p", "callback_addresses": ["203.0.113.7"]});
        world.local.set_account("local", "link", keys).unwrap();
        world.clock.advance(SignedDuration::from_mins(6));
        let secrets = world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
        let (tenant, purpose) = ("local".parse().unwrap(), cotejo::providers::Purpose::Result);
        let id = Some(id.parse().unwrap());
        let token = cotejo::providers::callback_token::mint(&secrets, "link", &tenant, id, purpose).unwrap();
        let callback = async |forwarded: &str| {
            let (path, headers) = (format!("/callbacks/link/{token}"), [("x-forwarded-for", forwarded)]);
            world.customer.send(Method::POST, &path, &headers, Some("{}".to_owned())).await.status
        };
        // Anybody can claim to be somebody: what stands before the caller's own address is nothing.
        for forged in ["203.0.113.7, 198.51.100.1", "203.0.113.7, nonsense", "203.0.113.7, 198.51.100.1, 192.0.2.1", ""]
        {
            assert_eq!(callback(forged).await, 401, "{forged}");
        }
        // One that cannot be read, from the right address, is kept.
        for true_one in ["203.0.113.7", "1.2.3.4, 203.0.113.7", "203.0.113.7, 192.0.2.1", "203.0.113.7:4711"] {
            assert_eq!(callback(true_one).await, if believes { 200 } else { 401 }, "{true_one}");
        }
    }
}
