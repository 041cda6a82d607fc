//! Faults of create and query, by script and by chance.

use super::*;

#[tokio::test]
async fn the_words_for_create_do_what_they_say() {
    let world = World::new().await;
    for _ in 0..2 {
        assert_eq!(world.post("prk_1", World::order("create-5xx").to_string()).await.status(), 503);
    }
    assert_eq!(world.sandbox.auco_processes().len(), 0);
    assert_eq!(world.post("prk_1", World::order("create-5xx-after").to_string()).await.status(), 503);
    assert_eq!(world.sandbox.auco_processes().len(), 1);
    world.pass(MINUTE).await;
    assert_eq!(world.receiver.statuses(), ["APPROVED"]);
}

#[tokio::test]
async fn a_slow_create_has_happened_although_the_caller_went_away() {
    let world = World::with(None, |times| times.slow = Duration::from_secs(600)).await;
    let url = format!("{}/auco/v1.5/ext/veriface", world.base);
    let request = world.client.post(url).header("authorization", "prk_1").body(World::order("create-slow").to_string());
    let gave_up = request.timeout(Duration::from_millis(300)).send().await.unwrap_err();
    assert!(gave_up.is_timeout());
    assert_eq!(world.sandbox.auco_processes().len(), 1);
}

#[tokio::test]
async fn the_first_queries_can_fail() {
    let world = World::new().await;
    let code = world.create("query-5xx:2").await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(world.get("puk_1", &code).await.status().as_u16());
    }
    assert_eq!(answers, [503, 503, 200]);
}

#[tokio::test]
async fn every_kind_of_chance_fault_shows_as_it_should() {
    let world = World::new().await;
    let code = world.create("").await;
    world.pass(MINUTE).await;
    let link = world.photo(&code).await;
    let only = |kind| world.sandbox.set_faults(Faults { rate: 1.0, kinds: vec![kind] });

    only(FaultKind::ServerError);
    assert!(world.get("puk_1", &code).await.status().is_server_error());
    assert!(world.post("prk_1", World::order("").to_string()).await.status().is_server_error());
    assert_eq!(world.download(&link).await.status(), 503);
    only(FaultKind::RateLimited);
    let limited = world.get("puk_1", &code).await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    only(FaultKind::NotJson);
    let page = world.post("prk_1", World::order("").to_string()).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("<html>"));
    assert_eq!(world.sandbox.auco_processes().len(), 1, "none of these created anything");

    only(FaultKind::ErrorAfterEffect);
    assert_eq!(world.post("prk_1", World::order("").to_string()).await.status(), 503);
    assert_eq!(world.get("puk_1", &code).await.status(), 200, "this kind does not fit a query");
    only(FaultKind::Hang);
    assert_eq!(world.post("prk_1", World::order("").to_string()).await.status(), 200);
    assert_eq!(world.sandbox.auco_processes().len(), 3);
    only(FaultKind::LinkExpired);
    assert_eq!(world.download(&link).await.status(), 403);
    only(FaultKind::CutOffPicture);
    assert!(world.download(&link).await.bytes().await.is_err());
    only(FaultKind::WrongContentType);
    assert_eq!(world.download(&link).await.headers()["content-type"], "text/html");
    only(FaultKind::HtmlPicture);
    assert!(world.download(&link).await.text().await.unwrap().contains("<html>"));
}

#[tokio::test]
async fn the_rate_is_a_share_and_people_can_set_it() {
    let world = World::new().await;
    let code = world.create("").await;
    let url = format!("{}/_sandbox/faults", world.base);
    let set = |body: &'static str| world.client.post(&url).body(body).send();
    assert_eq!(set(r#"{"rate":0.5,"kinds":["ServerError"]}"#).await.unwrap().status(), 200);
    assert_eq!(set(r#"{"rate":0.5,"kinds":["Nonsense"]}"#).await.unwrap().status(), 400);
    let mut failed = 0;
    for _ in 0..60 {
        failed += usize::from(!world.get("puk_1", &code).await.status().is_success());
    }
    assert!((15..=45).contains(&failed), "{failed} of 60");
}
