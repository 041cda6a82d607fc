//! Temporary people, and persons that are made of what is known already.

use cotejo_tests::{Disturbance, Receiver, When, World, order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{juan, register};

/// The seed's temporary person, with a CURP that is one.
pub fn john() -> Value {
    json!({
        "facetec_ref_id": "dev-71266b80-f04b-4a2c-9314-963d3a182f2a",
        "external_ref_id": "external-123456789",
        "name": "John Doe",
        "first_lastname": "Doe",
        "second_lastname": "Smith",
        "national_id": "BOXW310820HNERXN09",
        "tax_id": "1234567890",
        "birthdate": "1990-01-01",
        "gender": "MALE",
        "extra_data": {"a": 1, "b": 1},
        "bank_data": {"bank": "Banamex", "account": "1234567890"},
        "employment_data": {"company_name": "Rem"}
    })
}

#[tokio::test]
async fn a_temporary_person_is_shown_as_in_the_seed_and_becomes_a_person_once() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut body = john();
    body["callback_url"] = json!(receiver.url());
    let made = world.customer.post("/temporary-people", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    insta::assert_json_snapshot!("temporary_person", made.result(), { ".id" => "[id]", ".callback_url" => "[url]" });
    let path = format!("/temporary-people/{}", made.id());
    let changed = world.customer.put(&path, &json!({"name": "Johnny", "gender": "x"})).await;
    assert_eq!(changed.fields(), ["gender"]);
    assert_eq!(world.customer.put(&path, &json!({"name": "Johnny"})).await.result()["name"], "Johnny");
    world.catch_up();
    assert_eq!(world.customer.get("/temporary-people").await.result()["data"][0]["id"], made.result()["id"]);

    let convert = format!("{path}/person");
    let wrong = json!({"person_data": {"gender": "x", "age": 3}, "bank_data": {"clabe": "1"}, "more": 1});
    assert_eq!(world.customer.post(&convert, &wrong).await.fields(), ["more"]);
    let wrong = json!({"person_data": {"gender": "x", "age": 3}, "bank_data": {"clabe": "1"}});
    assert_eq!(
        world.customer.post(&convert, &wrong).await.fields(),
        ["bank_data.clabe", "person_data.age", "person_data.gender"]
    );
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"], json!([]));

    let given = json!({
        "person_data": {"name": "Juan", "state_id": 7}, "bank_data": {"clabe": "002010077777777771"},
        "employment_data": {"position": "CEO"}, "extra_data": {"b": 2, "c": 3}
    });
    let person = world.customer.post(&convert, &given).await;
    assert_eq!(person.status, 201, "{person:?}");
    let seen = person.result();
    for (field, value) in [
        ("name", json!("Juan")),
        ("first_lastname", json!("Doe")),
        ("national_id", json!("BOXW310820HNERXN09")),
        ("external_ref_id", json!("external-123456789")),
        ("extra_data", json!({"a": 1, "b": 2, "c": 3})),
        ("temporary_ref_id", made.result()["id"].clone()),
        ("birthdate", json!("1990-01-01T00:00:00Z")),
    ] {
        assert_eq!(seen[field], value, "{field}");
    }
    let owned = async |list: &str| {
        let list = world.look(&format!("/{list}?person_id={}", person.id())).await;
        list.result()["data"].as_array().unwrap().clone()
    };
    let (employments, accounts) = (owned("employments").await, owned("bank-accounts").await);
    assert_eq!((employments.len(), accounts.len()), (1, 1));
    assert_eq!((&employments[0]["company_name"], &employments[0]["position"]), (&json!("Rem"), &json!("CEO")));
    assert_eq!(accounts[0]["account"], "1234567890");
    assert_eq!(world.customer.get(&path).await.result()["person_id"], seen["id"]);

    let again = world.customer.post(&convert, &json!({})).await;
    assert_eq!((again.status, again.id()), (201, person.id()));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    world.local.pump().await;
    let told: Vec<Value> = receiver.received().iter().map(cotejo_tests::Received::json).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["event"], &told[0]["resource_id"]),
        (&json!("temporary_person_converted"), &made.result()["id"])
    );
    // Ids, and nothing else about anybody.
    let expected = json!({
        "id": made.result()["id"], "person_id": seen["id"],
        "external_ref_id": body["external_ref_id"], "facetec_ref_id": body["facetec_ref_id"]
    });
    assert_eq!(told[0]["payload"], expected);
}

#[tokio::test]
async fn a_conversion_that_stopped_half_way_is_finished_by_the_next() {
    let world = World::new().await;
    let temporary = world.customer.post("/temporary-people", &john()).await.id();
    let convert = format!("/temporary-people/{temporary}/person");
    let clabe = json!({"bank_data": {"clabe": "002010077777777771"}});
    for done in 0..4 {
        world.aws.wire().plan("TransactWriteItems", None, done, Disturbance::Fail(When::Before));
        let answer = world.customer.post(&convert, &clabe).await;
        assert!(answer.status == 503 || answer.status == 201, "{answer:?}");
        world.aws.wire().calm_down();
    }
    let person = world.customer.post(&convert, &clabe).await;
    assert_eq!(person.status, 201, "{person:?}");
    for list in ["people", "employments", "bank-accounts"] {
        let listed = world.look(&format!("/{list}")).await;
        assert_eq!(listed.result()["data"].as_array().unwrap().len(), 1, "{list}");
    }
}

#[tokio::test]
async fn a_national_id_that_is_another_person_s_makes_nobody() {
    let world = World::new().await;
    register(&world, &juan()).await;
    let mut body = john();
    body["national_id"] = json!("PESJ880212HDFHLX01");
    let temporary = world.customer.post("/temporary-people", &body).await.id();
    let clabe = json!({"bank_data": {"clabe": "002010077777777771"}});
    let refused = world.customer.post(&format!("/temporary-people/{temporary}/person"), &clabe).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["person_data.national_id"]));
    world.catch_up();
    assert_eq!(world.customer.get("/bank-accounts").await.result()["data"], json!([]));
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_told_later() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut body = john();
    body["bank_data"] = json!(null);
    body["callback_url"] = json!(receiver.url());
    receiver.answer(500);
    let temporary = world.customer.post("/temporary-people", &body).await.id();
    let person = world.customer.post(&format!("/temporary-people/{temporary}/person"), &json!({})).await;
    assert_eq!(person.status, 201, "{person:?}");
    world.local.pump().await;
    receiver.answer(200);
    world.pass(SignedDuration::from_hours(1)).await;
    let ids: std::collections::BTreeSet<_> = receiver.received().iter().map(|told| told.id().to_owned()).collect();
    assert_eq!((receiver.received().len(), ids.len()), (2, 1));
    world.pass(SignedDuration::from_hours(24)).await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn an_address_that_would_never_be_called_is_refused_with_the_rest() {
    let world = World::new().await;
    let temporary = world.customer.post("/temporary-people", &john()).await.id();
    for url in [
        "ftp://example.com",
        "http://example.com/hook",
        "https://10.0.0.1/hook",
        "https://[fd00::1]/hook",
        "https://someone:secret@example.com/hook",
        "https://example.com:8443/hook",
        "example.com",
    ] {
        let given = json!({"callback_url": url, "gender": "x"});
        let made = world.customer.post("/temporary-people", &given).await;
        assert_eq!((made.status, made.fields()), (422, vec!["callback_url", "gender"]), "{url}");
        let changed = world.customer.put(&format!("/temporary-people/{temporary}"), &given).await;
        assert_eq!(changed.fields(), ["callback_url", "gender"], "{url}");
    }
    let good = json!({"callback_url": "https://example.com/hook"});
    assert_eq!(world.customer.post("/temporary-people", &good).await.status, 201);
    assert_eq!(world.customer.put(&format!("/temporary-people/{temporary}"), &good).await.status, 200);
}

#[tokio::test]
async fn what_a_verification_read_fills_a_person_and_replaces_nothing() {
    let world = World::new().await;
    let process = world.run("approved").await;
    let given = json!({"process_id": process["id"]});
    let made = world.customer.post("/people/from-process", &given).await;
    assert_eq!(made.status, 201, "{made:?}");
    insta::assert_json_snapshot!("person_from_process", made.result(), { ".id" => "[id]" });
    let again = world.customer.post("/people/from-process", &given).await;
    assert_eq!((again.status, again.result()), (200, made.result()));

    // A person that is there is filled, and keeps what it has.
    let empty = world.customer.put("/people/national-id/BOXW310820HNERXN09", &json!({"name": "Wei"})).await.id();
    let process = world.verify_number("79500000").await;
    let filled = json!({"process_id": process["id"], "person_id": empty});
    let filled = world.customer.post("/people/from-process", &filled).await;
    assert_eq!((filled.status, filled.id()), (200, empty), "{filled:?}");
    assert_eq!(
        (&filled.result()["name"], &filled.result()["national_id"]),
        (&json!("Wei"), &json!("BOXW310820HNERXN09"))
    );
    assert_eq!(filled.result()["first_lastname"], made.result()["first_lastname"]);

    let rejected = world.run("rejected").await;
    let refused = world.customer.post("/people/from-process", &json!({"process_id": rejected["id"]})).await;
    assert_eq!((refused.status, refused.error_code()), (409, "not_approved"));
    let nowhere = json!({"process_id": process["id"], "person_id": "71266b80-f04b-4a2c-9314-963d3a182f2b"});
    assert_eq!(world.customer.post("/people/from-process", &nowhere).await.fields(), ["person_id"]);
    assert_eq!(world.customer.post("/people/from-process", &json!({})).await.fields(), ["process_id"]);
    let started = world.customer.create(&order("never")).await.id();
    let refused = world.customer.post("/people/from-process", &json!({"process_id": started})).await;
    assert_eq!(refused.error_code(), "not_approved");
}

#[tokio::test]
async fn what_was_read_about_another_person_fills_nobody() {
    let world = World::new().await;
    let wei = json!({"name": "Wei"});
    let wei = world.customer.put("/people/national-id/BOXW310820HNERXN09", &wei).await.result().clone();
    let refuse = async |process: &Value| {
        let given = json!({"process_id": process["id"], "person_id": wei["id"]});
        let refused = world.customer.post("/people/from-process", &given).await;
        assert_eq!((refused.status, refused.error_code()), (409, "another_person"), "{refused:?}");
        let path = format!("/people/{}", wei["id"].as_str().unwrap());
        assert_eq!(world.customer.get(&path).await.result()["first_lastname"], json!(null));
    };
    // Another CURP than the person has.
    let process = world.verify_number("PESJ880212HDFHLX01").await;
    refuse(&process).await;
    // A number that may be anybody's, until it is somebody else's.
    let process = world.verify_number("1001001010").await;
    let theirs = world.customer.post("/people/from-process", &json!({"process_id": process["id"]})).await;
    assert_eq!(theirs.status, 201);
    refuse(&process).await;
    // Nor does it make a second person of one that was deleted.
    let deleted = world.customer.call(Method::DELETE, &format!("/people/{}", theirs.id()), None).await;
    assert_eq!(deleted.status, 200);
    let again = world.customer.post("/people/from-process", &json!({"process_id": process["id"]})).await;
    assert_eq!(again.fields(), ["process_id"]);
}

#[tokio::test]
async fn what_a_person_gets_meanwhile_is_not_replaced() {
    let world = World::new().await;
    let process = world.verify_number("PESJ880212HDFHLX01").await;
    let given = json!({"process_id": process["id"]});
    let path = "/people/national-id/PESJ880212HDFHLX01";
    let meanwhile = |write: &str, body: Value| {
        let customer = world.customer.clone();
        world.aws.interleave(write, move || {
            Box::pin(async move {
                assert_eq!(customer.put(path, &body).await.status, 200);
            })
        });
    };
    // Somebody makes the person just before, …
    meanwhile("TransactWriteItems", json!({"name": "Pedro"}));
    let filled = world.customer.post("/people/from-process", &given).await;
    assert_eq!((filled.status, &filled.result()["name"]), (200, &json!("Pedro")), "{filled:?}");
    assert_eq!(filled.result()["first_lastname"], "PÉREZ");
    // … or gives it what it had not.
    let cleared = json!({"name": "Pedro", "gender": null, "entity_of_birth": null});
    assert_eq!(world.customer.put(path, &cleared).await.status, 200);
    meanwhile("PutItem", json!({"gender": "FEMALE"}));
    let filled = world.customer.post("/people/from-process", &given).await.result().clone();
    assert_eq!((&filled["gender"], &filled["entity_of_birth"]), (&json!("FEMALE"), &json!("DF")));
    assert!(world.aws.is_calm());
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"].as_array().unwrap().len(), 1);
}
