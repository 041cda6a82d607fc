//! Tecalis: authorizations made by the control, what `/customer` says of them, and their pictures.

use super::*;

const EVERYTHING: &str = "?data=antifraud,images,video,identity";

async fn authorize(world: &World, script: &str) -> reqwest::Response {
    let url = format!("{}/_sandbox/tecalis/authorizations", world.base);
    world.client.post(url).body(json!({"script": script}).to_string()).send().await.unwrap()
}

pub(super) async fn authorized(world: &World, script: &str) -> String {
    let answer: Value = authorize(world, script).await.json().await.unwrap();
    answer["auth_uuid"].as_str().unwrap().to_owned()
}

async fn ask(world: &World, uuid: &str, key: &str, parts: &str) -> reqwest::Response {
    let url = format!("{}/tecalis/customer{parts}", world.base);
    let body = json!({"auth_uuid": uuid, "api_key": key}).to_string();
    world.client.post(url).header("content-type", "application/json").body(body).send().await.unwrap()
}

pub(super) async fn customer(world: &World, uuid: &str) -> Value {
    let answer = ask(world, uuid, "key_1", EVERYTHING).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn every_outcome_ends_as_its_word_says() {
    for (script, status, ocr, pictures) in [
        ("", "OK", "OK", 7),
        ("approved,array", "OK", "OK", 7),
        ("rejected", "KO", "KO", 7),
        ("cancelled", "CANCELLED", "NOT_STARTED", 3),
        ("approved-then-cancelled", "CANCELLED", "OK", 7),
        ("never", "NOT_STARTED", "NOT_STARTED", 0),
    ] {
        let world = World::new().await;
        let uuid = authorized(&world, script).await;
        assert_eq!(customer(&world, &uuid).await["process_status"], "NOT_STARTED");
        world.play_out().await;
        let answer = customer(&world, &uuid).await;
        let operations = &answer["operations"];
        let shown = if script.contains("array") { &operations[1] } else { &operations["OCR"] };
        assert_eq!((&answer["process_status"], &shown["state"]), (&json!(status), &json!(ocr)), "{script}");
        assert_eq!(world.sandbox.tecalis_pictures(&uuid).len(), pictures, "{script}");
        assert_eq!(world.sandbox.tecalis_authorizations()[0].status, status, "{script}");
    }
}

#[tokio::test]
async fn only_the_right_key_opens_an_authorization_that_exists() {
    let world = World::new().await;
    let uuid = authorized(&world, "").await;
    for (uuid, key) in [(uuid.as_str(), "key_2"), ("019cbdb7-58b4-712f-886f-341bc0e39c51", "key_1")] {
        let refused = ask(&world, uuid, key, EVERYTHING).await;
        assert_eq!(refused.status(), 401);
        let expected = json!({"internal_code": 401, "message": "Not authorized"});
        assert_eq!(refused.json::<Value>().await.unwrap(), expected);
    }
    assert_eq!(authorize(&world, "aproved").await.status(), 400);
}

#[tokio::test]
async fn only_the_parts_that_are_asked_for_are_shown() {
    let world = World::new().await;
    let uuid = authorized(&world, "").await;
    world.play_out().await;
    let bare: Value = ask(&world, &uuid, "key_1", "").await.json().await.unwrap();
    assert_eq!((bare.get("identity"), bare["general"].get("video")), (None, None));
    assert_eq!((bare["operations"]["OCR"].get("images"), bare["operations"]["OCR"].get("antifraud")), (None, None));
    let whole = customer(&world, &uuid).await;
    assert_eq!(whole["operations"]["OCR"]["antifraud"].as_object().unwrap().len(), 14);
    assert!(whole["general"]["video"].is_string() && whole["identity"].is_object());
}

#[tokio::test]
async fn links_open_for_five_minutes_and_pictures_are_their_own() {
    let world = World::new().await;
    let uuid = authorized(&world, "cut-off:1").await;
    world.play_out().await;
    let answer = customer(&world, &uuid).await;
    let link = &answer["operations"]["POL"]["images"]["selfie"][0];
    assert!(world.download(link).await.bytes().await.is_err());
    let bytes = world.download(link).await.bytes().await.unwrap();
    let pictures = world.sandbox.tecalis_pictures(&uuid);
    assert!(pictures.contains(&("POL/selfie/1".to_owned(), bytes)));
    let mut distinct: Vec<_> = pictures.iter().map(|(_, bytes)| bytes).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 7);
    world.pass(MINUTE * 5).await;
    assert_eq!(world.download(link).await.status(), 403);
}

#[tokio::test]
async fn authorizations_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("cotejo-sandbox-{}-tecalis", std::process::id()));
    let file = folder.join("state.json");
    let before = World::with(Some(file.clone()), |_| {}).await;
    let uuid = authorized(&before, "approved,query-5xx:1").await;
    assert_eq!(ask(&before, &uuid, "key_1", "").await.status(), 503);
    before.pass(MINUTE).await;
    let pictures = before.sandbox.tecalis_pictures(&uuid);

    let after = World::with(Some(file), |_| {}).await;
    assert_eq!(customer(&after, &uuid).await["process_status"], "OK");
    assert_eq!(after.sandbox.tecalis_pictures(&uuid), pictures);
    assert_ne!(authorized(&after, "").await, uuid);
    std::fs::remove_dir_all(folder).unwrap();
}
