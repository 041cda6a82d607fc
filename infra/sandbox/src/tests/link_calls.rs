//! Token, ping, and what a request to verify must have.

use super::link::*;
use super::*;

#[tokio::test]
async fn a_token_is_given_for_the_right_credentials_and_is_as_documented() {
    let world = World::new().await;
    let answer: Value = ask_token(&world, "bank", "secret").await.json().await.unwrap();
    assert_eq!((&answer["expiresIn"], &answer["token_type"]), (&json!(3600), &json!("bearer")));
    assert_eq!(answer["scopes"][0], "kyc.idVeriication.auto");
    assert_eq!(answer["scopes"].as_array().unwrap().len(), 5);
    assert_ne!(answer["token"], json!(token(&world).await));
}

#[tokio::test]
async fn bad_credentials_are_a_500_or_a_401_as_configured() {
    let world = World::new().await;
    for (user, password) in [("bank", "wrong"), ("other", "secret"), ("", "")] {
        let refused = ask_token(&world, user, password).await;
        assert_eq!(refused.status(), 500);
        let expected = json!({"code": "003", "message": "Validation Error: Invalid credentials"});
        assert_eq!(refused.json::<Value>().await.unwrap(), expected);
    }
    let account = LinkAccount { user: "bank".to_owned(), password: "new".to_owned(), refuse_with_401: true };
    world.sandbox.set_link_account(account);
    assert_eq!(ask_token(&world, "bank", "secret").await.status(), 401);
    assert_eq!(ask_token(&world, "bank", "new").await.status(), 200);
}

#[tokio::test]
async fn a_token_is_good_for_an_hour_and_only_if_it_is_ours() {
    let link = Link::new().await;
    link.world.pass(SignedDuration::from_secs(3599)).await;
    assert_eq!(link.post(&link.order("a", "")).await.status(), 200);
    assert_eq!(link.certificate("a").await.status(), 404);
    let (signed, _) = link.token.rsplit_once('.').unwrap();
    let other = token(&link.world).await;
    let (_, signature) = other.rsplit_once('.').unwrap();
    for bad in ["", "nonsense", signed, &format!("{signed}.{signature}"), &format!("{signed}.")] {
        let refused = verify(&link.world, bad, &link.order("b", "")).await;
        assert_eq!((refused.status().as_u16(), refused.content_length()), (401, Some(0)), "{bad}");
        assert_eq!(certificate(&link.world, bad, "a").await.status(), 401);
    }
    link.world.pass(SignedDuration::from_secs(1)).await;
    let expired = link.post(&link.order("b", "")).await;
    assert_eq!((expired.status().as_u16(), expired.content_length()), (401, Some(0)));
    assert_eq!(link.world.sandbox.link_requests().len(), 1);
}

#[tokio::test]
async fn ping_answers_both_methods_with_the_time() {
    let world = World::new().await;
    let url = format!("{}/link/ping", world.base);
    for request in [world.client.post(&url), world.client.get(&url)] {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let expected = json!({"service": "KYC API", "status": "ok", "date": "2026-11-02 10:00:00 +00:00"});
        assert_eq!(answer, expected);
    }
}

#[tokio::test]
async fn a_bad_request_is_refused_with_its_reason() {
    let link = Link::new().await;
    let image = |content: &str| json!([{ "content": content }]);
    let refusals = [
        ("id", json!(" "), "The field id is required"),
        ("id", json!(7), "The field id must be a string"),
        ("images", Value::Null, "The field images is required"),
        ("images", json!([]), "The field images must hold one or two images"),
        ("images", json!([{}, {}, {}]), "The field images must hold one or two images"),
        ("images", json!(["a"]), "The field images must hold objects"),
        ("images", image(""), "The field content is required"),
        ("images", image("not base64"), "There are images with invalid base64 format"),
        ("images", image("YQ"), "There are images with invalid base64 format"),
        ("images", json!([{"content": "YQ==", "faceImage": "?"}]), "There are images with invalid base64 format"),
        ("expeditorCountry", Value::Null, "The field expeditorCountry is required"),
        ("certify", json!(true), "The field certifyCallback is required"),
        ("certify", json!("yes"), "The field certify must be a boolean"),
        ("manualVerification", json!(true), "The field manualVerificationCallback is required"),
    ];
    for (field, value, why) in refusals {
        let mut order = link.order("a", "");
        order[field] = value;
        let answer = link.post(&order).await;
        assert_eq!(answer.status(), 400, "{why}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["message"], format!("Validation Error: {why}"));
        assert_eq!(answer["code"], "003");
        assert_eq!(answer["id"], order["id"].as_str().unwrap_or_default());
    }
    assert_eq!(link.post(&json!("text")).await.status(), 400);
    assert_eq!(link.world.sandbox.link_requests().len(), 0);
}

#[tokio::test]
async fn large_pictures_are_taken() {
    let link = Link::new().await;
    let mut order = link.order("a", "");
    order["images"][1]["content"] = "AAAA".repeat(2 << 20).into();
    assert_eq!(link.post(&order).await.status(), 200);
}

#[tokio::test]
async fn a_repeat_is_answered_the_same_and_starts_nothing() {
    let link = Link::new().await;
    let order = link.certified(link.with_face("a", "face-fail"));
    let first = link.verify(&order).await;
    link.world.play_out().await;
    assert_eq!(link.verify(&link.certified(link.order("a", "not-correct"))).await, first, "the first picture counts");
    link.world.play_out().await;
    let view = link.view();
    assert_eq!((view.repeats, view.callbacks_sent, link.world.sandbox.link_requests().len()), (1, 1, 1));
    let by_hand = link.by_hand(link.order("b", "ok"));
    let first = link.verify(&by_hand).await;
    link.world.play_out().await;
    assert_eq!(link.verify(&by_hand).await, first, "not even the reviewer's result shows");
}

#[tokio::test]
async fn people_get_pictures_and_see_requests() {
    let link = Link::new().await;
    let url = |query: &str| format!("{}/_sandbox/link/{query}", link.world.base);
    let picture = link.world.client.get(url("picture?kind=back&script=warning,no-callback")).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/jpeg");
    let expected = link.world.sandbox.link_picture(LinkPicture::Back, "warning,no-callback").unwrap();
    assert_eq!(picture.bytes().await.unwrap(), expected);
    let unknown = link.world.client.get(url("picture?kind=selfie&script=waning")).send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    assert!(unknown.text().await.unwrap().contains("waning"));
    let error = link.world.sandbox.link_picture(LinkPicture::Front, "ok:2").unwrap_err();
    assert_eq!(error, UnknownWord("ok:2".to_owned()));

    link.verify(&link.by_hand(link.with_face("a", ""))).await;
    let listed: Value = link.world.client.get(url("requests")).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed[0]["id"], "a");
    assert_eq!((&listed[0]["manual"], &listed[0]["face"]), (&json!(true), &json!(true)));
    assert_eq!((&listed[0]["state"], &listed[0]["images"]), (&json!("Processing"), &json!(2)));
}

#[tokio::test]
async fn calls_are_counted() {
    let link = Link::new().await;
    link.post(&link.order("a", "")).await;
    link.certificate("a").await;
    link.certificate("b").await;
    let calls = CallCounts { tokens: 1, verifies: 1, certificates: 2, ..CallCounts::default() };
    assert_eq!(link.world.sandbox.calls(), calls);
}
