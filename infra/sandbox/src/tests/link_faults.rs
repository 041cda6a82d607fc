//! Faults of LINK's calls, by script and by chance, and what a restart leaves.

use super::link::*;
use super::*;

#[tokio::test]
async fn the_words_for_a_request_do_what_they_say() {
    let link = Link::new().await;
    let order = link.order("a", "create-5xx");
    let broken = link.post(&order).await;
    assert_eq!(broken.status(), 500);
    let expected = json!({"id": "a", "code": "001", "message": "Unknown Error: Error processing request"});
    assert_eq!(broken.json::<Value>().await.unwrap(), expected);
    assert_eq!(link.world.sandbox.link_requests().len(), 0);
    assert_eq!(link.verify(&order).await["idVerification"]["result"], "Ok", "only the first is refused");

    let order = link.order("b", "create-5xx-after");
    assert_eq!(link.post(&order).await.status(), 500);
    assert_eq!(link.world.sandbox.link_requests().len(), 2);
    assert_eq!(link.verify(&order).await["idVerification"]["result"], "Ok");

    let order = link.order("c", "refuse-repeat");
    link.verify(&order).await;
    let refused = link.post(&order).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "003");
}

#[tokio::test]
async fn a_slow_request_has_happened_although_the_caller_went_away() {
    let link = Link::of(World::with(None, |times| times.slow = Duration::from_secs(600)).await).await;
    let url = format!("{}/link/identity/verify", link.world.base);
    let order = link.order("a", "create-slow");
    let request = link.world.client.post(url).bearer_auth(&link.token).body(order.to_string());
    assert!(request.timeout(Duration::from_millis(300)).send().await.unwrap_err().is_timeout());
    assert_eq!(link.verify(&order).await["idVerification"]["result"], "Ok");
    assert_eq!(link.view().repeats, 1);
}

#[tokio::test]
async fn a_used_token_can_be_refused_once() {
    let link = Link::new().await;
    let order = link.certified(link.order("a", "token-expires"));
    link.verify(&order).await;
    link.world.play_out().await;
    assert_eq!(link.certificate("a").await.status(), 401, "it was used to verify");
    assert_eq!(link.certificate("a").await.status(), 200);
    let fresh = token(&link.world).await;
    assert_eq!(certificate(&link.world, &fresh, "a").await.status(), 200, "a new one was not used yet");
    assert_eq!(certificate(&link.world, &fresh, "a").await.status(), 401);

    let fresh = token(&link.world).await;
    assert_eq!(verify(&link.world, &fresh, &link.order("b", "ok")).await.status(), 200);
    assert_eq!(verify(&link.world, &fresh, &link.order("c", "ok")).await.status(), 200, "not without the word");
    assert_eq!(verify(&link.world, &fresh, &link.order("d", "token-expires")).await.status(), 401);
    assert_eq!(link.world.sandbox.link_requests().len(), 3);
}

#[tokio::test]
async fn every_kind_of_chance_fault_shows_as_it_should() {
    let link = Link::new().await;
    link.verify(&link.certified(link.order("a", ""))).await;
    link.world.play_out().await;
    let world = &link.world;
    let only = |kind| world.sandbox.set_faults(Faults { rate: 1.0, kinds: vec![kind] });
    let order = link.order("b", "");

    only(FaultKind::ServerError);
    assert!(ask_token(world, "bank", "secret").await.status().is_server_error());
    assert!(link.post(&order).await.status().is_server_error());
    assert!(link.certificate("a").await.status().is_server_error());
    let ping = world.client.get(format!("{}/link/ping", world.base)).send().await.unwrap();
    assert!(ping.status().is_server_error());
    only(FaultKind::RateLimited);
    let limited = link.post(&order).await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    only(FaultKind::NotJson);
    for page in [ask_token(world, "bank", "secret").await, link.post(&order).await, link.certificate("a").await] {
        assert_eq!(page.status(), 200);
        assert!(page.text().await.unwrap().contains("<html>"));
    }
    assert_eq!(world.sandbox.link_requests().len(), 1, "none of these created anything");

    only(FaultKind::ErrorAfterEffect);
    assert_eq!(link.post(&order).await.status(), 500);
    assert_eq!(world.sandbox.link_requests().len(), 2);
    assert_eq!(link.certificate("a").await.status(), 200, "this kind fits only a creation");
    only(FaultKind::Hang);
    assert_eq!(link.post(&link.order("c", "")).await.status(), 200);
    assert_eq!(link.certificate("a").await.status(), 200);
    only(FaultKind::HtmlPicture);
    assert_eq!(link.certificate("a").await.status(), 200, "a certificate is not a picture");
}

#[tokio::test]
async fn requests_plans_tokens_and_counts_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("cotejo-sandbox-{}-link", std::process::id()));
    let file = folder.join("state.json");
    let before = Link::of(World::with(Some(file.clone()), |_| {}).await).await;
    let order = before.certified(before.with_face("a", "face-fail,certificate-late:2"));
    let answer = before.verify(&order).await;
    before.post(&before.order("b", "create-5xx")).await;
    before.world.pass(SignedDuration::from_secs(20)).await;
    assert_eq!(before.certificate("a").await.status(), 404);
    before.verify(&before.by_hand(before.order("c", "not-match"))).await;

    let after = Link::of(World::with(Some(file.clone()), |_| {}).await).await;
    *after.world.clock.lock().unwrap() = *before.world.clock.lock().unwrap();
    let after = Link { token: before.token.clone(), ..after };
    assert_eq!(after.verify(&order).await, answer, "the token is still good");
    assert_eq!(after.certificate("a").await.status(), 404, "one of two was used up");
    assert_eq!(after.certificate("a").await.status(), 200);
    assert_eq!(after.verify(&after.order("b", "create-5xx")).await["idVerification"]["result"], "Ok");
    assert_eq!(after.world.sandbox.next_due(), Some("2026-11-02T10:05:20Z".parse().unwrap()));
    after.world.play_out().await;
    let ids: Vec<_> = after.world.sandbox.link_requests().into_iter().map(|view| view.id).collect();
    assert_eq!(ids, ["a", "c", "b"]);
    std::fs::remove_dir_all(folder).unwrap();
}
