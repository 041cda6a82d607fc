//! Whatever can be stored can be read: pages end by bytes, answers carry a bounded part and a way to the rest, and what does not
//! fit is refused in words that name the field.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use cotejo_tests::{Receiver, World};
use serde_json::{Value, json};

use super::people::{juan, register, sample};

/// What Lambda gives at most.
const ANSWER_LIMIT: usize = 6_291_556;

/// A text of so many quotation marks: in an answer each of them takes four bytes.
fn quotes(count: usize) -> String {
    "\"".repeat(count)
}

/// The result of `GET path`, and how long the whole answer is as Lambda measures it.
async fn read(world: &World, path: &str) -> (Value, usize) {
    let answer = world.aws.wire().aside(world.customer.fetch(path)).await;
    assert_eq!(answer.status(), 200, "{path}");
    let body = answer.text().await.unwrap();
    let size = serde_json::to_string(&body).unwrap().len();
    assert!(size < ANSWER_LIMIT, "{path}: {size} bytes");
    (serde_json::from_str::<Value>(&body).unwrap()["result"].take(), size)
}

fn ids(entries: &Value) -> Vec<String> {
    entries.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

/// Every entry of a list from `path` on, along its links; each page but the last is large, and numbered right.
async fn walk(world: &World, path: &str) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
    let begins = read(world, path).await.0["from"].as_u64().unwrap_or(1);
    while let Some(path) = next {
        let (page, size) = read(world, &path).await;
        let found = ids(&page["data"]);
        if !found.is_empty() {
            let from = usize::try_from(begins).unwrap() + all.len();
            assert_eq!((&page["from"], &page["to"]), (&json!(from), &json!(from + found.len() - 1)), "{path}");
        }
        next = page["next_page_url"].as_str().map(str::to_owned);
        assert!(next.is_none() || size > 3_000_000 || found.len() == page["per_page"], "{path}: {size} bytes");
        all.extend(found);
    }
    all
}

/// A catalog with `count` values that take 100 KB of an answer each, and their ids, newest first.
async fn large_catalog(world: &World, count: usize) -> (String, Vec<String>) {
    let catalog = world.customer.post("/catalogs", &json!({"name": "Large"})).await.id();
    let mut values = Vec::new();
    for number in 0..count {
        let value = json!({
            "custom_catalog_id": catalog, "label": format!("Value {number}"), "type": "integer", "value": number,
            "groups": vec![quotes(500); 50],
        });
        let made = world.customer.post("/catalog-values", &value).await;
        assert_eq!(made.status, 201, "{made:?}");
        values.push(made.id());
        world.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    values.reverse();
    (catalog, values)
}

#[tokio::test]
async fn a_catalog_of_large_values_is_shown_in_part_with_a_way_to_the_rest() {
    let world = World::new().await;
    let (catalog, values) = large_catalog(&world, 64).await;
    let (whole, _) = read(&world, &format!("/catalogs/{catalog}")).await;
    let mut seen = ids(&whole["values"]);
    assert!((30..50).contains(&seen.len()), "{}", seen.len());
    seen.extend(walk(&world, whole["values_next_page_url"].as_str().unwrap()).await);
    assert_eq!(seen, values);
    for list in
        [format!("/catalog-values?custom_catalog_id={catalog}&per_page=100"), "/catalog-values?per_page=64".to_owned()]
    {
        assert_eq!(walk(&world, &list).await, values, "{list}");
    }
    // One is always shown.
    assert_eq!(read(&world, &format!("/catalog-values/{}", values[0])).await.0["id"], values[0]);
}

#[tokio::test]
async fn a_page_by_number_begins_where_its_number_says_whatever_had_room_before() {
    let world = World::new().await;
    let (catalog, values) = large_catalog(&world, 64).await;
    let list = format!("/catalog-values?custom_catalog_id={catalog}");
    let (first, _) = read(&world, &format!("{list}&per_page=60")).await;
    let shown = ids(&first["data"]).len();
    assert!(shown < 60, "{shown}");
    let (second, _) = read(&world, first["next_page_url"].as_str().unwrap()).await;
    assert_eq!((&second["current_page"], &second["from"]), (&json!(2), &json!(shown + 1)));
    assert_eq!(ids(&second["data"]), values[shown..]);
    assert_eq!(second["prev_page_url"], json!(null), "by number page 1 is not what was before");
    let (by_number, _) = read(&world, &format!("{list}&per_page=60&page=2")).await;
    assert_eq!((&by_number["from"], &by_number["to"]), (&json!(61), &json!(64)));
    assert_eq!(ids(&by_number["data"]), values[60..]);
    // Pages that are full are numbered as ever.
    let (second, _) = read(&world, &format!("{list}&per_page=10&page=2")).await;
    assert_eq!((&second["from"], ids(&second["data"])), (&json!(11), values[10..20].to_vec()));
    let previous = second["prev_page_url"].as_str().unwrap();
    assert!(previous.ends_with("per_page=10&page=1"), "{previous}");
}

/// A person whose fields are as long as they may be, so that it takes some 85 KB of an answer.
fn large_person(number: usize) -> Value {
    let object = json!({"a": quotes(8000)});
    let mut person = juan();
    for field in ["name", "first_lastname", "second_lastname", "tax_id", "entity_of_birth"] {
        person[field] = json!(quotes(500));
    }
    for (field, value) in [
        ("national_id", json!(format!("{number:0>4}{}", quotes(496)))),
        ("external_ref_id", json!(format!("{number:0>4}{}", quotes(496)))),
        ("facetec_ref_id", json!(format!("{number:0>4}{}", quotes(496)))),
        ("biometrics", object.clone()),
        ("extra_data", object),
        ("ignore_curp_validation", json!(true)),
    ] {
        person[field] = value;
    }
    person
}

#[tokio::test]
async fn a_hundred_large_persons_are_listed_in_pages_and_searched_in_parts() {
    let world = World::new().await;
    let (mut persons, mut externals) = (Vec::new(), Vec::new());
    for number in 0..100 {
        let person = large_person(number);
        externals.push(person["external_ref_id"].clone());
        persons.push(register(&world, &person).await["id"].as_str().unwrap().to_owned());
        world.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let newest_first: Vec<_> = persons.iter().rev().cloned().collect();
    assert_eq!(walk(&world, "/people?per_page=100").await, newest_first);
    for (path, field, all) in
        [("/people/search", "ids", json!(persons)), ("/people/external/search", "external_ref_id", json!(externals))]
    {
        let refused = world.customer.post(path, &json!({(field): all})).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{path}");
        let some = json!({(field): all.as_array().unwrap()[..40]});
        assert_eq!(ids(world.customer.post(path, &some).await.result()), persons[..40], "{path}");
    }
}

#[tokio::test]
async fn a_person_with_large_records_is_shown_in_part_with_a_way_to_the_rest() {
    let world = World::new().await;
    let person = register(&world, &large_person(1)).await["id"].as_str().unwrap().to_owned();
    let mut large = json!({"metadata": {"a": quotes(8000)}});
    for field in ["state", "city", "street", "ext_num", "int_num", "municipality", "colony", "references", "source"] {
        large[field] = json!(quotes(500));
    }
    let address = |number: usize| {
        let mut address = sample("addresses", &person);
        for (field, value) in large.as_object().unwrap() {
            address[field] = value.clone();
        }
        address["int_num"] = json!(format!("{number:0>3}{}", quotes(497)));
        address
    };
    let mut result = sample("biometric-results", &person);
    result["metadata"] = json!({"a": quotes(8000)});
    for number in 0..49 {
        let made = world.customer.post("/addresses", &address(number)).await;
        assert_eq!(made.status, 201, "number {number}: {made:?}");
        assert_eq!(world.customer.post("/biometric-results", &result).await.status, 201);
        world.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let by_national_id = large_person(1)["national_id"].as_str().unwrap().replace('"', "%22");
    let (whole, _) = read(&world, &format!("/people/national-id/{by_national_id}")).await;
    let mut seen = ids(&whole["addresses"]);
    assert!((10..48).contains(&seen.len()), "{}", seen.len());
    seen.extend(walk(&world, whole["addresses_next_page_url"].as_str().unwrap()).await);
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (49, 49));
    assert_eq!(
        (&whole["contact_data_next_page_url"], &whole["references_next_page_url"]),
        (&json!(null), &json!(null))
    );
    read(&world, &format!("/people/{person}/biometric-results")).await;
    assert_eq!(walk(&world, &format!("/biometric-results?person_id={person}&per_page=100")).await.len(), 49);
}

#[tokio::test]
async fn a_person_that_is_full_says_so_in_plain_words() {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let mut address = sample("addresses", &person);
    for field in ["state", "city", "street", "ext_num", "int_num", "municipality", "colony"] {
        // The longest that can be: four bytes a character.
        address[field] = json!("𠮷".repeat(500));
    }
    for number in 0..50 {
        let made = world.customer.post("/addresses", &address).await;
        assert_eq!(made.status, 201, "number {number}: {made:?}");
    }
    let refused = world.customer.post("/addresses", &address).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["person_id"]));
    assert!(refused.body["error"].as_str().unwrap().contains("50"), "{}", refused.body);
    // All of it is there.
    assert_eq!(walk(&world, &format!("/addresses?person_id={person}&per_page=100")).await.len(), 50);
    assert_eq!(read(&world, &format!("/people/{person}")).await.0["addresses_similarity"]["general_score"], json!(1.0));
}

#[tokio::test]
async fn the_latest_of_each_property_come_in_pages_where_one_answer_cannot_hold_them() {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let mut latest = Vec::new();
    for property in 0..90 {
        let parts: Vec<_> =
            (0..28).map(|part| json!({"title": quotes(250), "type": "string", "key": format!("k{part}")})).collect();
        let body = json!({"name": format!("Property {property}"), "descriptor": parts});
        let made = world.customer.post("/dynamic-properties", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let values = json!({"person_id": person, "values": {"k0": quotes(500), "k1": quotes(500), "k2": quotes(500)}});
        let saved = world.customer.post(&format!("/dynamic-properties/{}/values", made.id()), &values).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        latest.push(saved.id());
        world.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    latest.reverse();
    assert_eq!(walk(&world, &format!("/people/{person}/dynamic-values")).await, latest);
}

#[tokio::test]
async fn a_page_of_channels_behind_the_first_is_read_and_told_too() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let platform = world.local.platform("run-work").unwrap();
    let (table, dynamodb) = (&platform.config.table, &platform.aws.dynamodb);
    // One more than a page of 1 MB has wherever it ends: before the item that is too much, as at AWS, or behind it.
    for number in 0..6 {
        let channel = json!({
            "name": format!("Channel {number}"), "type": "webhook", "active": true, "events": ["process_created"],
            "config": {"url": receiver.url()}
        });
        let id = world.customer.post("/notification-channels", &channel).await.id();
        // As large as a channel could be made before its URL had a limit.
        let (pk, sk) = ("TENANT#local#CHANNELS".to_owned(), id);
        let update = dynamodb.update_item().table_name(table).update_expression("SET filler = :filler");
        let update = update.expression_attribute_values(":filler", AttributeValue::S("x".repeat(240 * 1024)));
        let update = update.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
        world.aws.wire().aside(update.send()).await.unwrap();
    }
    let query = dynamodb.query().table_name(table).consistent_read(true).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", AttributeValue::S("TENANT#local#CHANNELS".to_owned()));
    assert!(
        world.aws.wire().aside(query.send()).await.unwrap().last_evaluated_key().is_some(),
        "one answer of the table has them all"
    );

    let listed = world.customer.get("/notification-channels").await;
    assert_eq!(listed.result().as_array().unwrap().len(), 6);
    world.customer.create(&cotejo_tests::order("never")).await;
    world.local.pump().await;
    assert_eq!(receiver.received().len(), 6);
}

#[tokio::test]
async fn an_address_is_kept_as_it_was_understood_or_refused() {
    let world = World::new().await;
    let channel = |url: &str| {
        json!({
            "name": "Hook", "type": "webhook", "active": true, "events": ["process_created"], "config": {"url": url}
        })
    };
    let given = "HTTPS://Example.com:443/a/../hook?b=ñ";
    let kept = "https://example.com/hook?b=%C3%B1";
    let made = world.customer.post("/notification-channels", &channel(given)).await;
    assert_eq!(made.result()["config"]["url"], kept);
    let path = format!("/notification-channels/{}", made.id());
    let temporary = world.customer.post("/temporary-people", &json!({"callback_url": given})).await;
    assert_eq!(temporary.result()["callback_url"], kept);

    let label = format!("https://{}.com/", "a".repeat(64));
    let long = format!("https://example.com/{}", "a".repeat(240 * 1024));
    for url in [
        " https://example.com/",
        "https://example.com/ ",
        "https://example.com/a b",
        "https://example.com/\r\nX-Header: 1",
        "https://exam\tple.com/",
        "https://me@example.com/",
        "https://me:secret@example.com/",
        label.as_str(),
        long.as_str(),
        "example.com",
        "",
    ] {
        let refused = world.customer.post("/notification-channels", &channel(url)).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["config.url"]), "{url:.60}");
        let refused = world.customer.put(&path, &channel(url)).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["config.url"]), "{url:.60}");
        let mut slack = channel(url);
        slack["type"] = json!("slack");
        assert_eq!(world.customer.post("/notification-channels", &slack).await.fields(), ["config.url"], "{url:.60}");
        let refused = world.customer.post("/temporary-people", &json!({"callback_url": url})).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["callback_url"]), "{url:.60}");
    }
    for (provider, account) in [
        ("auco", json!({"public_key": "puk", "private_key": "prk", "url": "https://auco.example/\n"})),
        ("auco", json!({"public_key": "puk", "private_key": "prk", "url": "https://auco.example/?a=b"})),
        ("sms", json!({"url": "https://me@sms.example/"})),
    ] {
        let said = world.admin(&["provider", "set", "local", provider], &account.to_string()).await;
        assert!(said.err().unwrap().to_string().contains("url"), "{account}");
    }
}

#[tokio::test]
async fn a_cursor_that_the_table_would_not_take_is_the_customer_s_mistake() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
    let world = World::new().await;
    for below in [String::new(), "x".repeat(2000)] {
        let cursor = BASE64URL.encode(json!({"month": "2026-11", "below": below, "seen": 0}).to_string());
        for list in ["/processes", "/people"] {
            let refused = world.customer.get(&format!("{list}?cursor={cursor}")).await;
            assert_eq!((refused.status, refused.fields()), (422, vec!["cursor"]), "{list}");
        }
    }
}

#[tokio::test]
async fn what_is_nested_too_deep_to_be_read_again_is_refused() {
    let world = World::new().await;
    let nested = |depth: usize| (1..depth).fold(json!({"end": 1}), |inner, _| json!({"a": inner}));
    let process = |metadata: Value| {
        let mut process = cotejo_tests::order("never");
        process["metadata"] = metadata;
        process
    };
    let made = world.customer.create(&process(nested(32))).await;
    assert_eq!(world.customer.process(&made.id()).await["metadata"], nested(32));
    // At 126 the body could be read, and the process not any more.
    for depth in [33, 126] {
        let refused = world.customer.create(&process(nested(depth))).await;
        assert_eq!((refused.status, refused.fields()), (422, vec!["metadata"]), "{depth}");
        let mut options = cotejo_tests::order("never");
        options["options"]["custom"]["deep"] = nested(depth - 2);
        assert_eq!(world.customer.create(&options).await.fields(), ["options"], "{depth}");
        let mut person = juan();
        person["extra_data"] = nested(depth);
        assert_eq!(world.customer.post("/people", &person).await.fields(), ["extra_data"], "{depth}");
    }
}

#[tokio::test]
async fn what_has_no_end_is_refused_by_the_field_s_name() {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    let digits = "1".repeat(200_000);
    for (list, field, value) in [
        ("financials", "monthly_income", format!("0.{digits}")),
        ("addresses", "latitude", format!("0.{digits}")),
        ("addresses", "device_coordinates", format!("[0.{digits}]")),
        ("addresses", "street", format!("\"{digits}\"")),
        ("addresses", "metadata", format!("{{\"a\":\"{digits}\"}}")),
        ("contacts", "email", format!("\"a@{digits}\"")),
    ] {
        let mut body = sample(list, &person);
        body.as_object_mut().unwrap().remove(field);
        let body = body.to_string().replacen('{', &format!("{{\"{field}\":{value},"), 1);
        let key = ("x-api-key", world.local.api_key());
        let refused = world.customer.send(reqwest::Method::POST, &format!("/{list}"), &[key], Some(body)).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{list}");
    }
    for (field, value) in [("phone", digits.clone()), ("email", format!("a@{digits}.com")), ("name", digits)] {
        let mut process = cotejo_tests::order("never");
        process["person"][field] = json!(value);
        assert_eq!(world.customer.create(&process).await.fields(), [format!("person.{field}")], "{field}");
    }
}
