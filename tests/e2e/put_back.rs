//! What an answer shows can be put back: read, change a value, write. Nothing that was only shown is refused, changed or told of.

use cotejo_tests::{Receiver, World};
use serde_json::{Value, json};

use crate::{
    people::{LISTS, juan, register, sample},
    temporary::john,
};

/// A record of every family whose records can be changed: the path, what `GET` shows, and a change.
async fn one_of_each(world: &World) -> Vec<(String, Value, (&'static str, Value))> {
    let post = async |path: &str, body: &Value| {
        let made = world.customer.post(path, body).await;
        assert!(made.status < 300, "{path}: {made:?}");
        format!("{path}/{}", made.id())
    };
    let group = post("/people-groups", &json!({"name": "Deudores", "description": "Con deuda"})).await;
    let mut body = juan();
    body["people_group_id"] = json!(group.rsplit('/').next());
    body["biometrics"] = json!({"liveness": false, "by": "us"});
    body["extra_data"] = json!({"n": 1, "list": [1, {"b": 2, "a": "é"}]});
    let person = register(world, &body).await;
    let id = person["id"].as_str().unwrap();
    let mut changes =
        Vec::from([(group, ("description", json!("Sin deuda"))), (format!("/people/{id}"), ("name", json!("Juana")))]);
    for ((list, _), change) in LISTS.into_iter().zip([
        ("street", json!("Venus")),
        ("email", json!("other@example.com")),
        ("person_relation_id", json!(2)),
        ("position", json!("Jefe")),
        ("clabe", json!("032180000118359719")),
        ("dependents", json!(3)),
        ("type", json!(4)),
    ]) {
        changes.push((post(&format!("/{list}"), &sample(list, id)).await, change));
    }
    let catalog = post("/catalogs", &json!({"name": "Catalogo"})).await;
    let catalog_id = catalog.rsplit('/').next().unwrap().to_owned();
    let value = json!({"custom_catalog_id": catalog_id, "label": "Uno", "type": "number", "value": 1.50});
    changes.push((post("/catalog-values", &value).await, ("label", json!("Dos"))));
    changes.push((catalog, ("description", json!("De prueba"))));
    let property = json!({
        "name": "Ingreso", "descriptor": [{"title": "Fuente", "type": "string", "rules": ["max:50"], "catalog_id": catalog_id}]
    });
    changes.push((post("/dynamic-properties", &property).await, ("name", json!("Ingresos"))));
    changes.push((post("/temporary-people", &john()).await, ("bank_data", json!({"bank": "Banorte"}))));
    let mut shown = Vec::new();
    for (path, change) in changes {
        shown.push((path.clone(), world.look(&path).await.result().clone(), change));
    }
    shown
}

#[tokio::test]
async fn what_is_shown_can_be_put_back_in_every_family_and_changed() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let families = one_of_each(&world).await;
    assert_eq!(families.len(), 13);
    let channel = json!({
        "name": "Registry", "type": "webhook", "active": true, "events": ["updated_data_to_person"],
        "config": {"url": receiver.url()}
    });
    world.local.pump().await;
    assert_eq!(world.customer.post("/notification-channels", &channel).await.status, 201);
    for (path, shown, _) in &families {
        world.clock.advance(jiff::SignedDuration::from_secs(5));
        let put = world.customer.put(path, shown).await;
        assert_eq!(put.status, 200, "{path}: {put:?}");
        let now = world.customer.get(path).await;
        assert_eq!(now.result(), shown, "{path}");
    }
    world.local.pump().await;
    assert_eq!(receiver.received().len(), 0, "nothing changed, so nobody is told");

    for (path, shown, (field, value)) in &families {
        let mut changed = shown.clone();
        changed[field] = value.clone();
        // Again, as whoever got no answer sends it: what follows from the change differs by now.
        for _ in 0..2 {
            let put = world.customer.put(path, &changed).await;
            assert_eq!(put.status, 200, "{path}: {put:?}");
        }
        let now = world.customer.get(path).await.result().clone();
        assert_eq!(&now[field], value, "{path}");
        for kept in ["id", "person_id", "created_at"] {
            assert_eq!(now[kept], shown[kept], "{path}");
        }
        assert!(now["updated_at"].as_str() > shown["updated_at"].as_str(), "{path}");
        let other = json!({"id": "71266b80-f04b-4a2c-9314-963d3a182f2b"});
        assert_eq!(world.customer.put(path, &other).await.fields(), ["id"], "{path}");
    }
    world.local.pump().await;
    let told = receiver.received().len();
    assert_eq!(told, 8, "the person and the seven families of its records, once each");
}

#[tokio::test]
async fn a_person_that_is_shown_with_all_it_has_is_put_back_by_its_national_id() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    for (list, _) in LISTS {
        let made = world.customer.post(&format!("/{list}"), &sample(list, person["id"].as_str().unwrap())).await;
        assert!(made.status < 300, "{made:?}");
    }
    let path = "/people/national-id/PESJ880212HDFHLX01";
    let shown = world.customer.get(path).await.result().clone();
    assert_eq!(shown["biometrics"]["liveness"], true);
    assert_eq!(world.customer.put(path, &shown).await.result(), &shown);
    // What a result says is not what was given, so that it goes with the result.
    let results = world.look(&format!("/people/{}/biometric-results", shown["id"].as_str().unwrap())).await;
    let result = format!("/biometric-results/{}", results.result()[0]["id"].as_str().unwrap());
    assert_eq!(world.customer.put(&result, &json!({"type": 1})).await.result()["typeName"], "ENROLL");
    assert_eq!(world.customer.get(path).await.result()["biometrics"], json!(null));
}

#[tokio::test]
async fn what_only_we_set_is_not_set_by_whoever_puts_something_else_there() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let made = world.customer.post("/contacts", &sample("contacts", person["id"].as_str().unwrap())).await;
    let path = format!("/contacts/{}", made.id());
    assert_eq!(world.customer.put(&path, &json!({"email_confirmation": true})).await.fields(), ["email_confirmation"]);
    let person = format!("/people/{}", person["id"].as_str().unwrap());
    let other = json!({"temporary_ref_id": "71266b80-f04b-4a2c-9314-963d3a182f2b"});
    assert_eq!(world.customer.put(&person, &other).await.fields(), ["temporary_ref_id"]);
}

#[tokio::test]
async fn a_channel_that_is_put_back_as_it_was_shown_goes_on_working() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let events = ["person_register"];
    let webhook =
        json!({"name": "Hook", "type": "webhook", "active": true, "events": events, "config": {"url": receiver.url()}});
    let slack = json!({
        "name": "Slack", "type": "slack", "active": true, "events": events,
        "config": {"url": receiver.url(), "with_names": false}
    });
    let create = async |body: &Value| world.customer.post("/notification-channels", body).await;
    let (webhook, slack) = (create(&webhook).await, create(&slack).await);
    let path = |answer: &cotejo_tests::Answer| format!("/notification-channels/{}", answer.id());
    let rotated = world.customer.post(&format!("{}/secret", path(&webhook)), &json!({})).await;
    for path in [path(&webhook), path(&slack)] {
        let shown = world.customer.get(&path).await.result().clone();
        assert_eq!(world.customer.put(&path, &shown).await.result(), &shown);
        let mut renamed = shown.clone();
        renamed["name"] = json!("Other");
        let put = world.customer.put(&path, &renamed).await;
        assert_eq!((put.status, &put.result()["config"]), (200, &shown["config"]), "{put:?}");
    }
    // The answer that showed the secret can be put back as well; both secrets go on signing.
    let put = world.customer.put(&path(&webhook), rotated.result()).await;
    assert_eq!(put.result()["config"]["secrets"], rotated.result()["config"]["secrets"]);
    register(&world, &juan()).await;
    world.local.pump().await;
    let received = receiver.received();
    assert_eq!(received.len(), 2, "the place that was there is told still");
    let signed = received.iter().find_map(|each| each.headers.get("webhook-signature")).unwrap();
    assert_eq!(signed.to_str().unwrap().split(' ').count(), 2);

    // What stands for something is nothing where there is nothing.
    let shown = world.customer.get(&path(&slack)).await.result()["config"].clone();
    let new = json!({"name": "New", "type": "slack", "active": true, "events": events, "config": shown});
    assert_eq!(create(&new).await.fields(), ["config.url"]);
    let turned = json!({"type": "slack", "config": shown});
    assert_eq!(world.customer.put(&path(&webhook), &turned).await.fields(), ["config.url"]);
    let secrets = world.customer.get(&path(&webhook)).await.result()["config"].clone();
    let new = json!({"name": "New", "type": "webhook", "active": true, "events": events, "config": secrets});
    assert_eq!(create(&new).await.fields(), ["config.secrets"]);
    let own = json!({"config": {"url": receiver.url(), "secrets": ["whsec_AAAA"]}});
    assert_eq!(world.customer.put(&path(&webhook), &own).await.fields(), ["config.secrets[0]"]);
    assert_eq!(world.customer.put(&path(&slack), &json!({"id": webhook.id()})).await.fields(), ["id"]);
}
