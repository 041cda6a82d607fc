//! What each operation of the registry's lists is for: what was made is listed and read, and a change is seen by whoever reads.

use cotejo_tests::{Answer, World};
use serde_json::{Value, json};

use crate::people::{LISTS, juan, register, sample};

/// Changes a record, and checks that it is so afterwards for whoever reads it and for whoever lists it.
async fn change(world: &World, list: &str, id: &str, changes: &Value) {
    let path = format!("/{list}/{id}");
    let before = world.customer.get(&path).await.result().clone();
    let changed = world.customer.put(&path, changes).await.result().clone();
    for (field, value) in changes.as_object().unwrap() {
        assert_ne!(&before[field], value, "{list} {field} has it already");
        assert_eq!(&changed[field], value, "{list} {field}");
    }
    assert_eq!(world.customer.get(&path).await.result()["id"], id);
    let read = world.customer.get(&path).await.result().clone();
    for (field, value) in before.as_object().unwrap() {
        let expected = changes.get(field).unwrap_or(value);
        assert!(&read[field] == expected || field == "updated_at", "{list} {field}");
    }
    let listed = world.look(&format!("/{list}")).await.result()["data"].clone();
    assert!(listed.as_array().unwrap().contains(&changed), "{list}: {listed}");
}

#[tokio::test]
async fn groups_catalogs_and_their_values_are_listed_read_and_changed() {
    let world = World::new().await;
    let made = |answer: Answer| answer.id();
    let group = json!({"name": "Deudores", "description": "Con deuda"});
    let group = made(world.customer.post("/people-groups", &group).await);
    change(&world, "people-groups", &group, &json!({"description": "Sin deuda"})).await;
    let catalog = made(world.customer.post("/catalogs", &json!({"name": "Bancos"})).await);
    // A catalog that is read alone has its values beside.
    let path = format!("/catalogs/{catalog}");
    let changed = world.customer.put(&path, &json!({"name": "Cajas"})).await.result()["name"].clone();
    let listed = world.look("/catalogs").await.result()["data"][0].clone();
    let read = world.customer.get(&path).await.result().clone();
    assert_eq!([&changed, &listed["name"], &read["name"]], [&json!("Cajas"); 3]);
    assert_eq!((&listed["id"], &read["id"]), (&json!(catalog), &json!(catalog)));
    let value = json!({"custom_catalog_id": catalog, "label": "Uno", "type": "string", "value": "uno"});
    let value = made(world.customer.post("/catalog-values", &value).await);
    change(&world, "catalog-values", &value, &json!({"label": "Dos", "value": "dos"})).await;
}

#[tokio::test]
async fn a_record_of_a_person_is_changed_by_what_a_put_names() {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    for (list, _) in LISTS {
        let record = world.customer.post(&format!("/{list}"), &sample(list, &person)).await.id();
        let changes = match list {
            "addresses" => json!({"street": "Venus", "zip_code": "01000", "ownership": true}),
            "contacts" => json!({"email": "other@example.com", "phone": "+525591038055"}),
            "references" => json!({"name": "Ana", "phone": "+525591038055"}),
            "employments" => json!({"position": "CEO", "seniority": 3, "termination_date": "2026-01-01"}),
            "bank-accounts" => json!({"bank": "STP", "account": "0012", "clabe": "646180380771495362"}),
            "financials" => json!({"monthly_income": 1, "dependents": 0}),
            _ => json!({"facetec_id": "other", "execution_date": "2023-01-01T00:00:00Z"}),
        };
        let path = format!("/{list}/{record}");
        let changed = world.customer.put(&path, &changes).await.result().clone();
        for (field, value) in changes.as_object().unwrap() {
            assert_eq!(&changed[field], value, "{list} {field}");
        }
        assert_eq!(world.customer.get(&path).await.result(), &changed, "{list}");
        assert_eq!(world.look(&format!("/{list}")).await.result()["data"], json!([changed]), "{list}");
    }
}

#[tokio::test]
async fn what_finds_one_person_no_other_gets() {
    let world = World::new().await;
    let mut body = juan();
    body["external_ref_id"] = json!("client-7");
    body["facetec_ref_id"] = json!("dev-7");
    register(&world, &body).await;
    let mut other = juan();
    other["national_id"] = json!("BOXW310820HNERXN09");
    let path = format!("/people/{}", register(&world, &other).await["id"].as_str().unwrap());
    for field in ["national_id", "external_ref_id", "facetec_ref_id"] {
        let mut another = juan();
        another["national_id"] = json!("PESJ880221HDFHLX00");
        another[field] = body[field].clone();
        assert_eq!(world.customer.post("/people", &another).await.fields(), [field]);
        assert_eq!(world.customer.put(&path, &json!({field: body[field]})).await.fields(), [field]);
    }
}

#[tokio::test]
async fn a_person_that_is_read_has_the_entries_that_it_names() {
    let world = World::new().await;
    let mut body = juan();
    body["marital_status_id"] = json!(1);
    let person = register(&world, &body).await["id"].as_str().unwrap().to_owned();
    let read = world.customer.get(&format!("/people/{person}")).await.result().clone();
    for (part, id, code) in [("marital_status", 1, "soltero"), ("nationality", 144, "MEX"), ("state", 7, "DF")] {
        assert_eq!((&read[part]["id"], &read[part]["code"]), (&json!(id), &json!(code)), "{part}");
    }
    // By the national id with all that belongs to it.
    let mut ids = Vec::new();
    for (list, _) in LISTS.iter().take(3) {
        ids.push(world.customer.post(&format!("/{list}"), &sample(list, &person)).await.id());
    }
    let whole = world.customer.get("/people/national-id/PESJ880212HDFHLX01").await.result().clone();
    let parts = ["addresses", "contact_data", "references"].map(|part| whole[part][0]["id"].as_str().unwrap());
    assert_eq!((parts.to_vec(), &whole["state"]["id"]), (ids.iter().map(String::as_str).collect(), &json!(7)));
}

#[tokio::test]
async fn a_channel_is_changed_by_what_a_put_names() {
    let world = World::new().await;
    let body = json!({
        "name": "Mail", "type": "email", "active": true, "events": ["process_approved"],
        "config": {"emails": ["a@example.com"]}
    });
    let made = world.customer.post("/notification-channels", &body).await;
    let path = format!("/notification-channels/{}", made.id());
    for changes in [
        json!({"name": "Post"}),
        json!({"active": false}),
        json!({"events": ["process_created", "process_rejected"]}),
        json!({"config": {"emails": ["b@example.com", "c@example.com"], "with_names": true}}),
    ] {
        let before = world.customer.get(&path).await.result().clone();
        assert_eq!(world.customer.put(&path, &changes).await.status, 200);
        let after = world.customer.get(&path).await.result().clone();
        for (field, value) in after.as_object().unwrap() {
            let expected = changes.get(field).unwrap_or(&before[field]);
            assert!(
                value == expected || ["updated_at", "disabled_at", "disabled_reason"].contains(&field.as_str()),
                "{field}"
            );
        }
    }
}
