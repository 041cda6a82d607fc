//! What operators do when something is wrong at night: see what it is, leave a provider alone, wake what waited.

use cotejo_tests::{Receiver, World, link_order, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// What `cargo admin` says as JSON.
async fn admin(world: &World, words: &[&str]) -> Value {
    world.admin(words, "").await.unwrap_or_else(|error| panic!("{words:?}: {error}")).value().clone()
}

/// Longer than anything that is known of a tenant serves.
const KNOWN_EVERYWHERE: SignedDuration = SignedDuration::from_secs(121);

#[tokio::test]
async fn nothing_is_created_at_a_paused_provider_until_it_is_resumed() {
    let world = World::new().await;
    let before = world.customer.create_once("k-1", &order("approved")).await;
    let paused = admin(&world, &["provider", "pause", "local", "auco"]).await;
    assert_eq!(paused["paused_since"], "2026-11-02T09:00:00Z");
    world.clock.advance(KNOWN_EVERYWHERE);

    world.aws.take_calls();
    let refused = world.customer.create_once("k-2", &order("approved")).await;
    assert_eq!((refused.status, refused.error_code()), (503, "provider_paused"));
    assert_eq!(refused.headers["retry-after"], "60");
    let writes = world.aws.take_calls().into_iter().filter(|call| call.contains("Put") || call.contains("Transact"));
    assert_eq!(writes.count(), 0, "nothing is stored");
    let unusable = world.customer.create(&json!({"provider": "auco"})).await;
    assert_eq!(unusable.status, 422, "what is wrong is said all the same");
    let again = world.customer.create_once("k-1", &order("approved")).await;
    assert_eq!((again.status, again.id()), (201, before.id()), "what was created before is answered as ever");
    let link = link_order(world.local.sandbox(), "ok", false, &json!({}));
    assert_eq!(world.customer.create(&link).await.status, 201, "another provider is not concerned");

    // The end of a pause counts at once.
    admin(&world, &["provider", "resume", "local", "auco"]).await;
    assert_eq!(world.customer.create_once("k-2", &order("approved")).await.status, 201);
}

#[tokio::test]
async fn a_paused_provider_is_asked_nothing_and_its_callbacks_wait() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved")).await.id();
    world.local.pump().await;
    admin(&world, &["provider", "pause", "local", "auco"]).await;
    world.pass(KNOWN_EVERYWHERE).await;
    let asked = world.local.sandbox().calls().queries;
    for _ in 0..6 {
        world.pass(SignedDuration::from_mins(10)).await;
        world.customer.get(&format!("/processes/{id}?refresh=true")).await;
        world.local.pump().await;
    }
    assert_eq!(world.local.sandbox().calls().queries, asked, "the provider is left alone");
    let waiting = world.customer.process(&id).await;
    assert_eq!(waiting["status"], "in_progress", "nothing is decided by a hint");
    let events: Vec<_> = waiting["timeline"].as_array().unwrap().iter().map(|entry| entry["detail"].clone()).collect();
    assert_eq!(events.iter().filter(|detail| **detail == "provider_paused").count(), 1, "{events:?}");
    let shown = admin(&world, &["process", "show", "local", &id]).await;
    assert_eq!(shown["record"]["callbacks_to_apply"], 1, "what came is kept");

    // The end of a pause counts at once.
    admin(&world, &["provider", "resume", "local", "auco"]).await;
    let woken = admin(&world, &["process", "wake", "--provider", "auco", "--since", "2026-11-02T00:00:00Z"]).await;
    assert_eq!(woken["tenants"], json!([{"tenant": "local", "woken": 1, "paused": false}]));
    world.local.pump().await;
    assert_eq!(world.customer.process(&id).await["status"], "approved", "without waiting for the schedule");
}

#[tokio::test]
async fn a_pause_ends_no_process() {
    let world = World::new().await;
    let unconfirmed = world.customer.create(&order("create-5xx")).await;
    assert_eq!(unconfirmed.status, 202, "{unconfirmed:?}");
    admin(&world, &["provider", "pause", "local", "auco"]).await;
    world.clock.advance(KNOWN_EVERYWHERE);
    for _ in 0..8 {
        world.pass(SignedDuration::from_mins(30)).await;
    }
    let paused = world.customer.process(&unconfirmed.id()).await;
    assert_eq!(paused["status"], "submitting", "nobody asked whether the provider has it: {paused}");

    admin(&world, &["provider", "resume", "local", "auco"]).await;
    let ended = world.finish(&unconfirmed.id(), 60).await;
    assert_ne!(ended["status"], "submitting", "{ended}");
}

#[tokio::test]
async fn a_callback_that_is_the_answer_itself_counts_while_its_provider_is_paused() {
    let world = World::new().await;
    let manual = link_order(world.local.sandbox(), "ok", true, &json!({"manual": true}));
    let id = world.customer.create(&manual).await.id();
    world.local.pump().await;
    admin(&world, &["provider", "pause", "local", "link"]).await;
    world.pass(KNOWN_EVERYWHERE).await;
    for _ in 0..4 {
        world.pass(SignedDuration::from_mins(5)).await;
    }
    assert_eq!(world.customer.process(&id).await["status"], "approved");
}

#[tokio::test]
async fn only_a_known_provider_of_a_known_tenant_is_paused() {
    let world = World::new().await;
    for (words, problem) in [
        (["provider", "pause", "local", "nobody"], "nobody is not a supported provider"),
        (["provider", "pause", "nobody", "auco"], "there is no tenant nobody"),
    ] {
        assert_eq!(world.admin(&words, "").await.err().unwrap().to_string(), problem);
    }
    admin(&world, &["provider", "pause", "local", "auco"]).await;
    world.clock.advance(SignedDuration::from_mins(1));
    let again = admin(&world, &["provider", "pause", "local", "auco"]).await;
    assert_eq!(again["paused_since"], "2026-11-02T09:00:00Z", "a pause goes on as it began");
    let listed = world.admin(&["tenant", "list"], "").await.unwrap().text();
    assert!(listed.contains("  auco paused  "), "{listed}");
    admin(&world, &["tenant", "set", "local", "--per-minute", "7"]).await;
    assert!(world.tenant("local").await.paused.contains_key("auco"), "another change leaves it as it is");
}

#[tokio::test]
async fn waking_is_bounded_and_goes_on_where_it_ended() {
    let world = World::new().await;
    world.local.add_tenant("other").await.unwrap();
    for tenant in ["local", "other"] {
        let customer = world.holder(tenant, "waker", &cotejo::common::Scope::ALL).await;
        for _ in 0..3 {
            assert_eq!(customer.create(&order("never")).await.status, 201);
        }
    }
    world.local.pump().await;
    world.clock.advance(SignedDuration::from_secs(10));
    let early = world.customer.create(&order("never")).await;
    assert_eq!(early.status, 201);
    world.local.pump().await;
    world.catch_up();
    let wake = async |more: &[&str], since: &str| {
        let words = [&["process", "wake", "--provider", "auco", "--since", since][..], more].concat();
        let woken = admin(&world, &words).await;
        let count: u64 = woken["tenants"].as_array().unwrap().iter().map(|each| each["woken"].as_u64().unwrap()).sum();
        (count, woken["from"].as_str().map(str::to_owned))
    };
    let day = "2026-11-02T00:00:00Z";
    let (mut all, mut runs, mut from) = (0, 0, None::<String>);
    loop {
        let mut more = vec!["--limit", "2"];
        more.extend(from.as_ref().map(|_| "--from"));
        more.extend(from.as_deref());
        let (count, next) = wake(&more, day).await;
        assert!(count <= 2);
        (all, runs, from) = (all + count, runs + 1, next);
        if from.is_none() {
            break;
        }
        assert!(runs < 10);
    }
    assert_eq!((all, runs), (7, 4));
    assert_eq!(wake(&["--tenant", "other"], day).await, (3, None));
    assert_eq!(wake(&[], "2026-11-02T09:00:05Z").await, (1, None), "only what was created since");
    admin(&world, &["provider", "pause", "other", "auco"]).await;
    assert_eq!(wake(&[], day).await, (4, None), "what is paused is not woken");
    for words in [&["--from", "x"][..], &["--from", "local:x"], &["--from", "L:"]] {
        let words = [&["process", "wake", "--provider", "auco", "--since", day][..], words].concat();
        let problem = world.admin(&words, "").await.err().unwrap().to_string();
        assert_eq!(problem, "--from must be a value that an earlier run printed");
    }
}

#[tokio::test]
async fn those_that_have_ended_are_woken_where_that_is_asked_for() {
    let world = World::new().await;
    world.run("approved").await;
    world.catch_up();
    let words = ["process", "wake", "--provider", "auco", "--since", "2026-11-02T00:00:00Z"];
    assert_eq!(admin(&world, &words).await["tenants"], json!([]));
    let woken = admin(&world, &[&words[..], &["--with-ended"]].concat()).await;
    assert_eq!(woken["tenants"][0]["woken"], 1);
}

#[tokio::test]
async fn the_status_says_what_is_wrong() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let quiet = admin(&world, &["status"]).await;
    assert_eq!((&quiet["overdue"], &quiet["channels"]), (&json!([]), &json!([])));
    assert_eq!(quiet["dead_letters"], json!({"count": 0, "since": null}));
    let said = world.admin(&["status"], "").await.unwrap().text();
    assert_eq!(
        said,
        "overdue   nothing\nstream    run-work  never late\nstream    deliver-notifications  never late\n\
         dead      no stream record has failed\nchannels  none is failing\nprovider  nothing was created in the last hour\n"
    );

    receiver.answer(500);
    let channel = json!({
        "name": "Back office", "type": "webhook", "active": true, "events": ["process_created"],
        "config": {"url": receiver.url()},
    });
    let channel = world.customer.post("/notification-channels", &channel).await.id();
    for script in ["never", "never", "never", "never", "never", "create-5xx"] {
        let status = world.customer.create(&order(script)).await.status;
        assert!(matches!(status, 201 | 202), "{status}");
    }
    // Nobody reads the stream for ten minutes, nor does the schedule run.
    world.clock.advance(SignedDuration::from_mins(10));
    let behind = admin(&world, &["status"]).await;
    assert_eq!(behind["overdue"][0]["kind"], "process");
    assert_eq!(behind["overdue"][0]["count"], 6, "{behind:#}");
    world.local.pump().await;

    let now = admin(&world, &["status"]).await;
    assert_eq!(now["stream"][1]["late_by_seconds"], 600, "{now:#}");
    let failing = &now["channels"][0];
    assert_eq!((&failing["tenant"], &failing["channel"]), (&json!("local"), &json!(channel)));
    assert!(failing["breaker_open_until"].is_string(), "{failing}");
    let auco = &now["providers"]["local"]["auco"];
    assert_eq!((&auco["created"], &auco["ended"], &auco["unconfirmed"]), (&json!(6), &json!(0), &json!(1)));
    assert_eq!(auco["trouble"], json!({"unavailable": 1}));
    admin(&world, &["provider", "pause", "local", "auco"]).await;
    let said = world.admin(&["status"], "").await.unwrap().text();
    let line = "provider  local  auco  last hour: 6 created, 0 ended, 1 unconfirmed, 1 unavailable, paused for 0 s\n";
    assert!(said.contains(line), "{said}");
    for canary in ["Juan", "1001001010", "573003003030", "juan.perez"] {
        assert!(!said.contains(canary) && !now.to_string().contains(canary), "{canary}");
    }
    world.clock.advance(SignedDuration::from_hours(2));
    let later = admin(&world, &["status"]).await;
    assert!(later["providers"]["local"]["auco"]["created"] == 0, "only the last hour counts: {later:#}");
}
