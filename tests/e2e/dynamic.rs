//! Dynamic properties and what persons have in them; many values for a catalog at once.

use std::collections::BTreeSet;

use cotejo_tests::{Disturbance, When, World};
use serde_json::{Value, json};

use crate::people::{juan, register};

/// The seed's property.
fn property() -> Value {
    json!({
        "name": "Test 01",
        "description": "Test 01",
        "descriptor": [
            {"title": "Test 01", "type": "string", "key": "test_01", "filter_group": "Basic", "rules": ["max:50", "min:10"]}
        ]
    })
}

#[tokio::test]
async fn a_property_and_its_values_are_shown_as_in_the_seed() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let catalog = world.customer.post("/catalogs", &json!({"name": "Pruebas"})).await.id();
    let value = json!({"custom_catalog_id": catalog, "label": "Uno", "type": "string", "value": "test_01_uno"});
    assert_eq!(world.customer.post("/catalog-values", &value).await.status, 201);
    let mut body = property();
    body["descriptor"][0]["catalog_id"] = json!(catalog);
    let made = world.customer.post("/dynamic-properties", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    insta::assert_json_snapshot!("dynamic_property", made.result(), {
        ".id" => "[id]", ".descriptor[].catalog_id" => "[catalog]",
    });
    let path = format!("/dynamic-properties/{}", made.id());
    assert_eq!(world.customer.get(&path).await.result(), made.result());
    assert_eq!(world.look("/dynamic-properties").await.result()["data"], json!([made.result()]));

    let given = json!({
        "person_id": person["id"], "dynamic_property_id": made.result()["id"], "values": {"test_01": "test_01_uno"}
    });
    let saved = world.customer.post(&format!("{path}/values"), &given).await;
    assert_eq!(saved.status, 201, "{saved:?}");
    insta::assert_json_snapshot!("dynamic_value", saved.result(), {
        ".id" => "[id]", ".person_id" => "[person]", ".dynamic_property_id" => "[property]",
        ".dynamic_descriptor.id" => "[property]", ".dynamic_descriptor.descriptor[].catalog_id" => "[catalog]",
    });
    assert_eq!(world.customer.get(&format!("/dynamic-values/{}", saved.id())).await.result(), saved.result());
    // What the catalog does not have is refused.
    let mut other = given.clone();
    other["values"]["test_01"] = json!("test_01_dos");
    assert_eq!(world.customer.post(&format!("{path}/values"), &other).await.fields(), ["values.test_01"]);
}

#[tokio::test]
async fn a_property_that_makes_no_sense_is_refused_part_by_part() {
    let world = World::new().await;
    let wrong = json!({
        "name": "P", "key": "mine", "descriptor": [
            {"title": "A", "type": "text"},
            {"title": "B", "type": "boolean", "rules": ["max:3", "required", "longest:1"]},
            {"title": "C", "type": "string", "more": 1},
            {"title": "D", "type": "string", "key": "same"},
            {"title": "E", "type": "string", "key": "same"},
            {"title": "!", "type": "string"}
        ]
    });
    let refused = world.customer.post("/dynamic-properties", &wrong).await;
    assert_eq!(
        refused.fields(),
        [
            "descriptor[0].type",
            "descriptor[1].rules[0]",
            "descriptor[1].rules[2]",
            "descriptor[2].more",
            "descriptor[4].key",
            "descriptor[5].key",
            "key"
        ]
    );
    for descriptor in [json!([]), json!({}), json!(["a"])] {
        let refused = world.customer.post("/dynamic-properties", &json!({"name": "P", "descriptor": descriptor})).await;
        assert_eq!(refused.fields(), ["descriptor"]);
    }
    let mut nowhere = property();
    nowhere["descriptor"][0]["catalog_id"] = json!("71266b80-f04b-4a2c-9314-963d3a182f2b");
    assert_eq!(world.customer.post("/dynamic-properties", &nowhere).await.fields(), ["descriptor"]);
    world.catch_up();
    assert_eq!(world.customer.get("/dynamic-properties").await.result()["data"], json!([]));
}

#[tokio::test]
async fn values_keep_the_rules_or_are_not_stored() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let parts = json!([
        {"title": "Alias", "type": "string", "rules": ["required", "max:5"]},
        {"title": "Hijos", "type": "integer", "rules": ["between:0,20"]},
        {"title": "Ingreso", "type": "number", "rules": ["min:0"]},
        {"title": "Alta", "type": "datetime", "rules": ["after:2020-01-01"]},
        {"title": "Activo", "type": "boolean"},
        {"title": "Etiquetas", "type": "array", "rules": ["size:2"]}
    ]);
    let made = world.customer.post("/dynamic-properties", &json!({"name": "Ficha", "descriptor": parts})).await;
    let path = format!("/dynamic-properties/{}/values", made.id());
    let save =
        async |values: Value| world.customer.post(&path, &json!({"person_id": person["id"], "values": values})).await;
    let good = json!({
        "alias": "Beto", "hijos": 2, "ingreso": 12_345.5, "alta": "2021-05-01T00:00:00Z", "activo": true,
        "etiquetas": ["a", "b"]
    });
    assert_eq!(save(good.clone()).await.result()["values"], good);
    let bad = json!({
        "alias": "Alberto", "hijos": 21, "ingreso": -1, "alta": "2019-05-01T00:00:00Z", "activo": "yes",
        "etiquetas": ["a"], "otro": 1
    });
    assert_eq!(
        save(bad).await.fields(),
        [
            "values.activo",
            "values.alias",
            "values.alta",
            "values.etiquetas",
            "values.hijos",
            "values.ingreso",
            "values.otro"
        ]
    );
    assert_eq!(save(json!({"hijos": 1})).await.fields(), ["values.alias"]);
    let other = json!({"person_id": "x", "dynamic_property_id": person["id"], "values": [1]});
    let refused = world.customer.post(&path, &other).await;
    assert_eq!(refused.fields(), ["dynamic_property_id", "person_id", "values"]);
    world.catch_up();
    let listed = world.customer.get("/dynamic-values").await;
    assert_eq!(listed.result()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_latest_values_count_and_the_history_stays() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let mut properties = Vec::new();
    for name in ["Uno", "Dos"] {
        let mut body = property();
        body["name"] = json!(name);
        properties.push(world.customer.post("/dynamic-properties", &body).await.id());
    }
    for number in 0..3 {
        for property in &properties {
            let values = json!({"person_id": person["id"], "values": {"test_01": format!("value number {number}")}});
            let path = format!("/dynamic-properties/{property}/values");
            assert_eq!(world.customer.post(&path, &values).await.status, 201);
            world.clock.advance(jiff::SignedDuration::from_secs(1));
        }
    }
    // A property that changes later changes nothing about what was saved under it.
    let renamed = json!({"name": "Otro", "descriptor": [{"title": "X", "type": "integer"}]});
    let renamed = world.customer.put(&format!("/dynamic-properties/{}", properties[0]), &renamed).await;
    assert_eq!((&renamed.result()["name"], &renamed.result()["key"]), (&json!("Otro"), &json!("uno")));

    world.catch_up();
    let path = format!("/people/{}/dynamic-values", person["id"].as_str().unwrap());
    let values = async |path: String| {
        let page = world.customer.get(&path).await.result().clone();
        let data = page["data"].as_array().unwrap().clone();
        data.iter().map(|value| value["values"]["test_01"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(path.clone()).await, ["value number 2"; 2]);
    assert_eq!(values(format!("{path}?all=true")).await.len(), 6);
    let of_one = ["value number 2", "value number 1", "value number 0"];
    assert_eq!(values(format!("{path}?all=true&descriptor_id={}", properties[0])).await, of_one);
    let both = format!("/dynamic-values?person_id={}&descriptor_id={}", person["id"].as_str().unwrap(), properties[1]);
    assert_eq!(values(both).await, of_one);
    let latest = world.customer.get(&path).await.result().clone();
    assert_eq!(latest["data"][1]["dynamic_descriptor"]["name"], "Uno");
    assert_eq!(world.customer.get(&format!("{path}?all=yes")).await.fields(), ["all"]);
    // Links carry what was asked for.
    let first = world.customer.get(&format!("{path}?all=true&per_page=4")).await.result().clone();
    let rest = world.customer.get(first["next_page_url"].as_str().unwrap()).await.result().clone();
    assert_eq!((first["data"].as_array().unwrap().len(), rest["data"].as_array().unwrap().len()), (4, 2));
}

#[tokio::test]
async fn a_file_of_values_is_taken_whole_or_not_at_all_and_once() {
    let world = World::new().await;
    let catalog = world.customer.post("/catalogs", &json!({"name": "Bancos"})).await.id();
    let send = async |file: &str| {
        let parts = [("custom_catalog_id", catalog.as_bytes()), ("csv_file", file.as_bytes())];
        world.customer.post_form("/catalog-values/bulk", &parts).await
    };
    let count = async || {
        world.catch_up();
        let list = world.customer.get(&format!("/catalog-values?custom_catalog_id={catalog}&per_page=100")).await;
        list.result()["data"].as_array().unwrap().clone()
    };
    let wrong = send("type,label,value\nstring,Uno,uno\ninteger,Dos,dos\nword,Tres,tres\nstring,,x\n").await;
    assert_eq!(wrong.fields(), ["csv_file[3].value", "csv_file[4].type", "csv_file[5].label"]);
    // Lines are counted as editors do, however they end; a cell of two lines counts as both.
    let wrong = send("type,label,value\r\n\r\nstring,\"Uno\r\ny dos\",uno\r\ninteger,Dos,dos\r\n").await;
    assert_eq!(wrong.fields(), ["csv_file[5].value"]);
    for file in ["", "label,value\na,b\n", "type,label,value,more\nstring,a,b,c\n"] {
        assert_eq!(send(file).await.fields(), ["csv_file"], "{file}");
    }
    assert_eq!(count().await.len(), 0);
    let file = "\u{feff}type,label,value\r\nstring,\"Uno, dos\",uno\r\ninteger,Siete,7\r\narray,Par,\"[\"\"a\"\",\"\"b\"\"]\"\r\ndatetime,Alta,2022-07-29T21:54:55Z\r\n";
    for _ in 0..2 {
        let taken = send(file).await;
        assert_eq!((taken.status, taken.result()), (201, &json!("Ok")));
    }
    let mut values: Vec<_> =
        count().await.iter().map(|value| (value["label"].clone(), value["value"].clone())).collect();
    values.sort_by_key(|(label, _)| label.to_string());
    let expected = [
        (json!("Alta"), json!("2022-07-29T21:54:55Z")),
        (json!("Par"), json!(["a", "b"])),
        (json!("Siete"), json!(7)),
        (json!("Uno, dos"), json!("uno")),
    ];
    assert_eq!(values, expected);
    // A body that is no form, and one with parts that nobody asked for.
    assert_eq!(world.customer.post("/catalog-values/bulk", &json!({})).await.error_code(), "unreadable_request");
    let parts = [("catalog", "x")];
    assert_eq!(world.customer.post_form("/catalog-values/bulk", &parts).await.fields(), ["catalog"]);
}

#[tokio::test]
async fn a_key_saves_one_value_in_one_property_whatever_becomes_of_it() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let mut properties = Vec::new();
    for _ in 0..2 {
        properties.push(world.customer.post("/dynamic-properties", &property()).await.id());
    }
    let given = json!({"person_id": person["id"], "values": {"test_01": "ten characters"}});
    let save = async |property: &str| {
        world.customer.post_once(&format!("/dynamic-properties/{property}/values"), "first", &given).await
    };
    let saved = save(&properties[0]).await;
    assert_eq!(saved.status, 201, "{saved:?}");
    // The property changes so that the value would no longer do: it was saved all the same.
    let mut stricter = property();
    stricter["descriptor"][0]["rules"] = json!(["max:5"]);
    let path = format!("/dynamic-properties/{}", properties[0]);
    assert_eq!(world.customer.put(&path, &stricter).await.status, 200);
    let again = save(&properties[0]).await;
    assert_eq!((again.id(), again.headers["idempotent-replayed"].as_bytes()), (saved.id(), &b"true"[..]));
    // Another property is another request.
    assert_eq!(save(&properties[1]).await.error_code(), "idempotency_key_reused");
}

#[tokio::test]
async fn a_long_file_of_values_that_stopped_half_way_is_finished_by_the_next_try() {
    let world = World::new().await;
    let catalog = world.customer.post("/catalogs", &json!({"name": "Bancos"})).await.id();
    // Nothing but CR between its lines, as some spreadsheets write it.
    let mut file = "type,label,value\r".to_owned();
    (0..250).for_each(|number| file.push_str(&format!("integer,Number {number},{number}\r")));
    let send = async |file: &str| {
        let parts = [("custom_catalog_id", catalog.as_bytes()), ("csv_file", file.as_bytes())];
        world.customer.post_form("/catalog-values/bulk", &parts).await
    };
    let wrong = send(&format!("{file}integer,A word,word\r")).await;
    assert_eq!(wrong.fields(), ["csv_file[252].value"]);
    world.aws.wire().plan("TransactWriteItems", None, 1, Disturbance::Fail(When::Before));
    assert_eq!(send(&file).await.status, 503);
    world.aws.take_calls();
    assert_eq!(send(&file).await.status, 201);
    let calls = world.aws.take_calls();
    assert_eq!(calls.iter().filter(|call| *call == "TransactWriteItems").count(), 6, "{calls:?}");
    world.catch_up();
    let (mut labels, mut page) = (BTreeSet::new(), format!("/catalog-values?custom_catalog_id={catalog}&per_page=100"));
    loop {
        let list = world.customer.get(&page).await.result().clone();
        let values = list["data"].as_array().unwrap();
        assert!(values.iter().all(|value| labels.insert(value["label"].to_string())), "{list}");
        match list["next_page_url"].as_str() {
            Some(next) => page = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(labels.len(), 250);
}
