//! The table's indexes lag behind it: what lists show a moment later, and what does not depend on them.

use aws_sdk_dynamodb::types::AttributeValue;
use cotejo_tests::{Answer, Customer, Disturbance, INDEX_LAG, Receiver, World, order};
use futures_util::FutureExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::people::{juan, register, sample};

/// A world whose indexes lag, whatever the environment says.
async fn lagging() -> World {
    let world = World::calm().await;
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

#[tokio::test]
async fn a_code_goes_to_a_contact_that_was_made_at_this_moment() {
    let world = lagging().await;
    let customer = &world.customer;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let contact = customer.post("/contacts", &sample("contacts", &person)).await.id();
    let wanted = |person: &str, phone: &str| json!({"person_id": person, "phone": phone});
    let send =
        async |person: &str, phone: &str| customer.post("/contacts/sms-codes", &wanted(person, phone)).await.status;
    assert_eq!(send(&person, "525591038054").await, 200);
    let text = world.local.sms().last().unwrap().text.clone();
    let mut given = wanted(&person, "525591038054");
    given["code"] = text.chars().filter(char::is_ascii_digit).take(6).collect::<String>().into();
    assert_eq!(customer.post("/contacts/sms-codes/verify", &given).await.status, 200);
    let confirmed = customer.get(&format!("/contacts/{contact}")).await;
    assert_eq!(confirmed.result()["sms_confirmation"], true);

    // Another phone, then another person's.
    let path = format!("/contacts/{contact}");
    assert_eq!(customer.put(&path, &json!({"phone": "525500000001"})).await.status, 200);
    assert_eq!((send(&person, "525591038054").await, send(&person, "525500000001").await), (404, 200));
    let mut other = juan();
    other["national_id"] = json!("BOXW310820HNERXN09");
    let other = register(&world, &other).await["id"].as_str().unwrap().to_owned();
    assert_eq!(customer.put(&path, &json!({"person_id": other})).await.status, 200);
    assert_eq!((send(&person, "525500000001").await, send(&other, "525500000001").await), (404, 200));
    let listed = |answer: Answer| answer.result()["data"].as_array().unwrap().len();
    world.catch_up();
    assert_eq!(customer.put(&path, &json!({"person_id": person})).await.status, 200);
    let former = customer.get(&format!("/contacts?person_id={other}")).await;
    assert_eq!(listed(former), 0, "no list shows a record of somebody else's");
}

#[tokio::test]
async fn a_person_is_shown_whole_with_what_was_recorded_at_this_moment() {
    let world = lagging().await;
    let customer = &world.customer;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    for list in ["addresses", "contacts", "references", "contacts"] {
        assert_eq!(customer.post(&format!("/{list}"), &sample(list, &person)).await.status, 201);
        world.clock.advance(SignedDuration::from_millis(1));
    }
    let path = "/people/national-id/PESJ880212HDFHLX01";
    let whole = customer.get(path).await.result().clone();
    let count = |part: &str| whole[part].as_array().unwrap().len();
    assert_eq!((count("addresses"), count("contact_data"), count("references")), (1, 2, 1));
    let made = |at: usize| whole["contact_data"][at]["created_at"].as_str().unwrap().to_owned();
    assert!(made(0) > made(1), "the newest first");
    assert_eq!(customer.put(path, &json!({"name": "Juana"})).await.result()["contact_data"], whole["contact_data"]);
}

#[tokio::test]
async fn a_person_has_fifty_contacts_and_keeps_room_for_everything_else() {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let add = async |list: &str| world.customer.post(&format!("/{list}"), &sample(list, &person)).await;
    for _ in 0..50 {
        assert_eq!(add("contacts").await.status, 201);
    }
    let refused = add("contacts").await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["person_id"]));
    for list in ["addresses", "references", "biometric-results"] {
        assert_eq!(add(list).await.status, 201, "{list}");
    }
    let whole = world.customer.get("/people/national-id/PESJ880212HDFHLX01").await;
    assert_eq!(whole.result()["contact_data"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn a_value_may_be_had_from_the_moment_its_catalog_has_it() {
    let world = lagging().await;
    let customer = &world.customer;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let (catalog, other) = (
        customer.post("/catalogs", &json!({"name": "Uno"})).await.id(),
        customer.post("/catalogs", &json!({"name": "Dos"})).await.id(),
    );
    let part = |title: &str, kind: &str| json!({"title": title, "type": kind, "catalog_id": catalog});
    let property = json!({"name": "P", "descriptor": [part("One", "string"), part("Many", "array")]});
    let property = customer.post("/dynamic-properties", &property).await.id();
    let path = format!("/dynamic-properties/{property}/values");
    let save = async |values: Value| {
        let saved = customer.post(&path, &json!({"person_id": person, "values": values})).await;
        if saved.status == 201 { Vec::new() } else { saved.fields().into_iter().map(str::to_owned).collect() }
    };
    let put = async |value: &str| {
        let value = json!({"custom_catalog_id": catalog, "label": "L", "type": "string", "value": value});
        customer.post("/catalog-values", &value).await.id()
    };
    let refused = ["values.one"];
    assert_eq!(save(json!({"one": "a"})).await, refused);
    let (first, second) = (put("a").await, put("a").await);
    assert_eq!(save(json!({"one": "a"})).await, [""; 0]);
    // Two have it: where one no longer does, the catalog still has it.
    let change = async |id: &str, given: Value| {
        assert_eq!(customer.put(&format!("/catalog-values/{id}"), &given).await.status, 200);
    };
    change(&first, json!({"value": "b"})).await;
    assert_eq!((save(json!({"one": "a"})).await, save(json!({"one": "b"})).await), (vec![], vec![]));
    change(&second, json!({"custom_catalog_id": other})).await;
    assert_eq!(save(json!({"one": "a"})).await, refused);
    change(&second, json!({"custom_catalog_id": catalog, "label": "again"})).await;
    assert_eq!(save(json!({"one": "a", "many": ["b", "a"]})).await, [""; 0]);
    assert_eq!(save(json!({"many": ["a", "c"]})).await, ["values.many"]);

    let file = "type,label,value\nstring,C,c\nstring,C,c\nstring,D,d\n";
    let parts = [("custom_catalog_id", catalog.as_bytes()), ("csv_file", file.as_bytes())];
    assert_eq!(customer.post_form("/catalog-values/bulk", &parts).await.status, 201);
    assert_eq!(save(json!({"many": ["a", "c", "d"]})).await, [""; 0]);
}

#[tokio::test]
async fn a_key_may_be_revoked_at_the_moment_it_is_made() {
    let world = lagging().await;
    let made = world.admin(&["key", "create", "local", "--name", "short", "--all-scopes"], "").await.unwrap();
    let made = made.value();
    let id = made["key"]["key_id"].as_str().unwrap();
    world.admin(&["key", "revoke", "local", id], "").await.unwrap();
    let holder = Customer::new(world.local.url(), made["secret"].as_str().unwrap());
    assert_eq!(holder.get("/processes").await.status, 401);
    assert!(world.admin(&["key", "revoke", "local", "key_of_nobody"], "").await.is_err());
}

/// A world with a channel that is told of a process with a canary in its metadata.
async fn telling() -> (World, Receiver, String) {
    let (world, receiver) = (lagging().await, Receiver::start().await);
    let channel = json!({
        "name": "Back office", "type": "webhook", "active": true, "events": ["process_created"],
        "config": {"url": receiver.url()}
    });
    assert_eq!(world.customer.post("/notification-channels", &channel).await.status, 201);
    let mut canary = order("never");
    canary["metadata"] = json!({"note": CANARY});
    let id = world.customer.create(&canary).await.id();
    (world, receiver, id)
}

const CANARY: &str = "canary-of-a-delivery";

/// Where the canary is in the table.
async fn canaries(world: &World) -> Vec<String> {
    let items = world.items().await;
    items.into_iter().filter(|item| item.tells(CANARY)).map(|item| item.key).collect()
}

/// Checks that a delivery that the first sweep could not see is there, and that the second one finds it.
async fn check_swept(world: &World, id: &str) {
    world.local.pump().await;
    assert!(world.customer.process(id).await["redacted_at"].is_string());
    let left = canaries(world).await;
    assert!(left.iter().all(|key| key.contains("#DELIVERY#")) && left.len() == 1, "the first sweep sees it: {left:?}");
    world.pass(SignedDuration::from_mins(21)).await;
    world.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(canaries(world).await, [""; 0]);
    let process = world.customer.process(id).await;
    assert_eq!(process["timeline"].as_array().unwrap().last().unwrap()["event"], "redaction_completed");
}

#[tokio::test]
async fn a_delivery_that_was_made_just_before_a_redaction_is_redacted_by_the_second_sweep() {
    let (world, receiver, id) = telling().await;
    world.local.pump().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await.status, 200);
    check_swept(&world, &id).await;
}

#[tokio::test]
async fn a_delivery_that_was_under_way_during_a_redaction_is_redacted_by_the_second_sweep() {
    let (world, _receiver, id) = telling().await;
    let (customer, path) = (world.customer.clone(), format!("/processes/{id}/redact"));
    let redact = Disturbance::Interleave(Box::new(move || {
        async move {
            assert_eq!(customer.post(&path, &json!({})).await.status, 200);
        }
        .boxed()
    }));
    // The events were loaded before the redaction, and their deliveries are stored after it.
    world.aws.wire().plan("PutItem", Some("DELIVERY"), 0, redact);
    world.local.pump().await;
    assert!(world.aws.is_calm());
    check_swept(&world, &id).await;
}
