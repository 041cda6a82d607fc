//! The people registry: persons, what is recorded about them, and what the customer's systems are told of it.

use std::collections::BTreeSet;

use cotejo_tests::{Answer, Customer, Receiver, World};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// The seed's person.
pub fn juan() -> Value {
    json!({
        "national_id": "PESJ880212HDFHLX01",
        "name": "Juan",
        "first_lastname": "Perez",
        "second_lastname": "Suares",
        "birthdate": "1988-02-12T00:00:00Z",
        "gender": "MALE",
        "tax_id": null,
        "nationality_id": 144,
        "state_id": 7,
        "entity_of_birth": "DF",
        "external_ref_id": null,
        "facetec_ref_id": null,
        "biometrics": null,
        "marital_status_id": null,
        "people_group_id": null,
        "extra_data": null,
        "ignore_curp_validation": false
    })
}

/// A body of the seed for a list's new record, as it stands there but for what belongs together.
pub fn sample(list: &str, person: &str) -> Value {
    match list {
        "addresses" => json!({
            "person_id": person, "street": "Marte", "ext_num": "12", "int_num": "DEP 8", "state": "DF",
            "municipality": "IZTACALCO", "colony": "Cristobal Colon", "zip_code": "08016",
            "references": "Al lado de una tienda", "latitude": null, "longitude": null, "ownership": null,
            "dwelling_age": null, "source": null, "device_coordinates": null, "is_current_address": null,
            "verified_at": "2022-07-29T21:54:22Z", "metadata": null
        }),
        "contacts" => json!({"person_id": person, "email": "user@example", "phone": "525591038054"}),
        "references" => json!({
            "person_id": person, "name": "Juan Perez Suares", "phone": "525586128954", "person_relation_id": 1
        }),
        "employments" => json!({
            "person_id": person, "current_occupation": "Desarrollador", "position": "Desarrollador",
            "industry": "Tecnologia", "company_name": "Rem", "company_phone": 5_512_345_678_u64,
            "company_address": "Av. Insurgentes Sur 1234", "seniority": 2,
            "employee_id": "a777fe73-6b66-4d02-93d6-c9cc87409243", "employee_type": "Full Time",
            "employee_status": "Active", "hiring_date": "2022-01-01", "termination_date": null,
            "payment_frequency": "Mensual", "gross_salary": 30000, "net_salary": 25000
        }),
        // The CLABE is the one in the metadata of the sample, which has two.
        "bank-accounts" => json!({
            "person_id": person, "bank": "Banamex", "account": 1_234_567_890, "clabe": "002010077777777771",
            "card_number": 1_234_567_890_123_456_u64
        }),
        "financials" => json!({
            "person_id": person, "monthly_income": 0, "monthly_expenses": 0, "dependents": 2,
            "metadata": {"credit_amount": 1_000_000, "credit_frequency": "MENSUAL", "credit_periods": 12}
        }),
        "biometric-results" => json!({
            "person_id": person, "type": "LIVENESS", "facetec_id": "dev-71266b80-f04b-4a2c-9314-963d3a182f2a",
            "execution_date": "2022-07-29T21:54:55",
            "metadata": {"safe": true, "success": true, "matchLevel": 7, "fullIDStatusEnumInt": 0}
        }),
        _ => panic!("{list} is no list"),
    }
}

/// The lists of what is recorded about a person, and how a creation is answered.
pub const LISTS: [(&str, u16); 7] = [
    ("addresses", 201),
    ("contacts", 201),
    ("references", 201),
    ("employments", 200),
    ("bank-accounts", 200),
    ("financials", 201),
    ("biometric-results", 201),
];

async fn put(customer: &Customer, path: &str, body: &Value) -> Answer {
    customer.put(path, body).await
}

pub async fn register(world: &World, body: &Value) -> Value {
    let created = world.customer.post("/people", body).await;
    assert_eq!(created.status, 201, "{created:?}");
    created.result().clone()
}

fn done(answer: &Answer) {
    assert_eq!(answer.body["success"], true, "{answer:?}");
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_person_is_shown_as_in_the_seed() {
    let world = World::new().await;
    let created = world.customer.post("/people", &juan()).await;
    assert_eq!(created.status, 201);
    let person = created.result();
    assert_eq!(created.headers["location"], format!("/people/{}", id(person)));
    insta::assert_json_snapshot!("person", person, { ".id" => "[id]" });

    let read = world.customer.get(&format!("/people/{}", id(person))).await;
    insta::assert_json_snapshot!("person_read", read.result(), { ".id" => "[id]" });
    world.catch_up();
    let list = world.customer.get("/people").await;
    assert_eq!(list.result()["data"], json!([person]));
}

#[tokio::test]
async fn every_wrong_field_is_named_and_nothing_is_stored() {
    let world = World::new().await;
    let wrong = json!({
        "national_id": "GOVM800705MCLMLR01", "name": " ", "first_lastname": 5, "birthdate": "1988-02-30", "gender": "male",
        "nationality_id": 250, "state_id": "7", "marital_status_id": 0, "people_group_id": "x", "extra_data": [1],
        "age": 5, "temporary_ref_id": null
    });
    let refused = world.customer.post("/people", &wrong).await;
    assert_eq!((refused.status, refused.error_code()), (422, "invalid_request"));
    let named: BTreeSet<_> = refused.fields().into_iter().map(str::to_owned).collect();
    let mut expected: BTreeSet<_> = wrong.as_object().unwrap().keys().cloned().collect();
    expected.insert("second_lastname".to_owned());
    assert_eq!(named, expected);
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"], json!([]));
    // What does not refer to an existing record is told of as well.
    let mut grouped = juan();
    grouped["people_group_id"] = json!("71266b80-f04b-4a2c-9314-963d3a182f2a");
    assert_eq!(world.customer.post("/people", &grouped).await.fields(), ["people_group_id"]);
}

#[tokio::test]
async fn a_curp_is_checked_unless_that_is_not_wanted() {
    let world = World::new().await;
    let mut odd = juan();
    odd["national_id"] = json!("GOVM800705MCLMLR01");
    assert_eq!(world.customer.post("/people", &odd).await.fields(), ["national_id"]);
    odd["ignore_curp_validation"] = json!(true);
    let person = register(&world, &odd).await;
    assert_eq!(person["national_id"], "GOVM800705MCLMLR01");
    // What was taken so stays so while it is not touched.
    let path = format!("/people/{}", id(&person));
    assert_eq!(put(&world.customer, &path, &json!({"name": "Marta"})).await.result()["name"], "Marta");
    assert_eq!(put(&world.customer, &path, &json!({"national_id": "BAD"})).await.fields(), ["national_id"]);
}

#[tokio::test]
async fn a_curp_alone_makes_a_person() {
    let world = World::new().await;
    let made = world.customer.post("/people/from-curp", &json!({"curp": "boxw310820hnerxn09"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let person = made.result();
    for (field, value) in [
        ("national_id", json!("BOXW310820HNERXN09")),
        ("birthdate", json!("1931-08-20T00:00:00Z")),
        ("gender", json!("MALE")),
        ("state_id", json!(33)),
        ("entity_of_birth", json!("NE")),
        ("nationality_id", json!(null)),
        ("name", json!(null)),
        ("age", json!(95)),
    ] {
        assert_eq!(person[field], value, "{field}");
    }
    assert_eq!(
        world.customer.post("/people/from-curp", &json!({"curp": "BOXW310820HNERXN08"})).await.fields(),
        ["curp"]
    );
    let again = world.customer.post("/people/from-curp", &json!({"curp": "BOXW310820HNERXN09"})).await;
    assert_eq!((again.status, again.fields()), (422, vec!["national_id"]));
    assert_eq!(again.body["fields"][0]["id"], person["id"], "it says who has it");
}

#[tokio::test]
async fn a_person_is_found_by_whatever_names_it() {
    let world = World::new().await;
    let mut body = juan();
    body["external_ref_id"] = json!("client 12+3%41");
    body["facetec_ref_id"] = json!("dev-71266b80");
    let person = register(&world, &body).await;
    let get = async |path: &str| world.customer.get(path).await;
    assert_eq!(get("/people/external/client%2012%2B3%2541").await.result(), &person);
    assert_eq!(get("/people/facetec/dev-71266b80").await.result(), &person);
    assert_eq!(get("/people/national-id/pesj880212hdfhlx01").await.id(), id(&person));
    for nobody in ["/people/external/x", "/people/facetec/x", "/people/national-id/BOXW310820HNERXN09"] {
        assert_eq!(get(nobody).await.status, 404, "{nobody}");
    }
    let nobody = "71266b80-f04b-4a2c-9314-963d3a182f2b";
    let found = world.customer.post("/people/search", &json!({"ids": [nobody, id(&person)]})).await;
    assert_eq!(found.result(), &json!([person]));
    let wanted = json!({"external_ref_id": ["nobody", "client 12+3%41"]});
    assert_eq!(world.customer.post("/people/external/search", &wanted).await.result(), &json!([person]));
    assert_eq!(world.customer.post("/people/search", &json!({"ids": ["x"]})).await.fields(), ["ids"]);
    assert_eq!(world.customer.post("/people/search", &json!({"id": []})).await.fields(), ["id"]);
}

#[tokio::test]
async fn a_national_id_makes_a_person_once_and_changes_it_then() {
    let world = World::new().await;
    let path = "/people/national-id/PESJ880212HDFHLX01";
    let made = put(&world.customer, path, &json!({"name": "Juan"})).await;
    assert_eq!(made.status, 200, "{made:?}");
    let person = made.id();
    for (list, _) in LISTS.iter().take(3) {
        done(&world.customer.post(&format!("/{list}"), &sample(list, &person)).await);
    }
    let changed = put(&world.customer, path, &json!({"national_id": "pesj880212hdfhlx01", "state_id": 7})).await;
    insta::assert_json_snapshot!("person_whole", changed.result(), {
        ".id" => "[id]", ".**.person_id" => "[person]", ".addresses[].id" => "[id]", ".contact_data[].id" => "[id]",
        ".references[].id" => "[id]",
    });
    assert_eq!((changed.id(), &changed.result()["name"]), (person, &json!("Juan")));
    let other = put(&world.customer, path, &json!({"national_id": "BOXW310820HNERXN09"})).await;
    assert_eq!(other.fields(), ["national_id"]);
    assert_eq!(
        put(&world.customer, "/people/national-id/PESJ880212HDFHLX02", &json!({})).await.fields(),
        ["national_id"]
    );
}

#[tokio::test]
async fn fifty_at_once_leave_one_person() {
    let world = World::new().await;
    let body = juan();
    let answers = join_all((0..50).map(|_| world.customer.post("/people", &body))).await;
    let mut made = 0;
    for answer in &answers {
        match answer.status {
            201 => made += 1,
            422 => assert_eq!(answer.fields(), ["national_id"]),
            // The table was too busy with the others; a repeat would be told that it is taken.
            status => assert_eq!(status, 503, "{answer:?}"),
        }
    }
    assert_eq!(made, 1);
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"].as_array().unwrap().len(), 1);
    // Whoever changes it frees what it had.
    let person = world.customer.get("/people/national-id/PESJ880212HDFHLX01").await.id();
    let change = json!({"national_id": "BOXW310820HNERXN09"});
    done(&put(&world.customer, &format!("/people/{person}"), &change).await);
    assert_ne!(register(&world, &body).await["id"], person);
    assert_eq!(put(&world.customer, &format!("/people/{person}"), &body).await.fields(), ["national_id"]);
}

#[tokio::test]
async fn the_same_request_again_makes_no_second_person() {
    let world = World::new().await;
    let post = async |body: &Value| world.customer.post_once("/people", "registration-7", body).await;
    let (first, second) = (post(&juan()).await, post(&juan()).await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!((first.id(), second.headers["idempotent-replayed"].as_bytes()), (second.id(), &b"true"[..]));
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let mut other = juan();
    other["name"] = json!("Pedro");
    assert_eq!(post(&other).await.error_code(), "idempotency_key_reused");
    // Keys with other blanks than this are not the customers'.
    other["national_id"] = json!("BOXW310820HNERXN09");
    assert_eq!(world.customer.post_once("/people", "my key", &other).await.status, 201);
    for unprintable in ["", "temporary\t71266b80-f04b-4a2c-9314-963d3a182f2b", "cl\u{e9}"] {
        assert_eq!(world.customer.post_once("/people", unprintable, &juan()).await.fields(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn a_deleted_person_is_nowhere_and_comes_back_whole() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let path = format!("/people/{}", id(&person));
    let delete = async || world.customer.call(Method::DELETE, &path, None).await;
    let deleted = delete().await;
    assert_eq!((deleted.status, deleted.result()), (200, &json!("Ok")));
    assert_eq!(delete().await.status, 404);
    assert_eq!(world.customer.get(&path).await.status, 404);
    assert_eq!(put(&world.customer, &path, &json!({"name": "X"})).await.status, 404);
    assert_eq!(world.customer.get("/people/national-id/PESJ880212HDFHLX01").await.status, 404);
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"], json!([]));
    assert_eq!(world.customer.post("/people/search", &json!({"ids": [id(&person)]})).await.result(), &json!([]));
    // Its national id stays taken, and nothing new belongs to it.
    let taken = world.customer.post("/people", &juan()).await;
    let whose = &taken.body["fields"][0];
    assert_eq!((&whose["field"], &whose["id"]), (&json!("national_id"), &person["id"]));
    assert_eq!(whose["message"], "is used by a deleted person, who can be restored");
    assert_eq!(
        put(&world.customer, "/people/national-id/PESJ880212HDFHLX01", &json!({})).await.fields(),
        ["national_id"]
    );
    assert_eq!(world.customer.post("/contacts", &sample("contacts", id(&person))).await.fields(), ["person_id"]);

    let restored = world.customer.post(&format!("{path}/restore"), &json!({})).await;
    assert_eq!((restored.status, restored.id()), (200, id(&person).to_owned()));
    world.catch_up();
    assert_eq!(world.customer.get("/people").await.result()["data"][0]["id"], person["id"]);
    assert_eq!(world.customer.post(&format!("{path}/restore"), &json!({})).await.status, 404);
}

#[tokio::test]
async fn an_external_id_restores_whoever_has_it() {
    let world = World::new().await;
    let mut body = juan();
    body["external_ref_id"] = json!("client 12+3%41");
    let person = register(&world, &body).await;
    let restore = async || world.customer.post("/people/external/client%2012%2B3%2541/restore", &json!(null)).await;
    assert_eq!(restore().await.status, 404, "it is not deleted");
    done(&world.customer.call(Method::DELETE, &format!("/people/{}", id(&person)), None).await);
    let restored = restore().await;
    assert_eq!((restored.status, &restored.result()["id"]), (200, &person["id"]), "{restored:?}");
    assert_eq!(world.customer.get("/people/external/client%2012%2B3%2541").await.status, 200);
    assert_eq!(world.customer.post("/people/external/nobody/restore", &json!({})).await.status, 404);
}

#[tokio::test]
async fn an_address_s_state_and_city_follow_from_what_it_says() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let post = async |parts: &Value| {
        let mut address = sample("addresses", id(&person));
        for (name, value) in parts.as_object().unwrap() {
            address[name] = value.clone();
        }
        let made = world.customer.post("/addresses", &address).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.result().clone()
    };
    let follows = |address: &Value| (address["state_id"].clone(), address["city"].clone());
    let made = post(&json!({})).await;
    assert_eq!(follows(&made), (json!(7), json!("Ciudad de México")));
    assert_eq!(
        follows(&post(&json!({"state": "nuevo leon", "municipality": "Apodaca"})).await),
        (json!(19), json!("Apodaca"))
    );
    assert_eq!(follows(&post(&json!({"state_id": 9, "city": "Tecomán"})).await), (json!(7), json!("Tecomán")));
    let unknown = json!({"state": "Colima o Jalisco", "state_id": 9});
    assert_eq!(follows(&post(&unknown).await), (json!(9), json!(null)));
    // What no state of Mexico is called, or has another country's post code, is in none; nothing that a place may lack is asked for.
    let abroad = json!({"state": "MS", "zip_code": "SW1A 1AA", "references": "", "int_num": "", "colony": ""});
    assert_eq!(follows(&post(&abroad).await), (json!(null), json!(null)));
    // Mississippi and Minnesota are written as Morelos and Michoacán are.
    for (state, zip_code, number) in [
        ("MS", "39201", json!(null)),
        ("mn", "55401", json!(null)),
        ("MS", "62000", json!(17)),
        ("MN", "58000", json!(16)),
        ("Morelos", "39201", json!(17)),
    ] {
        let made = post(&json!({"state": state, "zip_code": zip_code})).await;
        assert_eq!(made["state_id"], number, "{state} {zip_code}");
    }
    // What followed goes on following, what was said stays.
    let path = format!("/addresses/{}", id(&made));
    let mut shown = world.customer.get(&path).await.result().clone();
    shown["state"] = json!("Jalisco");
    shown["municipality"] = json!("Zapopan");
    let moved = put(&world.customer, &path, &shown).await;
    assert_eq!(follows(moved.result()), (json!(15), json!("Zapopan")));
    assert_eq!(put(&world.customer, &path, &shown).await.result()["state_id"], 15, "whatever was shown before");
    done(&put(&world.customer, &path, &json!({"city": "Guadalajara"})).await);
    let moved = put(&world.customer, &path, &json!({"state": "Colima"})).await;
    assert_eq!(follows(moved.result()), (json!(9), json!("Guadalajara")));
}

#[tokio::test]
async fn two_addresses_do_not_agree_in_what_neither_has() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let mut address = sample("addresses", id(&person));
    address["int_num"] = json!(null);
    for _ in 0..2 {
        done(&world.customer.post("/addresses", &address).await);
    }
    let seen = world.customer.get(&format!("/people/{}", id(&person))).await.result()["addresses_similarity"].clone();
    assert_eq!((&seen["int_num"], &seen["ext_num"], &seen["general_score"]), (&json!(0.0), &json!(1.0), &json!(0.875)));
}

#[tokio::test]
async fn empty_texts_are_taken_where_something_may_have_none() {
    let world = World::new().await;
    let mut body = juan();
    for field in ["second_lastname", "tax_id", "entity_of_birth", "external_ref_id", "facetec_ref_id"] {
        body[field] = json!("");
    }
    let person = register(&world, &body).await;
    assert_eq!((&person["second_lastname"], &person["tax_id"]), (&json!(""), &json!("")));
    // What persons are found by is nothing where it is empty, so that many may have none.
    assert_eq!((&person["external_ref_id"], &person["facetec_ref_id"]), (&json!(null), &json!(null)));
    body["national_id"] = json!("BOXW310820HNERXN09");
    register(&world, &body).await;
    body["name"] = json!("");
    body["national_id"] = json!("");
    assert_eq!(world.customer.post("/people", &body).await.fields(), ["name", "national_id"]);
}

#[tokio::test]
async fn lists_of_contacts_and_employments_say_how_many_there_are() {
    let world = World::new().await;
    let people = [
        juan(),
        json!({"national_id": "BOXW310820HNERXN09", "name": "B", "first_lastname": "C", "second_lastname": ""}),
    ];
    let mut persons = Vec::new();
    for body in &people {
        persons.push(id(&register(&world, body).await).to_owned());
    }
    for (list, of_first) in [("contacts", 3), ("employments", 3)] {
        for number in 0..5 {
            let person = &persons[usize::from(number >= of_first)];
            done(&world.customer.post(&format!("/{list}"), &sample(list, person)).await);
            world.clock.advance(jiff::SignedDuration::from_hours(24 * 20));
        }
        for (query, total) in [
            ("per_page=2".to_owned(), 5),
            (format!("per_page=2&person_id={}", persons[0]), 3),
            ("page=2&per_page=2".to_owned(), 5),
            ("page=3&per_page=2".to_owned(), 5),
            ("page=2".to_owned(), 5),
            (format!("page=3&per_page=2&person_id={}", persons[0]), 3),
        ] {
            let page = world.look(&format!("/{list}?{query}")).await;
            assert_eq!(page.result()["total"], total, "{list} {query}");
        }
        assert_eq!(world.customer.get(&format!("/{list}")).await.result()["total"], 5);
    }
    assert!(world.customer.get("/people").await.result().get("total").is_none());
    for (list, per_page) in
        [("bank-accounts", 15), ("financials", 15), ("catalogs", 15), ("catalog-values", 15), ("addresses", 20)]
    {
        assert_eq!(world.customer.get(&format!("/{list}")).await.result()["per_page"], per_page, "{list}");
        assert_eq!(world.customer.get(&format!("/{list}?per_page=7")).await.result()["per_page"], 7, "{list}");
    }
}

#[tokio::test]
async fn a_post_without_a_body_asks_for_what_has_nothing_to_say() {
    let world = World::new().await;
    let post = async |path: &str| world.customer.call(Method::POST, path, None).await;
    let temporary = post("/temporary-people").await;
    assert_eq!(temporary.status, 201, "{temporary:?}");
    assert_eq!(post("/people/export").await.status, 202);
    // Where something is needed, that is said; nothing of a temporary person makes no person.
    assert_eq!(post("/financials").await.fields(), ["person_id"]);
    let nobody = post(&format!("/temporary-people/{}/person", temporary.id())).await;
    assert!(nobody.fields().contains(&"person_data.national_id"), "{nobody:?}");
    let put = world.customer.call(Method::PUT, &format!("/temporary-people/{}", temporary.id()), None).await;
    assert_eq!(put.error_code(), "unreadable_request", "a change of nothing is a mistake");
}

#[tokio::test]
async fn what_is_recorded_about_a_person_is_shown_as_in_the_seed() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    for (list, created_with) in LISTS {
        let (path, body) = (format!("/{list}"), sample(list, id(&person)));
        let created = world.customer.post(&path, &body).await;
        assert_eq!(created.status, created_with, "{created:?}");
        let record = created.result();
        insta::assert_json_snapshot!(list, record, { ".id" => "[id]", ".person_id" => "[person]" });
        let one = format!("{path}/{}", id(record));
        assert_eq!(world.customer.get(&one).await.result(), record);
        let owned = world.look(&format!("{path}?person_id={}", id(&person))).await;
        assert_eq!(owned.result()["data"], json!([record]), "{list}");
        assert_eq!(world.look(&path).await.result()["data"], json!([record]), "{list}");
        let of_nobody = world.customer.get(&format!("{path}?person_id=71266b80-f04b-4a2c-9314-963d3a182f2b")).await;
        assert_eq!(of_nobody.result()["data"], json!([]));
        // The same again changes nothing; what is not known is named.
        world.clock.advance(jiff::SignedDuration::from_secs(5));
        assert_eq!(put(&world.customer, &one, &body).await.result(), record, "{list}");
        let own = json!({"id": id(record).to_uppercase()});
        assert_eq!(put(&world.customer, &one, &own).await.result(), record, "{list}");
        assert_eq!(put(&world.customer, &one, &json!({"more": 1})).await.fields(), ["more"], "{list}");
        assert_eq!(world.customer.post(&path, &json!({})).await.fields().first(), Some(&required(list)), "{list}");
    }
    let latest = world.customer.get(&format!("/people/{}/biometric-results", id(&person))).await;
    assert_eq!(latest.result().as_array().unwrap().len(), 1);
}

/// The first field, by name, that a new record of a list must have.
fn required(list: &str) -> &'static str {
    match list {
        "addresses" => "colony",
        "contacts" => "email",
        "references" => "name",
        "bank-accounts" => "account",
        _ => "person_id",
    }
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let world = World::new().await;
    let exact = r#"{"n":12345678901234567890123.4500,"deep":[0.1000]}"#;
    let body = juan().to_string().replace(r#""extra_data":null"#, &format!(r#""extra_data":{exact}"#));
    let url = format!("{}/people", world.local.url());
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url).bearer_auth(world.local.api_key());
    let told = request.body(body).send().await.unwrap().text().await.unwrap();
    assert!(told.contains(&format!(r#""extra_data":{exact}"#)), "{told}");
    let person: Value = serde_json::from_str(&told).unwrap();
    let account =
        json!({"person_id": person["result"]["id"], "bank": "B", "account": "0012", "clabe": "002010077777777771"});
    let kept = world.customer.post("/bank-accounts", &account).await;
    assert_eq!((&kept.result()["account"], &kept.result()["clabe"]), (&json!("0012"), &json!("002010077777777771")));
}

#[tokio::test]
async fn a_person_sums_up_its_addresses_and_biometric_results() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    let path = format!("/people/{}", id(&person));
    assert_eq!(person["addresses_similarity"], json!(null));
    let mut address = sample("addresses", id(&person));
    address["city"] = json!("Ciudad de México");
    let first = world.customer.post("/addresses", &address).await.id();
    address["city"] = json!("Iztacalco");
    address["street"] = json!("MARTE.");
    done(&world.customer.post("/addresses", &address).await);
    for (kind, safe, level) in [("LIVENESS", true, 0), ("FACE_MATCH_ID", true, 7)] {
        let result = json!({
            "person_id": id(&person), "type": kind, "metadata": {"safe": safe, "matchLevel": level}
        });
        done(&world.customer.post("/biometric-results", &result).await);
    }
    let seen = world.customer.get(&path).await.result().clone();
    assert_eq!(
        seen["addresses_similarity"],
        json!({
            "city": 0.0, "state": 1.0, "colony": 1.0, "street": 1.0, "ext_num": 1.0, "int_num": 1.0, "zip_code": 1.0,
            "municipality": 1.0, "general_score": 0.875
        })
    );
    assert_eq!(seen["biometrics"], json!({"liveness": true, "match_id": true, "match_level": 7}));
    // A result that turns out to be of another type counts as that.
    let results = world.look(&format!("{path}/biometric-results")).await;
    let liveness = results.result().as_array().unwrap().iter().find(|result| result["typeName"] == "LIVENESS").unwrap();
    let result = format!("/biometric-results/{}", id(liveness));
    done(&put(&world.customer, &result, &json!({"type": "ENROLL"})).await);
    let without = world.customer.get(&path).await.result()["biometrics"].clone();
    assert_eq!(without, json!({"match_id": true, "match_level": 7}));
    done(&put(&world.customer, &result, &json!({"type": "LIVENESS"})).await);
    assert_eq!(world.customer.get(&path).await.result()["biometrics"], seen["biometrics"]);
    // The seed's own figures.
    assert_eq!(seen["information_percentage"], 0.67);
    // An address that becomes another person's counts there.
    let mut other = juan();
    other["national_id"] = json!("BOXW310820HNERXN09");
    let other = register(&world, &other).await;
    done(&put(&world.customer, &format!("/addresses/{first}"), &json!({"person_id": id(&other)})).await);
    assert_eq!(world.customer.get(&path).await.result()["addresses_similarity"], json!(null));
    world.catch_up();
    let owned = world.customer.get(&format!("/addresses?person_id={}", id(&other))).await;
    assert_eq!(owned.result()["data"][0]["id"], first);
}

#[tokio::test]
async fn groups_hold_persons_and_lists_are_everybody_s() {
    let world = World::new().await;
    let group =
        json!({"name": "Deudores", "description": "Grupo donde entran las personas con deuda pendiente de pagar"});
    let created = world.customer.post("/people-groups", &group).await;
    insta::assert_json_snapshot!("people_group", created.result(), { ".id" => "[id]" });
    let mut body = juan();
    body["people_group_id"] = created.result()["id"].clone();
    assert_eq!(register(&world, &body).await["people_group_id"], created.result()["id"]);
    for (list, count) in [("nationalities", 249), ("states", 33), ("marital-statuses", 6), ("person-relations", 14)] {
        let entries = world.customer.get(&format!("/{list}")).await;
        assert_eq!(entries.result().as_array().unwrap().len(), count, "{list}");
    }
}

#[tokio::test]
async fn a_long_list_is_read_to_its_end_by_its_links() {
    let world = World::new().await;
    let person = register(&world, &juan()).await;
    for number in 0..7 {
        let mut contact = sample("contacts", id(&person));
        contact["phone"] = json!(format!("52559103805{number}"));
        done(&world.customer.post("/contacts", &contact).await);
        world.clock.advance(jiff::SignedDuration::from_hours(24 * 9));
    }
    for start in ["/contacts?per_page=3".to_owned(), format!("/contacts?per_page=3&person_id={}", id(&person))] {
        let (mut next, mut phones) = (Some(start.clone()), Vec::new());
        while let Some(path) = next {
            let page = world.customer.get(&path).await.result().clone();
            phones.extend(page["data"].as_array().unwrap().iter().map(|c| c["phone"].as_str().unwrap().to_owned()));
            next = page["next_page_url"].as_str().map(str::to_owned);
        }
        let expected: Vec<_> = (0..7).rev().map(|number| format!("+52559103805{number}")).collect();
        assert_eq!(phones, expected, "{start}");
    }
}

#[tokio::test]
async fn the_customer_s_systems_are_told_once_of_everything() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let events = ["person_register", "person_restore", "updated_data_to_person"];
    let channel = json!({
        "name": "Registry", "type": "webhook", "active": true, "events": events, "config": {"url": receiver.url()}
    });
    done(&world.customer.post("/notification-channels", &channel).await);
    let person = register(&world, &juan()).await;
    let path = format!("/people/{}", id(&person));
    world.local.pump().await;
    let contact = world.customer.post("/contacts", &sample("contacts", id(&person))).await.result().clone();
    world.local.pump().await;
    done(&put(&world.customer, &path, &json!({"name": "Juana"})).await);
    world.local.pump().await;
    done(&world.customer.call(Method::DELETE, &path, None).await);
    done(&world.customer.post(&format!("{path}/restore"), &json!({})).await);
    world.local.pump().await;

    let told: Vec<Value> = receiver.received().iter().map(cotejo_tests::Received::json).collect();
    let short: Vec<_> = told
        .iter()
        .map(|body| (body["event"].as_str().unwrap(), body["resource_name"].as_str().unwrap(), &body["resource_id"]))
        .collect();
    assert_eq!(
        short,
        [
            ("person_register", "person", &person["id"]),
            ("updated_data_to_person", "person_contact", &person["id"]),
            ("updated_data_to_person", "person", &person["id"]),
            ("person_restore", "person", &person["id"]),
        ]
    );
    assert_eq!(told[0]["payload"], person);
    let mut with_person = contact.clone();
    with_person["person"] = person.clone();
    assert_eq!(told[1]["payload"], with_person);
    assert_eq!(told[2]["payload"]["name"], "Juana");
    let ids: BTreeSet<_> = receiver.received().iter().map(|received| received.id().to_owned()).collect();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_catalog_s_values_are_of_their_types() {
    let world = World::new().await;
    let catalog = json!({"name": "Catalogo de prueba", "description": "Catalogo de prueba"});
    let catalog = world.customer.post("/catalogs", &catalog).await.result().clone();
    let value = json!({
        "custom_catalog_id": catalog["id"], "label": "Test 01", "type": "string", "value": "test_01",
        "groups": ["Basic", "Advanced"]
    });
    let made = world.customer.post("/catalog-values", &value).await.result().clone();
    let path = format!("/catalogs/{}", id(&catalog));
    let whole = world.look(&path).await;
    insta::assert_json_snapshot!("catalog", whole.result(), {
        ".id" => "[id]", ".values[].id" => "[id]", ".values[].custom_catalog_id" => "[catalog]",
    });
    for (kind, good, bad) in [
        ("integer", json!(7), json!(7.5)),
        ("number", json!(7.5), json!("7.5")),
        ("boolean", json!(true), json!("true")),
        ("datetime", json!("2022-07-29T21:54:55Z"), json!("yesterday")),
        ("array", json!(["a", "b"]), json!([1])),
        ("string", json!("a"), json!(1)),
    ] {
        let of = |what: &Value| json!({"custom_catalog_id": catalog["id"], "label": kind, "type": kind, "value": what});
        assert_eq!(world.customer.post("/catalog-values", &of(&good)).await.result()["value"], good);
        assert_eq!(world.customer.post("/catalog-values", &of(&bad)).await.fields(), ["value"], "{kind}");
    }
    // Neither type nor value changes without the other fitting.
    let one = format!("/catalog-values/{}", id(&made));
    assert_eq!(put(&world.customer, &one, &json!({"type": "integer"})).await.fields(), ["value"]);
    let both = put(&world.customer, &one, &json!({"type": "integer", "value": 1})).await;
    assert_eq!(both.result()["value"], 1);
    world.catch_up();
    let listed = world.customer.get(&format!("/catalog-values?custom_catalog_id={}", id(&catalog))).await;
    assert_eq!(listed.result()["data"].as_array().unwrap().len(), 7);
    assert_eq!(world.customer.get(&path).await.result()["values"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_person_of_another_country_is_kept_by_whatever_number_they_have() {
    let world = World::new().await;
    let foreigner = json!({
        "national_id": "PE-12345678", "name": "Ana", "first_lastname": "Quispe", "second_lastname": "Mamani",
        "nationality_id": 175, "entity_of_birth": "Cusco", "birthdate": "1990-05-17",
    });
    let refused = world.customer.post("/people", &foreigner).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["national_id"]));
    let mut told = foreigner.clone();
    told["ignore_curp_validation"] = true.into();
    let made = world.customer.post("/people", &told).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/people/{}", made.id());
    assert_eq!(
        world.customer.put(&path, &json!({"name": "Anna"})).await.status,
        200,
        "what stays is not checked again"
    );
    let found = world.customer.get("/people/national-id/PE-12345678").await;
    assert_eq!(found.result()["name"], "Anna");
    let other = json!({"national_id": "PE-87654321"});
    assert_eq!(world.customer.put(&path, &other).await.fields(), ["national_id"], "a new one is");
    let upserted = json!({
        "name": "Luis", "first_lastname": "Rojas", "second_lastname": "Soto", "ignore_curp_validation": true,
    });
    assert_eq!(world.customer.put("/people/national-id/CO1001001010", &upserted).await.status, 200);
    let csv =
        "national_id,name,first_lastname,second_lastname,ignore_curp_validation\nES99999999R,Carmen,Ruiz,Gil,true\n";
    let import = world.customer.post_form("/people/import", &[("file", csv)]).await;
    assert_eq!(import.status, 202, "{import:?}");
    world.local.pump().await;
    assert_eq!(world.customer.get("/people/national-id/ES99999999R").await.status, 200, "a file may say so too");
}
