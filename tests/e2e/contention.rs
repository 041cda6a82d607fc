//! DynamoDB refuses for the moment: others use the same items, it is asked too much, it leaves out a part. That is waited out, and
//! what is refused until the end is never taken for an answer.

use cotejo::workflow::replay::ReplayRecords;
use cotejo_sandbox::{FaultKind, Faults};
use cotejo_tests::{Disturbance, Refusal, Trouble, When, World, order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    people::{juan, register, sample},
    sweep::{hidden_trouble, workflow},
};

/// As often as the store tries a request that others are in the way of, and one that is throttled, the SDK's own tries included.
const ALL_TRIES: usize = 10;
const ALL_THROTTLED_TRIES: usize = 12;

fn refuse(world: &World, operation: &str, about: &str, refusal: Refusal, times: usize) {
    world.aws.wire().plan(operation, Some(about), 0, Disturbance::Refuse(refusal, times));
}

fn both() -> [(Refusal, usize); 2] {
    [(Refusal::Conflict, ALL_TRIES), (Refusal::Throttle, ALL_THROTTLED_TRIES)]
}

#[tokio::test]
async fn a_refresh_that_is_contended_is_done_or_unavailable_and_never_not_found() {
    let world = World::calm().await;
    let id = world.customer.create(&order("approved")).await.id();
    world.local.pump().await;
    let path = format!("/processes/{id}?refresh=true");
    for (refusal, all) in both() {
        refuse(&world, "UpdateItem", "PROCESS wake", refusal, all - 1);
        assert_eq!(world.customer.get(&path).await.status, 200, "{refusal:?}");
        refuse(&world, "UpdateItem", "PROCESS wake", refusal, all);
        let answer = world.customer.get(&path).await;
        assert_eq!((answer.status, answer.error_code()), (503, "unavailable"), "{refusal:?}");
        assert_eq!(answer.headers["retry-after"], "2");
        assert!(world.aws.is_calm());
    }
}

#[tokio::test]
async fn a_callback_that_is_contended_is_kept_or_sent_again() {
    for (refusal, all) in both() {
        let world = World::calm().await;
        let created = world.customer.create(&order("approved,no-callback")).await;
        world.local.pump().await;
        world.clock.advance(SignedDuration::from_secs(31));
        world.local.sandbox().tick().await;
        let body = json!({"code": created.result()["provider_reference"], "status": "APPROVED"}).to_string();
        let path = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
        let call_back = || world.customer.send(Method::POST, &path, &[], Some(body.clone()));
        refuse(&world, "UpdateItem", "PROCESS callback", refusal, all);
        assert_eq!(call_back().await.status, 503, "{refusal:?}");
        refuse(&world, "UpdateItem", "PROCESS callback", refusal, all - 1);
        assert_eq!(call_back().await.status, 200, "{refusal:?}");
        world.local.pump().await;
        assert_eq!(world.customer.process(&created.id()).await["status"], "approved");
    }
}

#[tokio::test]
async fn a_full_inbox_that_is_contended_does_not_make_a_callback_nobody_s() {
    let world = World::calm().await;
    let created = world.customer.create(&order("never")).await;
    world.local.pump().await;
    let path = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
    let call_back = |number: usize| {
        let body = json!({"code": created.result()["provider_reference"], "status": "INPROGRESS", "number": number});
        world.customer.send(Method::POST, &path, &[], Some(body.to_string()))
    };
    for number in 0..16 {
        assert_eq!(call_back(number).await.status, 200);
    }
    // The inbox is full, so that the callback only wakes the process.
    refuse(&world, "UpdateItem", "PROCESS wake", Refusal::Conflict, ALL_TRIES);
    assert_eq!(call_back(16).await.status, 503);
    assert_eq!(call_back(16).await.status, 200);
}

#[tokio::test]
async fn an_item_that_is_contended_is_not_gone_for_the_operator() {
    let world = World::calm().await;
    let created = world.customer.create(&order("never")).await;
    world.local.pump().await;
    let platform = world.local.platform("run-work").unwrap();
    let bucket = platform.config.bucket.clone();
    let pk = format!("TENANT#local#PROCESS#{}", created.id());
    let batch = json!({"Records": [{"dynamodb": {"Keys": {"pk": {"S": pk}}}}]});
    let document = json!({"payload": batch.to_string()}).to_string().into_bytes();
    let put = platform.aws.s3.put_object().bucket(&bucket).key("given-up").body(document.into());
    put.send().await.unwrap();
    let records = ReplayRecords::new(&world.environment(), bucket);
    refuse(&world, "UpdateItem", "PROCESS update", Refusal::Conflict, ALL_TRIES);
    assert!(records.replay("given-up").await.is_err(), "it is still there to be replayed");
    let replayed = records.replay("given-up").await.unwrap().unwrap();
    assert_eq!((replayed.woken, replayed.gone, replayed.deleted), (1, 0, true));
}

#[tokio::test]
async fn a_transaction_that_is_contended_says_nothing_about_any_field() {
    for (refusal, all) in both() {
        let world = World::calm().await;
        let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
        let contact = sample("contacts", &person);
        refuse(&world, "TransactWriteItems", "CONTACT", refusal, all);
        let answer = world.customer.post("/contacts", &contact).await;
        assert_eq!((answer.status, answer.error_code()), (503, "unavailable"), "{refusal:?}");
        refuse(&world, "TransactWriteItems", "CONTACT", refusal, all - 1);
        assert_eq!(world.customer.post("/contacts", &contact).await.status, 201, "{refusal:?}");
    }
}

#[tokio::test]
async fn what_a_batch_leaves_out_is_asked_for_again_and_not_for_ever() {
    let world = World::calm().await;
    let mut ids = Vec::new();
    for number in 0..4 {
        let mut person = juan();
        person["national_id"] = json!(format!("NUMBER{number}"));
        person["ignore_curp_validation"] = json!(true);
        ids.push(register(&world, &person).await["id"].clone());
    }
    let wanted = json!({"ids": ids});
    let search = || world.customer.post("/people/search", &wanted);
    let found = |answer: &cotejo_tests::Answer| -> Vec<Value> {
        answer.result().as_array().unwrap().iter().map(|person| person["id"].clone()).collect()
    };
    refuse(&world, "BatchGetItem", "", Refusal::PartialBatch, 2);
    assert_eq!(found(&search().await), ids);
    assert!(world.aws.is_calm());
    world.aws.take_calls();
    refuse(&world, "BatchGetItem", "", Refusal::PartialBatch, 1000);
    let answer = search().await;
    assert_eq!((answer.status, answer.error_code()), (503, "unavailable"));
    let asked = world.aws.take_calls().iter().filter(|call| *call == "BatchGetItem").count();
    assert!(asked < 20, "asked {asked} times");
}

#[tokio::test]
async fn a_claim_is_known_again_where_its_answer_is_lost_and_somebody_writes_meanwhile() {
    for interrupted in [false, true] {
        let world = World::calm().await;
        let faults = |rate| Faults { rate, kinds: vec![FaultKind::RateLimited] };
        world.local.sandbox().set_faults(faults(1.0));
        let answer = world.customer.create(&order("approved")).await;
        assert_eq!(answer.status, 202);
        world.local.sandbox().set_faults(faults(0.0));
        world.local.pump().await;
        world.clock.advance(SignedDuration::from_secs(90));
        let id = answer.id();
        // The claim is the next put.
        world.aws.lose_answer("PutItem");
        if interrupted {
            let (customer, path) = (world.customer.clone(), format!("/processes/{id}/legal-hold"));
            let hold = json!({"until": "2036-01-01T00:00:00Z"});
            // Before the SDK writes again: somebody else's whole write over it.
            world.aws.interleave("PutItem", move || {
                async move { assert_eq!(customer.put(&path, &hold).await.status, 200) }.boxed()
            });
        }
        world.local.run_schedules().await;
        assert!(world.aws.is_calm());
        let process = world.finish(&id, 1).await;
        assert_eq!(process["status"], "approved", "{interrupted}");
        assert_eq!(world.local.sandbox().auco_processes().len(), 1, "one message to the person");
        let created_at = process["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(world.now().duration_since(created_at) < SignedDuration::from_mins(10), "nobody waits for an hour");
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_counts_once() {
    let world = World::calm().await;
    let customer = &world.customer;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    customer.post("/contacts", &sample("contacts", &person)).await;
    let given = json!({"person_id": person, "phone": "525591038054"});
    for _ in 0..5 {
        world.aws.lose_answer("PutItem");
        assert_eq!(customer.post("/contacts/sms-codes", &given).await.status, 200);
    }
    assert_eq!(customer.post("/contacts/sms-codes", &given).await.error_code(), "too_many_codes");
    let wrong = json!({"person_id": person, "phone": "525591038054", "code": "000000"});
    for _ in 0..4 {
        world.aws.wire().plan("UpdateItem", Some("CODE update"), 0, Disturbance::LoseAnswer);
        assert_eq!(customer.post("/contacts/sms-codes/verify", &wrong).await.status, 422);
    }
    let text = world.local.sms().pop().unwrap().text;
    let code: String = text.chars().filter(char::is_ascii_digit).take(6).collect();
    let right = json!({"person_id": person, "phone": "525591038054", "code": code});
    assert_eq!(customer.post("/contacts/sms-codes/verify", &right).await.status, 200, "the fifth of five tries");

    let channel = json!({
        "name": "Back office", "type": "webhook", "active": true, "events": ["process_created"],
        "config": {"url": "http://127.0.0.1:1/hooks"}
    });
    world.aws.lose_answer("PutItem");
    let made = customer.post_once("/notification-channels", "key", &channel).await;
    assert_eq!((made.status, made.headers.get("idempotent-replayed")), (201, None));
    let path = format!("/notification-channels/{}", made.id());
    world.aws.lose_answer("PutItem");
    assert_eq!(customer.post(&format!("{path}/secret"), &json!({})).await.status, 200);
    let secrets = customer.get(&path).await.result()["config"]["secrets"].as_array().map(Vec::len);
    assert_eq!(secrets, Some(2), "the one before and the new one");
    world.aws.lose_answer("PutItem");
    let asked = customer.post_once("/people/export", "key", &json!({})).await;
    assert_eq!((asked.status, asked.headers.get("idempotent-replayed")), (202, None));
    assert!(world.aws.is_calm());
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_a_deletion() {
    let world = World::calm().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    world.aws.lose_answer("PutItem");
    let deleted = world.customer.call(Method::DELETE, &format!("/people/{person}"), None).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    // A crash is another thing: who asks again is told that nothing was left to do.
    world.aws.fail("PutItem", When::After);
    assert_eq!(world.customer.post(&format!("/people/{person}/restore"), &json!({})).await.status, 503);
    assert_eq!(world.customer.post(&format!("/people/{person}/restore"), &json!({})).await.status, 404);
}

/// A small share of what `COTEJO_TEST_TROUBLE` does for the whole run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dynamodb_refuses_for_the_moment_nobody_notices() {
    let names = [
        "Auco, told at a webhook",
        "LINK by machine, certified",
        "A person and what belongs to it, changed, deleted and restored",
        "A contact that is confirmed by a code",
        "A file of persons that is imported",
    ];
    for trouble in Trouble::ALL {
        let mut refused = 0;
        for name in names {
            let (problems, times) = hidden_trouble(workflow(name), trouble).await;
            assert_eq!(problems, Vec::<String>::new(), "{name}, {trouble:?}");
            refused += times;
        }
        assert!(refused > 0, "{trouble:?} refused nothing");
    }
}
