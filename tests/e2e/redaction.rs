//! Redaction: what is left of a person, whatever is going on while they are removed. Nothing.

use cotejo::providers::{Purpose, callback_token};
use cotejo_sandbox::LinkPicture;
use cotejo_tests::{Answer, Kept, World, link_order, order, tecalis_order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// What is planted wherever a customer, a person or a provider can say something.
const CANARIES: [&str; 9] = [
    "Canaria Delatora",
    "canaria@delatora.example",
    "3009998877",
    "98765432109",
    "canary-metadata",
    "canary-tag",
    "canary-reason",
    "canary-consent",
    "canary-custom",
];

fn canary_order(script: &str) -> Value {
    let mut canary = order(script);
    canary["person"] =
        json!({"name": "Canaria Delatora", "phone": "+573009998877", "email": "canaria@delatora.example"});
    canary["document"]["number"] = json!("98765432109");
    canary["metadata"] = json!({"note": "canary-metadata"});
    canary["tags"] = json!(["canary-tag"]);
    canary["consent"] = json!({"purpose": "canary-consent", "obtained_at": "2026-11-01T00:00:00Z"});
    canary["options"]["custom"]["note"] = json!("canary-custom");
    canary
}

async fn redact(world: &World, id: &str) -> Answer {
    world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await
}

/// Both sweeps of the bucket.
async fn sweep(world: &World) {
    world.local.pump().await;
    world.pass(SignedDuration::from_mins(21)).await;
    world.pass(SignedDuration::from_mins(1)).await;
}

async fn kept_of(world: &World, id: &str) -> Vec<Kept> {
    world.objects(&format!("local/{id}/")).await
}

/// Checks that the process is redacted, and that nothing of it is in the bucket or will be copied there.
async fn check_gone(world: &World, id: &str) -> Value {
    sweep(world).await;
    assert!(world.aws.is_calm());
    let process = world.customer.process(id).await;
    assert!(process["redacted_at"].is_string(), "{process}");
    assert_eq!(process["timeline"].as_array().unwrap().last().unwrap()["event"], "redaction_completed");
    let kept: Vec<_> = kept_of(world, id).await.into_iter().map(|object| object.key).collect();
    assert_eq!((kept, world.unfinished_uploads().await), (Vec::<String>::new(), 0));
    // A provider tries its webhooks four times, whatever we say.
    for _ in 0..4 {
        world.pass(SignedDuration::from_mins(10)).await;
    }
    world.aws.take_calls();
    world.pass(SignedDuration::from_hours(24 * 40)).await;
    assert_eq!(world.aws.take_calls(), ["Query"; 16], "something is still to be done");
    process
}

#[tokio::test]
async fn what_happened_is_kept_and_who_it_was_is_not() {
    let world = World::new().await;
    let created = world.customer.create_once("once", &canary_order("approved")).await;
    let process = world.finish(&created.id(), 1).await;
    let redacted = redact(&world, &created.id()).await;
    assert_eq!(redacted.status, 200);
    let process_now = check_gone(&world, &created.id()).await;
    insta::assert_json_snapshot!(process_now, {
        ".id" => "[id]", ".provider_reference" => "[reference]", ".evidence[].id" => "[id]", ".timeline[].id" => "[id]",
        ".evidence[].sha256" => "[hash]", ".evidence[].bytes" => "[bytes]", ".timeline[].detail" => "[detail]",
        ".timeline[].at" => "[time]", ".timeline[].by.id" => "[key]",
    });
    let hashes = |process: &Value| -> Vec<Value> {
        process["evidence"].as_array().unwrap().iter().map(|piece| piece["sha256"].clone()).collect()
    };
    assert_eq!(hashes(&process_now), hashes(&process), "the hashes stay");

    let again = redact(&world, &created.id()).await;
    assert_eq!((again.status, again.result()), (200, &process_now));
    let evidence = process["evidence"][0]["id"].as_str().unwrap();
    let path = format!("/processes/{}", created.id());
    for answer in [
        world.customer.create_once("once", &canary_order("approved")).await,
        world.customer.create_once("once", &canary_order("rejected")).await,
        world.customer.get(&format!("{path}/evidence/{evidence}")).await,
        world.customer.get(&format!("{path}/certificate")).await,
        world.customer.decide(&created.id(), &json!({"decision": "approved", "reason": "r"})).await,
        world.customer.put(&format!("{path}/legal-hold"), &json!({"until": "2036-01-01T00:00:00Z"})).await,
    ] {
        assert_eq!((answer.status, answer.error_code()), (410, "redacted"), "{answer:?}");
    }
    let body = json!({"code": process["provider_reference"], "status": "INVALIDATED"}).to_string();
    let webhook = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap();
    world.customer.send(Method::POST, webhook, &[], Some(body)).await;
    world.local.pump().await;
    assert_eq!(world.customer.process(&created.id()).await, process_now);
}

#[tokio::test]
async fn no_canary_is_left_in_table_or_bucket() {
    let world = World::new().await;
    let created = world.customer.create_once("canary-key", &canary_order("blocked")).await;
    let id = created.id();
    world.finish(&id, 1).await;
    let body = json!({
        "code": created.result()["provider_reference"], "status": "BLOCKED", "message": "canary-reason",
        "data": {"name": "Canaria Delatora"},
    });
    let webhook = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap();
    world.customer.send(Method::POST, webhook, &[], Some(body.to_string())).await;
    world.local.pump().await;
    let decided = world.customer.decide(&id, &json!({"decision": "rejected", "reason": "canary-reason"})).await;
    assert_eq!(decided.status, 200);
    world.local.pump().await;

    let find = async |canary: &str| {
        let mut kept = world.items().await;
        kept.extend(world.objects("").await);
        kept.iter().filter(|kept| kept.tells(canary)).map(|kept| kept.key.clone()).collect::<Vec<_>>()
    };
    for canary in CANARIES {
        assert!(!find(canary).await.is_empty(), "{canary} was never kept, so that it is gone would prove nothing");
    }
    assert_eq!(redact(&world, &id).await.status, 200);
    // The item is emptied at once, the bucket in the background.
    let in_table = |canary| world.items().map(move |items| items.iter().any(|item| item.tells(canary)));
    for canary in CANARIES {
        assert!(!in_table(canary).await, "{canary} is in the table");
    }
    check_gone(&world, &id).await;
    for canary in CANARIES {
        assert_eq!(find(canary).await, Vec::<String>::new(), "{canary} is left");
    }
}

#[tokio::test]
async fn nothing_is_left_of_submitted_pictures_people_s_findings_and_a_certificate() {
    let world = World::new().await;
    let mut order = link_order(world.local.sandbox(), "not-approved", true, &json!({"manual": true, "certify": true}));
    let selfie = world.local.sandbox().link_picture(LinkPicture::Selfie, "").unwrap();
    let place = world.customer.post("/uploads", &json!({"content_type": "image/jpeg", "bytes": selfie.len()})).await;
    assert_eq!(world.customer.upload(place.result(), selfie).await, 200);
    order["pictures"]["selfie"] = json!({"upload_id": place.result()["id"]});
    order["person"]["name"] = json!("Canaria Delatora");
    let created = world.customer.create_once("canary-key", &order).await;
    let process = world.finish(&created.id(), 1).await;
    assert_eq!((&process["status"], &process["certificate"]["state"]), (&json!("rejected"), &json!("stored")));
    // A name that LINK's people read, and what the pictures and the certificate begin with.
    let canaries = ["CARMEN", "Canaria", "JFIF", "%PDF", "NOT_APPROVED"];
    let find = async |canary: &str| {
        let mut kept = world.items().await;
        kept.extend(world.objects("").await);
        kept.into_iter().filter(|kept| kept.tells(canary)).map(|kept| kept.key).collect::<Vec<_>>()
    };
    for canary in canaries {
        assert!(!find(canary).await.is_empty(), "{canary} was never kept");
    }
    assert_eq!(redact(&world, &created.id()).await.status, 200);
    let redacted = check_gone(&world, &created.id()).await;
    for canary in canaries {
        assert_eq!(find(canary).await, Vec::<String>::new(), "{canary} is left");
    }
    assert!(world.objects("").await.is_empty(), "the upload went too");
    // The same request again, and a late word of LINK's that is too long for the table, leave nothing either.
    let again = world.customer.create_once("canary-key", &order).await;
    assert_eq!((again.status, again.error_code()), (410, "redacted"));
    let secrets = world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
    let (tenant, id) = ("local".parse().unwrap(), created.id());
    let token = callback_token::mint(&secrets, "link", &tenant, Some(id.parse().unwrap()), Purpose::Result).unwrap();
    let late = json!({"id": id, "service": "ManualIDVerification", "status": "Completed", "data": {"x": "Canaria".repeat(4000)}});
    let path = format!("/callbacks/link/{token}");
    let late = world.customer.send(Method::POST, &path, &[], Some(late.to_string())).await;
    assert_eq!((late.status, late.error_code()), (410, "callback_over"));
    assert!(world.objects("").await.is_empty());
    let certificate = &redacted["certificate"];
    assert_eq!(
        (&certificate["state"], &certificate["sha256"]),
        (&json!("redacted"), &process["certificate"]["sha256"])
    );
}

#[tokio::test]
async fn a_certificate_and_a_verdict_under_way_bring_nothing_back() {
    let world = World::new().await;
    for (operation, before) in [("S3 PUT", 0), ("S3 PUT", 1), ("PutItem", 0)] {
        let order = link_order(world.local.sandbox(), "ok", true, &json!({"manual": true, "certify": true}));
        let id = world.customer.create(&order).await.id();
        world.local.pump().await;
        for _ in 0..before {
            world.aws.interleave(operation, || async {}.boxed());
        }
        let (customer, path) = (world.customer.clone(), format!("/processes/{id}/redact"));
        world.aws.interleave(operation, move || {
            async move {
                assert_eq!(customer.post(&path, &json!({})).await.status, 200);
            }
            .boxed()
        });
        // The reviewer's result, then the certificate.
        world.pass(SignedDuration::from_mins(6)).await;
        world.pass(SignedDuration::from_mins(1)).await;
        let process = check_gone(&world, &id).await;
        assert_eq!(process["findings"]["checks"], json!([]), "{operation} {before}");
    }
}

#[tokio::test]
async fn a_process_under_way_is_called_off() {
    let world = World::new().await;
    let id = world.customer.create(&canary_order("approved")).await.id();
    let redacted = redact(&world, &id).await;
    let redacted = redacted.result();
    assert_eq!((&redacted["status"], &redacted["status_reason"]), (&json!("cancelled"), &json!("redacted")));
    // The person goes on at the provider, whose webhook comes to nothing.
    world.pass(SignedDuration::from_secs(31)).await;
    world.local.sandbox().tick().await;
    let process = check_gone(&world, &id).await;
    assert_eq!((&process["status"], &process["evidence"]), (&json!("cancelled"), &json!([])));
}

/// Creates a process whose person is done, and plans its redaction just before the next `operation` of whoever looks.
async fn redact_during(world: &World, operation: &str) -> String {
    let id = world.customer.create(&canary_order("approved,no-callback")).await.id();
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    let (customer, path) = (world.customer.clone(), format!("/processes/{id}/redact"));
    world.aws.interleave(operation, move || {
        async move {
            assert_eq!(customer.post(&path, &json!({})).await.status, 200);
        }
        .boxed()
    });
    world.local.pump().await;
    assert!(world.aws.is_calm(), "{operation} was not made");
    id
}

#[tokio::test]
async fn a_refresh_that_is_about_to_commit_brings_nothing_back() {
    let world = World::new().await;
    let id = redact_during(&world, "PutItem").await;
    check_gone(&world, &id).await;
}

#[tokio::test]
async fn a_picture_that_arrives_after_the_first_sweep_goes_with_the_second() {
    let world = World::new().await;
    let id = world.customer.create(&canary_order("approved,no-callback")).await.id();
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    // Between the picture's bytes and the bucket, the process is redacted and swept by another execution.
    let (reached, is_reached) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    world.aws.interleave("S3 PUT", move || {
        async move {
            reached.send(()).unwrap();
            may_go_on.await.unwrap();
        }
        .boxed()
    });
    let look = || world.local.invoke("run-work", look_event(&id));
    let other = async {
        is_reached.await.unwrap();
        assert_eq!(redact(&world, &id).await.status, 200);
        let swept = look().await;
        go_on.send(()).unwrap();
        swept
    };
    let (copied, swept) = tokio::join!(look(), other);
    assert_eq!((copied.unwrap(), swept.unwrap()), (json!({"batchItemFailures": []}), json!({"batchItemFailures": []})));
    assert!(world.aws.is_calm());
    assert!(!kept_of(&world, &id).await.is_empty(), "the copy came after the first sweep");
    check_gone(&world, &id).await;
}

/// The record of the table's stream by which `run-work` looks at a process.
fn look_event(id: &str) -> Value {
    json!({"Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
        "dynamodb": {
            "Keys": {"pk": {"S": format!("TENANT#local#PROCESS#{id}")}, "sk": {"S": "#"}},
            "SequenceNumber": "1", "ApproximateCreationDateTime": 1, "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }]})
}

#[tokio::test]
async fn a_creation_that_is_about_to_store_the_answer_stores_none() {
    let world = World::new().await;
    let (customer, redactor, wire) = (world.customer.clone(), world.customer.clone(), world.aws.wire().clone());
    world.aws.interleave("TransactWriteItems", move || {
        async move {
            let list = wire.aside(redactor.get("/processes")).await;
            let id = list.result()["data"][0]["id"].as_str().unwrap().to_owned();
            assert_eq!(redactor.post(&format!("/processes/{id}/redact"), &json!({})).await.status, 200);
        }
        .boxed()
    });
    let created = customer.create(&canary_order("approved")).await;
    assert_eq!((created.status, &created.result()["status"]), (201, &json!("cancelled")));
    world.pass(SignedDuration::from_secs(31)).await;
    world.local.sandbox().tick().await;
    let process = check_gone(&world, &created.id()).await;
    assert_eq!(process["provider_reference"], Value::Null);
}

#[tokio::test]
async fn a_delivery_under_way_closes_the_outbox_of_a_redacted_process_too() {
    let world = World::new().await;
    let id = world.customer.create(&canary_order("approved")).await.id();
    let (customer, path) = (world.customer.clone(), format!("/processes/{id}/redact"));
    world.aws.interleave("UpdateItem", move || {
        async move {
            assert_eq!(customer.post(&path, &json!({})).await.status, 200);
        }
        .boxed()
    });
    world.local.pump().await;
    check_gone(&world, &id).await;
}

#[tokio::test]
async fn a_video_under_way_goes_whenever_it_is_redacted() {
    let world = World::new().await;
    // A video begins and ends with a POST, and its parts come between.
    for posts_before in [0, 1] {
        let authorization = world.local.sandbox().tecalis_authorize("approved,video:12").unwrap();
        let id = world.customer.create(&tecalis_order(&authorization)).await.id();
        for _ in 0..posts_before {
            world.aws.interleave("S3 POST", || async {}.boxed());
        }
        let (customer, path) = (world.customer.clone(), format!("/processes/{id}/redact"));
        world.aws.interleave("S3 POST", move || {
            async move {
                assert_eq!(customer.post(&path, &json!({})).await.status, 200);
            }
            .boxed()
        });
        world.pass(SignedDuration::from_mins(2)).await;
        assert!(world.aws.is_calm(), "{posts_before}: no video was copied");
        check_gone(&world, &id).await;
    }
}

#[tokio::test]
async fn a_sweep_that_fails_is_made_good() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap().to_owned();
    for _ in 0..12 {
        world.aws.fail("S3 GET", cotejo_tests::When::Before);
    }
    assert_eq!(redact(&world, &id).await.status, 200);
    world.local.pump().await;
    assert!(!kept_of(&world, &id).await.is_empty());
    check_gone(&world, &id).await;
}
