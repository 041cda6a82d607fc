//! The table's indexes lag behind it: what lists show a moment later, and what does not depend on them.

use aws_sdk_dynamodb::types::AttributeValue;
use cotejo_tests::{INDEX_LAG, World, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A world whose indexes lag, whatever the environment says.
async fn lagging() -> World {
    let world = World::new().await;
    world.lag_indexes(INDEX_LAG);
    world
}

/// What is in an index, by `summary`, from page to page of two.
async fn listed(world: &World) -> Vec<String> {
    let platform = world.local.platform("run-work").unwrap();
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let query = platform.aws.dynamodb.query().table_name(&platform.config.table).index_name("by_kind");
        let query = query.key_condition_expression("by_kind_pk = :all").limit(2).scan_index_forward(false);
        let query = query.expression_attribute_values(":all", AttributeValue::S("ALL".to_owned()));
        let page = query.set_exclusive_start_key(from).send().await.unwrap();
        assert!(page.items().len() <= 2 && page.items().iter().all(|item| !item.contains_key("body")));
        found.extend(page.items().iter().map(|item| item["summary"].as_s().unwrap().clone()));
        from = page.last_evaluated_key;
        if from.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn an_index_shows_every_item_as_it_was_five_seconds_ago() {
    let world = lagging().await;
    let platform = world.local.platform("run-work").unwrap();
    let (client, table) = (&platform.aws.dynamodb, &platform.config.table);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = async |name: &str, summary: &str| {
        let item = [("pk", name), ("sk", "#"), ("by_kind_pk", "ALL"), ("by_kind_sk", name), ("summary", summary)];
        let item = item.into_iter().chain([("body", "long")]).map(|(name, value)| (name.to_owned(), text(value)));
        client.put_item().table_name(table).set_item(Some(item.collect())).send().await.unwrap();
    };
    for name in ["A", "B", "C", "D", "E"] {
        put(name, name).await;
    }
    assert_eq!(listed(&world).await, [""; 0], "what is new");
    world.clock.advance(INDEX_LAG - SignedDuration::from_millis(1));
    assert_eq!(listed(&world).await, [""; 0]);
    world.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(listed(&world).await, ["E", "D", "C", "B", "A"]);

    put("B", "B, changed").await;
    client.delete_item().table_name(table).key("pk", text("D")).key("sk", text("#")).send().await.unwrap();
    put("F", "F").await;
    world.clock.advance(SignedDuration::from_secs(4));
    put("B", "B, changed twice").await;
    assert_eq!(listed(&world).await, ["E", "D", "C", "B", "A"], "what changed and what is gone");
    assert_eq!(world.aws.wire().aside(listed(&world)).await, ["F", "E", "C", "B, changed twice", "A"]);
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(listed(&world).await, ["F", "E", "C", "B, changed", "A"]);
    world.catch_up();
    assert_eq!(listed(&world).await, ["F", "E", "C", "B, changed twice", "A"]);
}

#[tokio::test]
async fn a_list_shows_what_was_written_some_seconds_later() {
    let world = lagging().await;
    let statuses = async |path: &str| -> Vec<Value> {
        let list = world.customer.get(path).await.result().clone();
        list["data"].as_array().unwrap().iter().map(|process| process["status"].clone()).collect()
    };
    let id = world.customer.create(&order("approved")).await.id();
    assert_eq!(statuses("/processes").await, [""; 0]);
    assert_eq!(world.customer.process(&id).await["status"], "in_progress", "what is read by its id is there at once");
    world.catch_up();
    assert_eq!(statuses("/processes").await, ["in_progress"]);
    assert_eq!(world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await.status, 200);
    assert_eq!(statuses("/processes?status=in_progress").await, ["in_progress"]);
    assert_eq!(statuses("/processes?status=cancelled").await, [""; 0]);
    world.catch_up();
    assert_eq!(statuses("/processes?status=cancelled").await, ["cancelled"]);
}
