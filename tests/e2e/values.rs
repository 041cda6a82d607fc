//! Values as people and their programs write them: each has one form, and what has none is refused.

use cotejo_tests::{World, order};
use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{juan, register, sample};

/// A world with a person.
async fn peopled() -> (World, String) {
    let world = World::new().await;
    let person = register(&world, &juan()).await["id"].as_str().unwrap().to_owned();
    (world, person)
}

/// A sample of the seed with one field as text of JSON, which keeps the digits of numbers.
fn with(list: &str, person: &str, field: &str, value: &str) -> Value {
    let mut body = sample(list, person);
    body[field] = serde_json::from_str(value).unwrap();
    body
}

/// Who is on file nowhere yet, with a national id of nobody's.
fn somebody(national_id: &str) -> Value {
    let mut body = juan();
    body["national_id"] = json!(national_id);
    body
}

#[tokio::test]
async fn a_text_of_digits_is_taken_as_it_is_and_a_number_gets_its_zeros_back() {
    let (world, person) = peopled().await;
    let post = async |clabe: &str| {
        world.customer.post("/bank-accounts", &with("bank-accounts", &person, "clabe", clabe)).await
    };
    for (given, kept) in [
        (r#""002010077777777771""#, "002010077777777771"),
        ("2010077777777771", "002010077777777771"),
        ("646180380771495362", "646180380771495362"),
        // The seed's own number.
        ("12345678901234568", "012345678901234568"),
    ] {
        let made = post(given).await;
        assert_eq!((&made.result()["clabe"], &made.result()["metadata"]["clabe"]), (&json!(kept), &json!(kept)));
    }
    // A digit is missing in the first two, and one is wrong in the others.
    for given in [r#""64610380771495362""#, r#""2010077777777771""#, "2010077777777772", r#""002010077777777772""#] {
        assert_eq!(post(given).await.fields(), ["clabe"], "{given}");
    }
    let zip = async |zip: &str| world.customer.post("/addresses", &with("addresses", &person, "zip_code", zip)).await;
    assert_eq!(zip("1000").await.result()["zip_code"], "01000");
    assert_eq!(zip(r#""1000""#).await.result()["zip_code"], "1000", "another country's");
}

#[tokio::test]
async fn a_birth_is_a_day_on_which_somebody_alive_was_born_and_is_taken_back_as_shown() {
    let (world, person) = peopled().await;
    let path = format!("/people/{person}");
    for born in ["2090-01-01", "9999-12-31", "0001-01-01", "1899-12-31", "2026-12-31T00:00:00Z"] {
        let mut body = somebody("PESJ880222HDFHLX01");
        body["birthdate"] = json!(born);
        assert_eq!(world.customer.post("/people", &body).await.fields(), ["birthdate"], "{born}");
        let change = json!({"birthdate": born});
        assert_eq!(world.customer.put(&path, &change).await.fields(), ["birthdate"], "{born}");
        assert_eq!(world.customer.post("/temporary-people", &change).await.fields(), ["birthdate"], "{born}");
    }
    for (born, shown) in [("1900-01-01", "1900-01-01T00:00:00Z"), ("1988-02-12T23:30:00-06:00", "1988-02-12T00:00:00Z")]
    {
        let changed = world.customer.put(&path, &json!({"birthdate": born})).await.result()["birthdate"].clone();
        assert_eq!(changed, shown);
        assert_eq!(world.customer.put(&path, &json!({"birthdate": changed})).await.status, 200);
    }
    // A CURP that says so is none, wherever it comes.
    let curp = json!("PESJ801130HDFHLXA2");
    assert_eq!(world.customer.post("/people/from-curp", &json!({"curp": curp})).await.fields(), ["curp"]);
    assert_eq!(world.customer.put(&path, &json!({"national_id": curp})).await.fields(), ["national_id"]);
}

#[tokio::test]
async fn a_curp_names_a_state_that_there_is_wherever_it_comes() {
    let (world, person) = peopled().await;
    let curp = "PESJ880212HZZHLX04";
    assert_eq!(world.customer.post("/people", &somebody(curp)).await.fields(), ["national_id"]);
    let change = json!({"national_id": curp});
    assert_eq!(world.customer.put(&format!("/people/{person}"), &change).await.fields(), ["national_id"]);
    assert_eq!(world.customer.put(&format!("/people/national-id/{curp}"), &json!({})).await.fields(), ["national_id"]);
    assert_eq!(world.customer.post("/people/from-curp", &json!({"curp": curp})).await.fields(), ["curp"]);
}

#[tokio::test]
async fn a_day_or_moment_is_read_in_every_form_and_taken_back_as_shown() {
    let (world, person) = peopled().await;
    for (list, field, given, shown) in [
        ("biometric-results", "execution_date", "2022-07-29", "2022-07-29T00:00:00Z"),
        ("biometric-results", "execution_date", "2022-07-29 21:54:55", "2022-07-29T21:54:55Z"),
        ("biometric-results", "execution_date", "2022-07-29T21:54:55-06:00", "2022-07-30T03:54:55Z"),
        ("addresses", "verified_at", "2022-07-29", "2022-07-29T00:00:00Z"),
        ("employments", "hiring_date", "2022-01-01T08:00:00", "2022-01-01"),
        ("employments", "termination_date", "9999-12-31", "9999-12-31"),
    ] {
        let body = with(list, &person, field, &json!(given).to_string());
        let made = world.customer.post(&format!("/{list}"), &body).await;
        assert_eq!(made.result()[field], shown, "{given}");
        let back = json!({field: made.result()[field]});
        assert_eq!(world.customer.put(&format!("/{list}/{}", made.id()), &back).await.result()[field], shown);
    }
    for given in ["9999-12-31", "2022-02-30", "29/07/2022", "noon"] {
        let body = with("biometric-results", &person, "execution_date", &json!(given).to_string());
        assert_eq!(world.customer.post("/biometric-results", &body).await.fields(), ["execution_date"], "{given}");
    }
    // Processes read as the registry does.
    let mut process = order("approved");
    process["expires_at"] = json!("2026-11-20");
    let made = world.customer.post("/processes", &process).await;
    assert_eq!(made.result()["expires_at"], "2026-11-20T00:00:00Z", "{made:?}");
    let hold = async |until: Value| {
        world.customer.put(&format!("/processes/{}/legal-hold", made.id()), &json!({"until": until})).await
    };
    assert_eq!(hold(json!("2027-01-01")).await.result()["legal_hold_until"], "2027-01-01T00:00:00Z");
    assert_eq!(hold(json!("soon")).await.fields(), ["until"]);
}

#[tokio::test]
async fn latitude_and_longitude_are_not_taken_for_each_other() {
    let (world, person) = peopled().await;
    let post = async |latitude: &str, longitude: &str| {
        let mut body = with("addresses", &person, "latitude", latitude);
        body["longitude"] = serde_json::from_str(longitude).unwrap();
        world.customer.post("/addresses", &body).await
    };
    assert_eq!(post("19.43", r#""-99.13""#).await.status, 201);
    assert_eq!(post("-99.13", "19.43").await.fields(), ["latitude"]);
    assert_eq!(post("-90.0000000001", "180.5").await.fields(), ["latitude", "longitude"]);
}

#[tokio::test]
async fn what_looks_the_same_is_the_same() {
    let (world, person) = peopled().await;
    let (composed, decomposed) = ("Núñez 7", "Nu\u{301}n\u{303}ez 7");
    let change = json!({"external_ref_id": decomposed, "name": decomposed});
    let shown = world.customer.put(&format!("/people/{person}"), &change).await.result().clone();
    assert_eq!((&shown["external_ref_id"], &shown["name"]), (&json!(composed), &json!(composed)));
    let mut other = somebody("BOXW310820HNERXN09");
    other["external_ref_id"] = json!(composed);
    assert_eq!(world.customer.post("/people", &other).await.fields(), ["external_ref_id"]);
    for written in ["N%C3%BA%C3%B1ez%207", "Nu%CC%81n%CC%83ez%207"] {
        assert_eq!(world.customer.get(&format!("/people/external/{written}")).await.id(), person, "{written}");
    }
    let wanted = json!({"external_ref_id": [decomposed]});
    assert_eq!(world.customer.post("/people/external/search", &wanted).await.result()[0]["id"], *person);

    // A catalog has the value, and a rule names it.
    let catalog = world.customer.post("/catalogs", &json!({"name": "Calles"})).await.id();
    let value = json!({"custom_catalog_id": catalog, "label": "A", "type": "string", "value": decomposed});
    assert_eq!(world.customer.post("/catalog-values", &value).await.status, 201);
    let part = json!({"title": "Año", "type": "string", "catalog_id": catalog, "rules": [format!("in:{decomposed}")]});
    let property = world.customer.post("/dynamic-properties", &json!({"name": "P", "descriptor": [part]})).await.id();
    let given = json!({"person_id": person, "values": {"an\u{303}o": composed}});
    let saved = world.customer.post(&format!("/dynamic-properties/{property}/values"), &given).await;
    assert_eq!(saved.result()["values"], json!({"año": composed}));

    for street in [composed, decomposed] {
        let body = with("addresses", &person, "street", &json!(street).to_string());
        assert_eq!(world.customer.post("/addresses", &body).await.status, 201);
    }
    let person = world.customer.get(&format!("/people/{person}")).await.result().clone();
    assert_eq!(person["addresses_similarity"]["street"], 1.0);
}

#[tokio::test]
async fn rules_and_catalogs_compare_numbers_to_the_last_digit() {
    let (world, person) = peopled().await;
    let catalog = world.customer.post("/catalogs", &json!({"name": "Tasas"})).await.id();
    let value = json!({"custom_catalog_id": catalog, "label": "A", "type": "number", "value": 7.5});
    assert_eq!(world.customer.post("/catalog-values", &value).await.status, 201);
    let parts = json!([
        {"title": "Folio", "type": "integer", "rules": ["max:9007199254740992"]},
        {"title": "Cuenta", "type": "integer", "rules": ["not_in:9007199254740993"]},
        {"title": "Tasa", "type": "number", "catalog_id": catalog}
    ]);
    let property = world.customer.post("/dynamic-properties", &json!({"name": "P", "descriptor": parts})).await.id();
    let save = async |values: &str| {
        let given = json!({"person_id": person, "values": serde_json::from_str::<Value>(values).unwrap()});
        world.customer.post(&format!("/dynamic-properties/{property}/values"), &given).await
    };
    assert_eq!(save(r#"{"folio": 9007199254740992, "cuenta": 9007199254740992, "tasa": 7.50}"#).await.status, 201);
    let refused = save(r#"{"folio": 9007199254740993, "cuenta": 9007199254740993, "tasa": 7.51}"#).await;
    assert_eq!(refused.fields(), ["values.cuenta", "values.folio", "values.tasa"]);
    // The same number in another form takes the place of what it was.
    for (was, is) in [("7.0", "7"), ("-0", "0"), ("7.50", "7.5"), ("7", "8")] {
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let value = json!({"custom_catalog_id": catalog, "label": "B", "type": "number", "value": number(was)});
        let path = format!("/catalog-values/{}", world.customer.post("/catalog-values", &value).await.id());
        let changed = world.customer.call(Method::PUT, &path, Some(&json!({"value": number(is)}))).await;
        assert_eq!((changed.status, changed.result()["value"].to_string().as_str()), (200, is), "{was}");
        assert_eq!(save(&format!(r#"{{"folio": 1, "cuenta": 1, "tasa": {is}}}"#)).await.status, 201, "{is}");
    }
    let part = json!({"title": "A", "type": "number", "rules": ["in:one,2"]});
    let refused = world.customer.post("/dynamic-properties", &json!({"name": "P", "descriptor": [part]})).await;
    assert_eq!(refused.fields(), ["descriptor[0].rules[0]"]);
}

#[tokio::test]
async fn an_e_mail_address_is_one_address_and_nothing_else_wherever_it_comes() {
    let (world, person) = peopled().await;
    let contact = async |email: &str| {
        world.customer.post("/contacts", &with("contacts", &person, "email", &json!(email).to_string())).await
    };
    let process = async |email: &str| {
        let mut body = order("approved");
        body["person"]["email"] = json!(email);
        world.customer.post("/processes", &body).await
    };
    let channel = async |email: &str| {
        let body = json!({
            "name": "Mail", "type": "email", "active": true, "events": ["process_approved"], "config": {"emails": [email]}
        });
        world.customer.post("/notification-channels", &body).await
    };
    for bad in [
        "juan@gmail.com;",
        "Juan<juan@gmail.com>",
        "juan,perez@gmail.com",
        "juan@gmail.com,ana@gmail.com",
        ".a@b.mx",
        "a..b@c.mx",
        "my@-leading.com",
        "juan@gmail.com\u{200b}",
        "ju\u{200b}an@gmail.com",
        "ju an@gmail.com",
        "juan@gmail,com",
    ] {
        assert_eq!(contact(bad).await.fields(), ["email"], "{bad:?}");
        assert_eq!(process(bad).await.fields(), ["person.email"], "{bad:?}");
        assert_eq!(channel(bad).await.fields(), ["config.emails"], "{bad:?}");
    }
    assert_eq!(contact(" Juan.Perez@gmail.com ").await.result()["email"], "Juan.Perez@gmail.com");
    assert_eq!(process(" juan@gmail.com").await.status, 201);
    assert_eq!(channel("juan@gmail.com ").await.result()["config"]["emails"], json!(["juan@gmail.com"]));
}

#[tokio::test]
async fn five_codes_an_hour_are_five_however_the_contact_is_written() {
    let (world, person) = peopled().await;
    let made = world.customer.post("/contacts", &sample("contacts", &person)).await;
    assert_eq!(made.result()["phone"], "+525591038054");
    let other = json!({"person_id": person, "email": "Ana@müller.mx", "phone": "+52 1 (55) 9103-8054"});
    assert_eq!(world.customer.post("/contacts", &other).await.result()["phone"], "+525591038054");
    let send = async |way: &str, value: Value| {
        let field = if way == "sms" { "phone" } else { "email" };
        world.customer.post(&format!("/contacts/{way}-codes"), &json!({"person_id": person, field: value})).await.status
    };
    for phone in ["+525591038054", "525591038054", "55 9103 8054", "0052-55-9103-8054", "+5215591038054"] {
        assert_eq!(send("sms", json!(phone)).await, 200, "{phone}");
    }
    for phone in [json!("(55) 9103.8054"), json!("5591038054"), json!(5_591_038_054_u64), json!("\u{202a}5591038054")] {
        assert_eq!(send("sms", phone.clone()).await, 429, "{phone}");
    }
    let sent = world.local.sms();
    assert!(sent.len() == 5 && sent.iter().all(|sms| sms.to == "+525591038054"), "{sent:?}");
    for email in ["ana@müller.mx", "ANA@MÜLLER.MX", "ana@xn--mller-kva.mx", " ana@mu\u{308}ller.mx ", "Ana@müller.mx"]
    {
        assert_eq!(send("email", json!(email)).await, 200, "{email:?}");
    }
    assert_eq!(send("email", json!("aNA@xn--mller-kva.mx")).await, 429);
    assert_eq!(send("email", json!("N<ana@müller.mx>")).await, 422);
}

#[tokio::test]
async fn a_process_s_phone_goes_to_the_company_in_one_form() {
    let world = World::new().await;
    let create = async |phone: &str| {
        let mut body = order("approved");
        body["person"]["phone"] = json!(phone);
        world.customer.create(&body).await
    };
    for phone in ["+573003003030", "+57 300 300-3030", "+57 (300) 300 3030"] {
        let made = create(phone).await;
        assert_eq!((made.status, &made.result()["person"]["phone"]), (201, &json!("+573003003030")), "{phone}");
    }
    for phone in ["3003003030", "573003003030", "+573003003", "+57 300 300 3030 ext. 1", "+57300CALLME"] {
        assert_eq!(create(phone).await.fields(), ["person.phone"], "{phone}");
    }
}
