//! How many requests each operation makes. These numbers are the design's; one more is a defect.

use cotejo_tests::{Receiver, World, order};
use jiff::SignedDuration;
use serde_json::json;

use crate::people;

#[tokio::test]
async fn each_operation_makes_the_requests_it_must_and_no_more() {
    let world = World::new().await;
    // Secrets, keys and tenants are read once and remembered, and the tenant's limit is taken in blocks; those are not any
    // operation's own requests.
    world.run("approved").await;
    world.clock.advance(SignedDuration::from_secs(60));
    for _ in 0..20 {
        assert_eq!(world.customer.create(&serde_json::json!({})).await.status, 422);
        world.customer.get("/processes").await;
    }
    let known = world.customer.create(&order("never")).await.id();
    world.customer.get(&format!("/processes/{known}?refresh=true")).await;
    world.local.pump().await;
    world.aws.take_calls();

    let id = world.customer.create(&order("approved")).await.id();
    assert_eq!(world.aws.take_calls(), ["PutItem", "TransactWriteItems"], "create, with the caller's key known");

    world.local.pump().await;
    // One event is handed on: the item and the channels are read, the outbox closed.
    assert_eq!(world.aws.take_calls(), ["GetItem", "Query", "UpdateItem"], "deliver");

    world.customer.get(&format!("/processes/{id}")).await;
    assert_eq!(world.aws.take_calls(), ["GetItem"], "status");

    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    assert_eq!(world.aws.take_calls(), ["UpdateItem"], "asking for a refresh");

    world.local.pump().await;
    assert_eq!(world.aws.take_calls(), ["GetItem", "PutItem"], "refresh without news");

    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    assert_eq!(world.aws.take_calls(), ["UpdateItem"], "callback");

    world.local.pump().await;
    let mut calls = world.aws.take_calls();
    calls.sort();
    // The refresh reads once and writes once, stores three pictures and the raw answer; then the channels are read and the
    // events closed.
    let expected = ["GetItem", "GetItem", "PutItem", "Query", "S3 PUT", "S3 PUT", "S3 PUT", "S3 PUT", "UpdateItem"];
    assert_eq!(calls, expected, "refresh with an end and three pictures, then deliver");

    let process = world.customer.process(&id).await;
    assert_eq!(process["status"], "approved");
    world.aws.take_calls();

    let evidence = process["evidence"][0]["id"].as_str().unwrap();
    world.customer.get(&format!("/processes/{id}/evidence/{evidence}")).await;
    assert_eq!(world.aws.take_calls(), ["GetItem"], "a link is signed, not asked for");

    world.catch_up();
    world.customer.get("/processes").await;
    assert_eq!(world.aws.take_calls(), ["Query"], "a list of this month");

    world.local.run_schedules().await;
    assert_eq!(world.aws.take_calls(), ["Query"; 16], "a poll that finds nothing");

    world.clock.advance(SignedDuration::from_secs(31));
    world.customer.get(&format!("/processes/{id}")).await;
    let expected = ["GetItem", "UpdateItem", "GetItem"];
    assert_eq!(world.aws.take_calls(), expected, "a caller's key and limit are looked at again after 30 seconds");
}

#[tokio::test]
async fn a_record_with_nothing_beside_it_is_one_put() {
    let world = World::calm().await;
    for _ in 0..40 {
        world.customer.get("/people-groups").await;
    }
    let group = json!({"name": "a group", "description": "of one put"});
    assert_eq!(world.customer.post("/people-groups", &group).await.status, 201);
    world.aws.take_calls();
    let created = world.customer.post("/people-groups", &group).await;
    assert_eq!((created.status, world.aws.take_calls()), (201, vec!["PutItem".to_owned()]));
    let path = format!("/people-groups/{}", created.id());
    // The answer to the write is lost: the SDK writes again, and its second write fails on its own first one.
    world.aws.lose_answer("PutItem");
    let changed = world.customer.put(&path, &json!({"name": "another", "description": "of one put"})).await;
    assert_eq!((changed.status, &changed.result()["name"]), (200, &json!("another")));
    assert_eq!(world.aws.take_calls(), ["GetItem", "PutItem", "PutItem"]);
    // Somebody else writes in between.
    let (customer, other) = (world.customer.clone(), path.clone());
    world.aws.interleave("PutItem", move || {
        Box::pin(async move {
            assert_eq!(customer.put(&other, &json!({"description": "meanwhile"})).await.status, 200);
        })
    });
    assert_eq!(world.customer.put(&path, &json!({"name": "third"})).await.status, 200);
    let read = world.customer.get(&path).await;
    assert_eq!((&read.result()["name"], &read.result()["description"]), (&json!("third"), &json!("meanwhile")));
}

#[tokio::test]
async fn a_busy_function_asks_for_its_share_of_the_limit_ever_more_seldom() {
    let world = World::new().await;
    world.admin(&["tenant", "set", "local", "--per-minute", "1200"], "").await.unwrap();
    let mut asked = Vec::new();
    for _ in 0..128 {
        assert_eq!(world.customer.get("/processes/x").await.status, 404);
        asked.push(world.aws.take_calls().iter().filter(|call| *call == "UpdateItem").count());
    }
    let after: Vec<_> = (0..128).filter(|request| asked[*request] > 0).collect();
    // Each block is as large as all before it, up to a twentieth of the limit of 1200.
    assert_eq!(after, [0, 1, 2, 4, 8, 16, 32, 64, 124]);
    assert_eq!(asked.iter().sum::<usize>(), after.len(), "one request a block");
}

#[tokio::test]
async fn nothing_remains_to_be_done_for_a_process_that_has_ended() {
    let world = World::new().await;
    let process = world.run("approved").await;
    assert_eq!(process["evidence_state"], "complete");
    world.aws.take_calls();
    world.pass(SignedDuration::from_hours(24 * 40)).await;
    assert_eq!(world.aws.take_calls(), ["Query"; 16]);
}

#[tokio::test]
async fn the_registry_makes_the_requests_it_must_and_no_more() {
    let world = World::new().await;
    let customer = &world.customer;
    let mut group = customer.post("/people-groups", &json!({"name": "A", "description": "B"})).await;
    for list in ["/people", "/people-groups", "/contacts"] {
        for _ in 0..40 {
            group = customer.get(list).await;
        }
    }
    assert_eq!(group.status, 200);
    let nobody = "71266b80-f04b-4a2c-9314-963d3a182f2b";
    assert_eq!(customer.post("/contacts", &people::sample("contacts", nobody)).await.status, 422);
    world.local.pump().await;
    world.aws.take_calls();

    let mut body = people::juan();
    body["external_ref_id"] = json!("client-7");
    let person = customer.post("/people", &body).await.id();
    assert_eq!(world.aws.take_calls(), ["TransactWriteItems"], "create, guards included");
    assert_eq!(customer.get(&format!("/people/{person}")).await.status, 200);
    assert_eq!(world.aws.take_calls(), ["GetItem"], "one person, with what it sums up");
    assert_eq!(customer.get("/people/external/client-7").await.status, 200);
    assert_eq!(world.aws.take_calls(), ["GetItem", "GetItem"], "by another id: the guard and the person");
    assert_eq!(customer.put(&format!("/people/{person}"), &json!({"name": "Juana"})).await.status, 200);
    assert_eq!(world.aws.take_calls(), ["GetItem", "PutItem"], "change");
    assert_eq!(customer.post("/contacts", &people::sample("contacts", &person)).await.status, 201);
    assert_eq!(world.aws.take_calls(), ["TransactWriteItems"], "create what belongs to a person");
    world.catch_up();
    assert_eq!(customer.get("/contacts").await.status, 200);
    assert_eq!(world.aws.take_calls(), ["Query", "BatchGetItem"], "a list of this month");
    assert_eq!(customer.get(&format!("/contacts?person_id={person}")).await.status, 200);
    assert_eq!(world.aws.take_calls(), ["Query", "BatchGetItem"], "a person's list, whatever the month");
    assert_eq!(customer.post("/people/search", &json!({"ids": [person]})).await.status, 200);
    assert_eq!(world.aws.take_calls(), ["BatchGetItem"], "search by ids");

    world.local.pump().await;
    let mut calls = world.aws.take_calls();
    calls.sort();
    // Two records with events: each is read, then the contact's person and the channels; then the outboxes are closed.
    let expected = ["GetItem", "GetItem", "GetItem", "Query", "Query", "UpdateItem", "UpdateItem"];
    assert_eq!(calls, expected, "deliver");
}

#[tokio::test]
async fn telling_a_channel_takes_two_writes_and_one_to_close_the_outbox() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let channel = json!({
        "name": "Back office", "type": "webhook", "active": true, "events": ["process_created"],
        "config": {"url": receiver.url()}
    });
    assert_eq!(world.customer.post("/notification-channels", &channel).await.status, 201);
    // The first event of this world is told with the function's secrets still to be read.
    world.customer.create(&order("never")).await;
    world.local.pump().await;
    world.customer.create(&order("never")).await;
    world.aws.take_calls();

    world.local.pump().await;
    // The event is handed on: item and channels are read, the delivery is written, the outbox closed. Then it is attempted: delivery
    // and channel are read; what came of it is written onto the delivery as it stands by then, which is read for that.
    let expected = ["GetItem", "Query", "PutItem", "UpdateItem", "GetItem", "GetItem", "GetItem", "PutItem"];
    assert_eq!(world.aws.take_calls(), expected);
    assert_eq!(receiver.received().len(), 2);
}
