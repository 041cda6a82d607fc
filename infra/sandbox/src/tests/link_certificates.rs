//! Certificates: when there is one, what it is, and what can be in its place.

use super::link::*;
use super::*;

/// A world in which a certificate for "a" was ordered by machine, and announced.
async fn announced(script: &str) -> (Link, Value) {
    let link = Link::new().await;
    let answer = link.verify(&link.certified(link.order("a", script))).await;
    assert_eq!(answer["certification"], json!({"status": "Processing"}));
    link.world.play_out().await;
    let callback = link.world.receiver.bodies().remove(0);
    (link, callback)
}

#[tokio::test]
async fn a_certificate_is_made_after_twenty_seconds_and_announced() {
    let link = Link::new().await;
    link.verify(&link.certified(link.order("a", ""))).await;
    link.world.pass(SignedDuration::from_millis(19_999)).await;
    let early = link.certificate("a").await;
    assert_eq!((early.status().as_u16(), early.content_length()), (404, Some(0)));
    assert_eq!(link.world.sandbox.link_certificate("a"), None);
    link.world.pass(SignedDuration::from_millis(1)).await;
    let url = format!("{}/link/certificate/a", link.world.base);
    let expected = json!({
        "id": "a", "service": "Certification", "status": "Completed", "data": {"urlCertificateFile": url},
    });
    assert_eq!(link.world.receiver.bodies(), [expected]);

    let answer: Value = link.certificate("a").await.json().await.unwrap();
    assert_eq!(answer["id"], "a");
    let pdf = content(link.certificate("a").await).await;
    assert!(pdf.starts_with(b"%PDF-1.4") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
    assert_eq!(link.world.sandbox.link_certificate("a").as_deref(), Some(&pdf[..]));
    let view = link.view();
    assert_eq!((view.certificate_fetches, view.certificates_served), (3, 2));
}

#[tokio::test]
async fn by_hand_the_certificate_follows_the_result() {
    let link = Link::new().await;
    link.verify(&link.certified(link.by_hand(link.order("a", "")))).await;
    link.world.pass(MINUTE * 5).await;
    assert_eq!(link.view().certification.as_deref(), Some("Processing"));
    link.world.pass(SignedDuration::from_secs(20)).await;
    assert_eq!(link.view().certification.as_deref(), Some("Completed"));
}

#[tokio::test]
async fn there_is_no_certificate_that_was_not_ordered_or_of_nothing() {
    let link = Link::new().await;
    link.verify(&link.order("a", "")).await;
    link.verify(&link.certified(link.order("b", "processing"))).await;
    link.world.play_out().await;
    for id in ["a", "b", "c"] {
        assert_eq!(link.certificate(id).await.status(), 404);
        assert_eq!(link.world.sandbox.link_certificate(id), None);
    }
    assert_eq!(link.world.receiver.bodies(), Vec::<Value>::new());
}

#[tokio::test]
async fn faults_of_a_certificate_take_their_number_of_requests_each() {
    let (link, callback) = announced("certificate-late:2,certificate-html:1,certificate-5xx:1").await;
    assert_eq!(callback["status"], "Completed");
    assert_eq!(link.certificate("a").await.status(), 404);
    assert_eq!(link.certificate("a").await.status(), 404);
    assert!(content(link.certificate("a").await).await.starts_with(b"<!DOCTYPE html>"));
    let broken = link.certificate("a").await;
    assert_eq!(broken.status(), 500);
    assert_eq!(broken.json::<Value>().await.unwrap()["code"], "001");
    assert!(content(link.certificate("a").await).await.starts_with(b"%PDF"));
    assert_eq!(link.view().certificates_served, 1);
}

#[tokio::test]
async fn a_request_before_there_is_a_certificate_uses_up_no_fault() {
    let link = Link::new().await;
    link.verify(&link.certified(link.order("a", "certificate-late:1"))).await;
    link.certificate("a").await;
    link.world.play_out().await;
    assert_eq!(link.certificate("a").await.status(), 404);
    assert_eq!(link.certificate("a").await.status(), 200);
}

#[tokio::test]
async fn a_certification_can_fail_for_good() {
    for script in ["certificate-error", "error"] {
        let (link, callback) = announced(script).await;
        assert_eq!(callback, json!({"id": "a", "service": "Certification", "status": "Error"}), "{script}");
        assert_eq!(link.certificate("a").await.status(), 404);
        assert_eq!(link.view().certification.as_deref(), Some("Error"));
    }
}

#[tokio::test]
async fn a_callback_can_name_an_address_that_nobody_should_call() {
    let (link, callback) = announced("certificate-elsewhere").await;
    assert_eq!(callback["data"]["urlCertificateFile"], "http://169.254.169.254/certificate/a");
    assert_eq!(link.certificate("a").await.status(), 200, "the certificate is where it always is");
}

#[tokio::test]
async fn the_announced_address_leads_to_the_certificate_whatever_the_id() {
    let link = Link::new().await;
    let id = "100% ñ/ü?#&=";
    link.verify(&link.certified(link.order(id, ""))).await;
    link.world.play_out().await;
    let url = link.world.receiver.bodies()[0]["data"]["urlCertificateFile"].as_str().unwrap().to_owned();
    let answer: Value = link.world.client.get(url).bearer_auth(&link.token).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["id"], id);
}
