//! Create and query.

use super::*;

#[tokio::test]
async fn a_process_is_created_and_reads_as_the_samples_do() {
    let world = World::new().await;
    let code = world.create("approved").await;
    assert!(code.len() == 16 && code.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()));

    let answer = world.query(&code).await;
    assert_eq!((&answer["status"], &answer["attempts"]), (&json!("INPROGRESS"), &json!([])));
    assert_eq!(answer["createdAt"], "2026-11-02T10:00:00.000Z");
    assert_eq!(answer.get("ocrData"), None);

    world.pass(MINUTE).await;
    let answer = world.query(&code).await;
    for (field, value) in [
        ("status", "APPROVED"),
        ("email", "prueba@auco.ai"),
        ("platform", "whatsapp"),
        ("name", "Juan Pérez"),
        ("userEmail", "juan.perez@gmail.com"),
        ("phone", "+573003003030"),
        ("country", "CO"),
        ("identificationType", "CC"),
        ("identificationNumber", "1001001010"),
    ] {
        assert_eq!(answer[field], value, "{field}");
    }
    assert_eq!(answer["custom"]["cotejo_id"], "p1");
    assert_eq!(answer["hash"].as_str().unwrap().len(), 64);
    assert_eq!(answer["ocrData"]["fullName"], "PÉREZ JUAN");
    assert_eq!(answer["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(answer["attempts"][0]["date"], "2026-11-02T10:00:30.000Z");
    assert!((85.0..=100.0).contains(&answer["attempts"][0]["similarity"].as_f64().unwrap()));
    assert_eq!(answer["attempts"][0]["identificationCardData"]["surname"], "PÉREZ");
}

#[tokio::test]
async fn only_the_right_kind_of_key_opens() {
    let world = World::new().await;
    let code = world.create("approved").await;
    for key in ["puk_1", "Bearer prk_1", "", "prk_2"] {
        assert_eq!(world.post(key, World::order("").to_string()).await.status(), 401, "{key}");
    }
    for key in ["prk_1", "Bearer puk_1", ""] {
        assert_eq!(world.get(key, &code).await.status(), 401, "{key}");
    }
    assert_eq!(world.sandbox.auco_processes().len(), 1);
}

#[tokio::test]
async fn a_bad_order_is_refused_with_its_reason() {
    let world = World::new().await;
    let refusals = [
        ("name", Value::Null, "NAME_REQUIRED"),
        ("phone", json!("3003003030"), "PHONE_INVALID"),
        ("platform", json!("sms"), "PLATFORM_INVALID"),
        ("expiredDate", json!("2026-11-05T10:00:00.000Z"), "EXPIRED_DATE_INVALID"),
        ("targetWebhooks", json!(["nobody"]), "TARGET_WEBHOOKS_INVALID"),
        ("custom", json!({"sandbox": "approved, aproved"}), "custom.sandbox has the unknown word \"aproved\""),
        ("custom", json!({"sandbox": 1}), "custom.sandbox must be a string"),
    ];
    for (field, value, message) in refusals {
        let mut order = World::order("");
        order[field] = value;
        let answer = world.post("prk_1", order.to_string()).await;
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "message": message }));
    }
    assert_eq!(world.post("prk_1", "email=a".to_owned()).await.status(), 400);
    assert_eq!(world.sandbox.auco_processes().len(), 0);
}

#[tokio::test]
async fn a_code_that_is_unknown_or_malformed_is_a_400() {
    let world = World::new().await;
    for code in ["", "ABC", "ABCDEFGH12345678", "abcdefgh12345678"] {
        assert_eq!(world.get("puk_1", code).await.status(), 400, "{code}");
    }
}

#[tokio::test]
async fn both_spellings_of_the_attempts_flag_occur() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for _ in 0..40 {
        codes.push(world.create("").await);
    }
    world.pass(MINUTE).await;
    let mut newer = 0;
    for code in &codes {
        let attempt = world.query(code).await["attempts"][0].clone();
        assert_eq!(attempt.get("successful").is_some(), attempt.get("successfull").is_none());
        newer += usize::from(attempt["successful"] == true);
    }
    assert!((10..=30).contains(&newer), "{newer} of 40");
}

#[tokio::test]
async fn calls_are_counted_and_processes_listed() {
    let world = World::new().await;
    let code = world.create("").await;
    world.pass(MINUTE).await;
    world.download(&world.photo(&code).await).await;
    let calls = CallCounts {
        creates: 1,
        queries: 1,
        downloads: 1,
        webhooks_sent: 1,
        webhooks_acknowledged: 1,
        ..CallCounts::default()
    };
    assert_eq!(world.sandbox.calls(), calls);
    let view = world.sandbox.auco_processes().remove(0);
    assert_eq!((view.code, view.status.as_str(), view.downloads, view.queries), (code, "APPROVED", 1, 1));
    assert_eq!(view.custom["cotejo_id"], "p1");
}

#[tokio::test]
async fn people_can_force_a_step() {
    let world = World::new().await;
    let code = world.create("never").await;
    let act = |body: &'static str| {
        let url = format!("{}/_sandbox/auco/{code}/act", world.base);
        let client = world.client.clone();
        async move { client.post(url).body(body).send().await.unwrap().status().as_u16() }
    };
    assert_eq!(act("").await, 409);
    assert_eq!(act(r#"{"status":"VALIDATED"}"#).await, 409);
    assert_eq!(act(r#"{"status":"NONSENSE"}"#).await, 400);
    assert_eq!(act(r#"{"status":"BLOCKED"}"#).await, 200);
    assert_eq!(act(r#"{"status":"APPROVED"}"#).await, 200);
    world.sandbox.tick().await;
    assert_eq!(world.receiver.statuses(), ["BLOCKED", "VALIDATED"]);
    let listed = world.client.get(format!("{}/_sandbox/auco/processes", world.base)).send().await.unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap()[0]["status"], "APPROVED");
}
