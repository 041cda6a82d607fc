//! How every word ends: what the machine answers, and what the reviewer's callback says.

use super::link::*;
use super::*;

/// The values of a code, in order.
fn values<'a>(verification: &'a Value, code: &str) -> Vec<&'a str> {
    let fields = verification["fields"].as_array().unwrap();
    fields.iter().filter(|field| field["code"] == code).map(|field| field["value"].as_str().unwrap()).collect()
}

async fn by_machine(script: &str) -> Value {
    let link = Link::new().await;
    let answer = link.verify(&link.with_face("a", script)).await;
    assert_eq!(answer["id"], "a");
    assert_eq!(answer.get("certification"), None);
    link.world.play_out().await;
    assert_eq!(link.world.receiver.bodies(), Vec::<Value>::new(), "nothing comes behind");
    answer["idVerification"].clone()
}

/// The callback, of an order with a face.
async fn by_hand(script: &str) -> Value {
    let link = Link::new().await;
    let answer = link.verify(&link.by_hand(link.with_face("a", script))).await;
    assert_eq!(answer["idVerification"], json!({"status": "Processing", "process": "Manual"}));
    link.world.play_out().await;
    let mut bodies = link.world.receiver.bodies();
    assert_eq!((bodies.len(), &bodies[0]["id"]), (1, &json!("a")));
    assert_eq!(
        (&bodies[0]["service"], &bodies[0]["status"]),
        (&json!("ManualIDVerification"), &json!(link.view().state))
    );
    bodies.remove(0)
}

#[tokio::test]
async fn every_word_for_the_machine_ends_as_it_says() {
    let expected = [
        ("", "Ok", "OK", "OK", vec!["OK"]),
        ("ok", "Ok", "OK", "OK", vec!["OK"]),
        ("face-fail", "Ok", "OK", "OK", vec!["FAIL"]),
        ("face-missing", "Ok", "OK", "OK", vec![]),
        ("not-correct", "NotCorrect", "FAIL", "OK", vec!["OK"]),
        ("warning", "Warning", "OK", "FAIL", vec!["OK"]),
        ("warning-rejected", "Warning", "OK", "FAIL", vec!["OK"]),
        ("not-approved", "Ok", "OK", "OK", vec!["OK"]),
    ];
    for (script, result, authenticity, sides, face) in expected {
        let answer = by_machine(script).await;
        assert_eq!((&answer["status"], &answer["process"]), (&json!("Completed"), &json!("Automatic")), "{script}");
        assert_eq!(answer["result"], result, "{script}");
        assert_eq!(answer["warning"] == "", result == "Ok", "{script}");
        assert_eq!(values(&answer, "TEST_GLOBAL_AUTHENTICITY_VALUE"), [authenticity], "{script}");
        assert_eq!(values(&answer, "TEST_SIDE_CORRESPONDENCE"), [sides], "{script}");
        assert_eq!(values(&answer, "TEST_FACE_RECOGNITION_VALUE"), face, "{script}");
        assert_eq!(values(&answer, "TEST_FACE_RECOGNITION_RATIO").len(), face.len(), "{script}");
    }
    let answer = by_machine("not-processed").await;
    assert_eq!((&answer["result"], &answer["fields"]), (&json!("NotProcessed"), &json!([])));
    assert_ne!(answer["warning"], "");
    for (script, status) in [("processing", "Processing"), ("error", "Error")] {
        assert_eq!(by_machine(script).await, json!({"status": status, "process": "Automatic"}));
    }
}

#[tokio::test]
async fn the_fields_are_a_list_in_order_whose_codes_repeat() {
    let answer = by_machine("ok").await;
    let first = json!({"type": "Normal", "code": "TYPE", "value": "IDENTITY", "description": "TYPE"});
    assert_eq!(answer["fields"][0], first);
    assert_eq!(values(&answer, "SURNAME"), ["ESPAÑOLA", "ESPAÑOLA"]);
    let lines = ["IDESPBAA000589599999999R<<<<<<", "8001014F3106028ESP<<<<<<<<<<<9", "ESPANOLA<ESPANOLA<<CARMEN<<<<<"];
    assert_eq!(values(&answer, "MRZ"), lines);
    assert_eq!(values(&answer, "TEST_MRZ_FIELDS_INTEGRITY"), ["OK DOC_NUMBER", "OK BIRTHDATE", "OK EXPIRY"]);
    assert_eq!(values(&answer, "TEST_EXPIRY_DATE"), ["OK"]);
    assert_eq!(values(&answer, "QUALITY_IMAGE_BLURRING"), ["IQ_GOOD 11%"]);
    let fields = answer["fields"].as_array().unwrap();
    assert_eq!(fields.last().unwrap()["code"], "ICAR_RESULT_DOCUMENT_ID");
    for field in fields {
        let is_test = field["code"].as_str().unwrap().starts_with("TEST_");
        assert_eq!(field["type"], if is_test { "Validation" } else { "Normal" });
    }
}

#[tokio::test]
async fn without_a_face_nothing_is_said_of_it() {
    let link = Link::new().await;
    for (id, script) in [("a", "ok"), ("b", "face-fail")] {
        let answer = link.verify(&link.order(id, script)).await;
        assert_eq!(values(&answer["idVerification"], "TEST_FACE_RECOGNITION_VALUE"), Vec::<&str>::new());
    }
    for (id, script) in [("c", "ok"), ("d", "not-approved"), ("e", "rejected"), ("f", "not-match")] {
        link.verify(&link.by_hand(link.order(id, script))).await;
    }
    link.world.play_out().await;
    let bodies = link.world.receiver.bodies();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| body["data"].get("faceComparisonInfo").is_none()));
}

#[tokio::test]
async fn every_word_for_the_reviewer_ends_as_it_says() {
    let expected = [
        ("", "APPROVED", "MATCH", "LIVE"),
        ("ok", "APPROVED", "MATCH", "LIVE"),
        ("warning", "APPROVED", "MATCH", "LIVE"),
        ("not-match", "APPROVED", "NOT_MATCH", "LIVE"),
        ("not-live", "APPROVED", "MATCH", "NOT_LIVE"),
        ("not-approved", "NOT_APPROVED", "NOT_MATCH", "NOT_LIVE"),
        ("warning-rejected", "NOT_APPROVED", "NOT_MATCH", "NOT_LIVE"),
    ];
    for (script, approval, same, alive) in expected {
        let body = by_hand(script).await;
        assert_eq!(body["status"], "Completed", "{script}");
        let (document, face) = (&body["data"]["documentInfo"], &body["data"]["faceComparisonInfo"]);
        assert_eq!(document["findings"]["documentApproval"], approval, "{script}");
        assert_eq!(document["extractedData"]["documentAttributes"]["documentNumber"], "99999999R", "{script}");
        assert_eq!(face["findings"]["faceComparisonApproval"], same, "{script}");
        assert_eq!(face["findings"]["faceLivenessApproval"], alive, "{script}");
    }
}

#[tokio::test]
async fn the_reviewers_samples_keep_their_blanks_and_their_reasons() {
    let accepted = |body: &Value| body["data"]["documentInfo"]["acceptance"]["result"].clone();
    assert_eq!(accepted(&by_hand("ok").await), "ACCEPTED");
    let refused = by_hand("not-approved").await;
    assert_eq!(accepted(&refused), " ACCEPTED");
    let details = &refused["data"]["documentInfo"]["findings"]["details"];
    let reasons = |part: &str| details[part]["reasons"].as_array().unwrap().len();
    assert_eq!((reasons("authenticity"), reasons("originality"), reasons("validity")), (4, 2, 2));

    let rejected = by_hand("rejected").await;
    let (document, face) = (&rejected["data"]["documentInfo"], &rejected["data"]["faceComparisonInfo"]);
    for part in [document, face] {
        assert_eq!(part["acceptance"]["result"], " REJECTED");
        assert_eq!(part["acceptance"]["reasons"].as_array().unwrap().len(), 10);
        assert_eq!((part.get("findings"), part.get("extractedData")), (None, None));
    }
}

#[tokio::test]
async fn a_reviewer_can_fail_or_leave_out_or_refuse_the_face() {
    let failed = by_hand("manual-error").await;
    assert_eq!((&failed["status"], failed.get("data")), (&json!("Error"), None));
    let silent = by_hand("no-face-info").await;
    assert_eq!(silent["data"]["documentInfo"]["findings"]["documentApproval"], "APPROVED");
    assert_eq!(silent["data"].get("faceComparisonInfo"), None);
    let dead = by_hand("selfie-not-live").await;
    let expected = json!({"acceptance": {"result": " REJECTED", "reasons": ["SELFIE_NOT_LIVE"]}});
    assert_eq!(dead["data"]["faceComparisonInfo"], expected);
}

#[tokio::test]
async fn a_reviewer_takes_five_minutes_or_never_comes() {
    let link = Link::new().await;
    link.verify(&link.by_hand(link.order("a", "ok"))).await;
    link.verify(&link.by_hand(link.order("b", "processing"))).await;
    assert_eq!(link.world.pass(MINUTE * 5 - SignedDuration::from_millis(1)).await, 0);
    assert_eq!(link.world.pass(SignedDuration::from_millis(1)).await, 2);
    assert_eq!(link.world.sandbox.next_due(), None);
    let states: Vec<_> = link.world.sandbox.link_requests().into_iter().map(|view| view.state).collect();
    assert_eq!(states, ["Completed", "Processing"]);
}

#[tokio::test]
async fn the_same_picture_goes_by_hand_after_a_warning() {
    let link = Link::new().await;
    for (script, approval) in [("warning", "APPROVED"), ("warning-rejected", "NOT_APPROVED")] {
        let answer = link.verify(&link.order(&format!("{script} 1"), script)).await;
        assert_eq!(answer["idVerification"]["result"], "Warning");
        link.verify(&link.by_hand(link.order(&format!("{script} 2"), script))).await;
        link.world.play_out().await;
        let body = link.world.receiver.bodies().remove(0);
        assert_eq!(body["data"]["documentInfo"]["findings"]["documentApproval"], approval);
    }
}

#[tokio::test]
async fn only_the_first_picture_counts_and_an_unknown_word_is_named() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let link = Link::new().await;
    let mut order = link.order("a", "ok");
    order["images"][1] = link.order("", "not-correct")["images"][0].clone();
    assert_eq!(link.verify(&order).await["idVerification"]["result"], "Ok");
    order["id"] = "b".into();
    order["images"] = json!([{"content": encode(b"\x89PNG\r\n\x1A\n")}]);
    assert_eq!(link.verify(&order).await["idVerification"]["result"], "Ok", "any other picture is a good one");

    let unknown = pictures::picture(pictures::Drawing::CardFront, "script=aproved");
    order["id"] = "c".into();
    order["images"] = json!([{"content": encode(&unknown)}]);
    let refused = link.post(&order).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("aproved"));
}
