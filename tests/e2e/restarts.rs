//! Stopping the whole system in the middle and starting it again over the same data.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex, StreamSpecification, StreamViewType};
use cotejo_tests::{World, order};
use jiff::SignedDuration;

#[tokio::test]
async fn a_system_stopped_at_any_step_and_started_again_finishes_every_process() {
    let dir = tempfile::tempdir().unwrap();
    let data = || Some(dir.path().to_owned());
    let mut ids = Vec::new();
    let mut now = cotejo_tests::start_of_time();
    // Each round creates a process, lets the system come a different way, and drops it there as a kill would.
    for round in 0..6 {
        let world = World::at(now, data(), HashMap::new()).await;
        ids.push(world.customer.create(&order("approved")).await.id());
        match round {
            0 => {}
            1 => drop(world.local.pump().await),
            2 => world.clock.advance(SignedDuration::from_secs(31)),
            3 => {
                world.clock.advance(SignedDuration::from_secs(31));
                world.local.sandbox().tick().await;
            }
            4 => {
                world.clock.advance(SignedDuration::from_secs(31));
                world.aws.crash("S3 PUT", cotejo_tests::When::After);
                tokio::select! {
                    _ = world.local.pump() => panic!("it ended before the crash"),
                    () = world.aws.crashed() => {}
                }
            }
            _ => world.pass(SignedDuration::from_secs(31)).await,
        }
        now = world.now() + SignedDuration::from_secs(1);
    }
    let world = World::at(now, data(), HashMap::new()).await;
    for id in &ids {
        let process = world.finish(id, 2).await;
        assert_eq!(process["status"], "approved");
        assert_eq!(world.check_pictures(&process).await, 3);
    }
    assert_eq!(world.local.sandbox().auco_processes().len(), ids.len());
}

/// What a restoration to a point in time makes of a table: another one with the items of that moment, whose stream is switched on
/// afterwards.
async fn restore(client: &aws_sdk_dynamodb::Client, from: &str, to: &str) {
    let described = client.describe_table().table_name(from).send().await.unwrap().table.unwrap();
    let indexes = described.global_secondary_indexes().iter().map(|index| {
        let made = GlobalSecondaryIndex::builder().index_name(index.index_name().unwrap());
        let made = made.set_key_schema(index.key_schema.clone()).set_projection(index.projection.clone());
        made.build().unwrap()
    });
    let create = client
        .create_table()
        .table_name(to)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(described.key_schema.clone())
        .set_attribute_definitions(described.attribute_definitions.clone())
        .set_global_secondary_indexes(Some(indexes.collect()));
    create.send().await.unwrap();
    let mut items = client.scan().table_name(from).into_paginator().items().send();
    while let Some(item) = items.next().await {
        client.put_item().table_name(to).set_item(Some(item.unwrap())).send().await.unwrap();
    }
    let stream =
        StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewImage).build().unwrap();
    client.update_table().table_name(to).stream_specification(stream).send().await.unwrap();
}

#[tokio::test]
async fn a_table_that_was_restored_to_a_point_in_time_is_used_in_place_of_the_stack_s_own() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::with(Some(dir.path().to_owned()), HashMap::new()).await;
    let done = world.run("approved").await["id"].as_str().unwrap().to_owned();
    let open = world.customer.create(&order("approved,no-callback")).await.id();
    let env = world.local.env().clone();
    let restored = format!("{}-restored", env["TABLE"]);
    restore(&world.dynamodb(), &env["TABLE"], &restored).await;
    let lost = world.customer.create(&order("approved")).await.id();
    let now = world.now() + SignedDuration::from_secs(31);
    drop(world);

    let existing = |table: &str| {
        let named = [("COTEJO_EXISTING_TABLE", table), ("COTEJO_EXISTING_BUCKET", &env["BUCKET"])];
        named.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    };
    let world = World::at(now, Some(dir.path().to_owned()), existing(&restored)).await;
    assert_eq!((&world.local.env()["TABLE"], &world.local.env()["BUCKET"]), (&restored, &env["BUCKET"]));
    let kept = world.customer.process(&done).await;
    assert_eq!(world.check_pictures(&kept).await, 3);
    assert_eq!(world.customer.get(&format!("/processes/{lost}")).await.status, 404);
    // What was under way had its last word in the old table's stream: the schedule finds it, and the new stream wakes the rest.
    for id in [open, world.customer.create(&order("approved")).await.id()] {
        assert_eq!(world.finish(&id, 2).await["status"], "approved");
    }
}
