//! What arrives at the customer's addresses, in which order, and how often it is tried.

use super::link::*;
use super::*;

/// The services whose callbacks arrived so far, taken out.
fn services(link: &Link) -> Vec<String> {
    link.world.receiver.bodies().iter().map(|body| body["service"].as_str().unwrap().to_owned()).collect()
}

const MANUAL: &str = "ManualIDVerification";
const CERTIFICATION: &str = "Certification";

#[tokio::test]
async fn the_words_for_callbacks_do_what_they_say() {
    let expected: [(&str, &[&str]); 4] = [
        ("ok", &[MANUAL, CERTIFICATION]),
        ("no-callback", &[]),
        ("duplicate-callback", &[MANUAL, MANUAL, MANUAL, CERTIFICATION, CERTIFICATION, CERTIFICATION]),
        ("out-of-order", &[CERTIFICATION, MANUAL]),
    ];
    for (script, sent) in expected {
        let link = Link::new().await;
        link.verify(&link.certified(link.by_hand(link.order("a", script)))).await;
        link.world.play_out().await;
        assert_eq!(services(&link), sent, "{script}");
        let view = link.view();
        assert_eq!((view.callbacks_sent, view.callbacks_pending), (sent.len() as u64, 0), "{script}");
        assert_eq!((view.state.as_str(), view.certification.as_deref()), ("Completed", Some("Completed")), "{script}");
    }
}

#[tokio::test]
async fn each_callback_goes_to_its_own_address() {
    let link = Link::new().await;
    link.verify(&link.certified(link.by_hand(link.order("a", "")))).await;
    link.world.play_out().await;
    assert_eq!(link.world.receiver.paths(), ["/manual", "/certificate"]);
}

#[tokio::test]
async fn without_a_certificate_nothing_is_held_back() {
    let link = Link::new().await;
    link.verify(&link.by_hand(link.order("a", "out-of-order"))).await;
    link.world.pass(MINUTE * 5).await;
    assert_eq!(services(&link), [MANUAL]);
}

#[tokio::test]
async fn a_result_can_arrive_before_the_answer() {
    let link = Link::new().await;
    let answer = link.verify(&link.certified(link.by_hand(link.order("a", "callback-before-answer")))).await;
    assert_eq!(services(&link), [MANUAL, CERTIFICATION], "they arrive before any tick");
    assert_eq!(answer["idVerification"]["status"], "Processing");
    assert_eq!(link.world.sandbox.tick().await, 0);
    assert!(link.world.sandbox.link_certificate("a").is_some());
}

#[tokio::test]
async fn a_refused_callback_is_tried_after_two_four_and_six_minutes_and_then_is_gone() {
    let link = Link::new().await;
    link.verify(&link.by_hand(link.order("a", ""))).await;
    link.world.receiver.answer_with(&[500, 302, 404, 503]);
    link.world.pass(MINUTE * 5).await;
    for minutes in [2, 4, 6] {
        assert_eq!(link.world.pass(MINUTE * minutes - SignedDuration::from_millis(1)).await, 0);
        assert_eq!(link.world.pass(SignedDuration::from_millis(1)).await, 1);
    }
    assert_eq!(link.world.sandbox.next_due(), None);
    let view = link.view();
    assert_eq!((view.callbacks_sent, view.callbacks_acknowledged, view.callbacks_pending), (4, 0, 0));
}

#[tokio::test]
async fn requests_of_two_customers_under_one_id_keep_apart() {
    let link = Link::new().await;
    let code = link.world.create("approved").await;
    link.verify(&link.by_hand(link.order(&code, ""))).await;
    link.world.play_out().await;
    let bodies = link.world.receiver.bodies();
    assert_eq!(bodies.len(), 2);
    assert_eq!((&bodies[0]["status"], &bodies[1]["service"]), (&json!("APPROVED"), &json!(MANUAL)));
    assert_eq!(link.world.sandbox.auco_processes()[0].webhooks_pending, 0);
}
