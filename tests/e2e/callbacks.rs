//! Callbacks: late, twice, out of order, early, forged, about somebody else.

use cotejo::providers::{Purpose, callback_token};
use cotejo_tests::{World, link_order, order};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

async fn post(world: &World, path: &str, body: &str) -> cotejo_tests::Answer {
    world.customer.send(Method::POST, path, &[], Some(body.to_owned())).await
}

fn webhook_path(world: &World) -> String {
    world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned()
}

#[tokio::test]
async fn a_callback_may_come_three_times_or_in_the_wrong_order() {
    let world = World::new().await;
    for (script, end) in [("approved,duplicate-callback", "approved"), ("blocked-validated,out-of-order", "approved")] {
        let process = world.run(script).await;
        assert_eq!(process["status"], end, "{script}");
        world.check_pictures(&process).await;
        let changes = process["timeline"].as_array().unwrap().iter().filter(|e| e["event"] == "amended").count();
        assert_eq!(changes, 0, "{script}");
    }
}

#[tokio::test]
async fn a_callback_may_come_before_the_create_answer() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved,callback-before-answer")).await;
    assert_eq!(created.status, 201);
    let process = world.finish(&created.id(), 1).await;
    assert_eq!(process["status"], "approved");
    assert_eq!(world.check_pictures(&process).await, 3);
}

#[tokio::test]
async fn a_callback_that_echoes_nothing_is_found_by_its_code() {
    let world = World::new().await;
    let process = world.run("approved,no-custom").await;
    assert_eq!(process["status"], "approved");
    assert_eq!(process["timeline"][3]["event"], "callback_received");
}

#[tokio::test]
async fn a_callback_decides_nothing_by_itself() {
    let world = World::new().await;
    let created = world.customer.create(&order("never")).await;
    let code = created.result()["provider_reference"].as_str().unwrap();
    let forged = json!({"code": code, "type": "veriface", "status": "APPROVED"}).to_string();
    assert_eq!(post(&world, &webhook_path(&world), &forged).await.status, 200);
    world.local.pump().await;
    let process = world.customer.process(&created.id()).await;
    assert_eq!(process["status"], "in_progress");
}

#[tokio::test]
async fn a_callback_about_another_s_process_is_answered_and_changes_nothing() {
    let world = World::new().await;
    let other = world.local.add_tenant("other").await.unwrap();
    let created = world.customer.create(&order("never")).await;
    let code = created.result()["provider_reference"].as_str().unwrap();
    // Another tenant's URL, our process, named both ways.
    let body = json!({"code": code, "status": "VALIDATED", "custom": {"cotejo_id": created.id()}}).to_string();
    let path = other.auco_webhook_url.strip_prefix(world.local.url()).unwrap().to_owned();
    let answer = post(&world, &path, &body).await;
    assert_eq!((answer.status, &answer.result()["kept"]), (200, &json!(false)));
    // Our own URL, our process, another code than the process's.
    let body = json!({"code": "SOMEBODYELSES000", "status": "VALIDATED", "custom": {"cotejo_id": created.id()}});
    let answer = post(&world, &webhook_path(&world), &body.to_string()).await;
    assert_eq!((answer.status, &answer.result()["kept"]), (200, &json!(false)));
    world.pass(SignedDuration::from_mins(30)).await;
    let process = world.customer.process(&created.id()).await;
    assert_eq!(process["status"], "in_progress");
}

#[tokio::test]
async fn a_callback_without_a_good_token_or_a_readable_body_is_refused() {
    let world = World::new().await;
    let good = webhook_path(&world);
    let body = json!({"code": "X", "status": "APPROVED"}).to_string();
    let tampered = format!("{}A", &good[..good.len() - 1]);
    for path in ["/callbacks/auco/x", &tampered, &good.replace("/auco/", "/link/"), &good.replace("/auco/", "/nobody/")]
    {
        let answer = post(&world, path, &body).await;
        assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"), "{path}");
    }
    for body in ["", "<html>", "[]", "{}", r#"{"code":"X"}"#, r#"{"code":"X","status":"Juan Perez is fine"}"#] {
        let answer = post(&world, &good, body).await;
        assert_eq!((answer.status, answer.error_code()), (400, "unreadable_request"), "{body}");
    }
}

#[tokio::test]
async fn a_token_of_one_provider_opens_nothing_at_another_s_path() {
    let world = World::new().await;
    let providers = ["auco", "tecalis"];
    // Bodies that each would take at its own path.
    let bodies = [json!({"code": "X", "status": "APPROVED"}), json!({"auth": "019cbdb7-58b4-712f-886f-341bc0e39c51"})];
    for (provider, body) in providers.into_iter().zip(&bodies) {
        let own = world.webhook_path(provider).await;
        assert_eq!(post(&world, &own, &body.to_string()).await.status, 200, "{provider}");
    }
    world.aws.take_calls();
    for (provider, other, body) in [("auco", "tecalis", &bodies[1]), ("tecalis", "auco", &bodies[0])] {
        let own = world.webhook_path(provider).await;
        let path = own.replace(&format!("/{provider}/"), &format!("/{other}/"));
        let answer = post(&world, &path, &body.to_string()).await;
        assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"), "{path}");
    }
    assert_eq!(world.aws.take_calls(), Vec::<String>::new(), "refused before anything is read");
    // Those that are made for one process, too.
    let order = link_order(world.local.sandbox(), "ok,no-callback", false, &json!({"manual": true}));
    let id = world.customer.create(&order).await.id();
    let secrets = world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
    world.aws.take_calls();
    let (tenant, process) = ("local".parse().unwrap(), Some(id.parse().unwrap()));
    for purpose in Purpose::ALL {
        let token = callback_token::mint(&secrets, "link", &tenant, process, purpose).unwrap();
        for other in providers {
            let answer = post(&world, &format!("/callbacks/{other}/{token}"), &bodies[0].to_string()).await;
            assert_eq!((answer.status, answer.error_code()), (401, "callback_refused"), "{other}");
        }
    }
    assert_eq!(world.aws.take_calls(), Vec::<String>::new(), "refused before anything is read");
}

#[tokio::test]
async fn a_full_inbox_still_wakes_the_process() {
    let world = World::new().await;
    let created = world.customer.create(&order("approved,no-callback")).await;
    let code = created.result()["provider_reference"].as_str().unwrap();
    world.clock.advance(SignedDuration::from_secs(31));
    world.local.sandbox().tick().await;
    for number in 0..20 {
        let body = json!({"code": code, "status": "BLOCKED", "message": number}).to_string();
        assert_eq!(post(&world, &webhook_path(&world), &body).await.result()["kept"], json!(true));
    }
    world.local.pump().await;
    let process = world.customer.process(&created.id()).await;
    assert_eq!(process["status"], "approved");
    let received = |e: &&Value| e["event"] == "callback_received";
    assert_eq!(process["timeline"].as_array().unwrap().iter().filter(received).count(), 16);
}
