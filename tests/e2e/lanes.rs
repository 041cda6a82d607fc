//! One must not be in another's way: an endpoint that fails or hangs, a channel that is broken, a video, cost their own time.

use std::{collections::BTreeSet, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;
use cotejo_tests::{Customer, Disturbance, Receiver, When, World, order, tecalis_order};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::people::juan;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A channel to `url` that is told of new processes and persons, and where its things are.
async fn channel(customer: &Customer, url: &str) -> String {
    let channel = json!({
        "name": "Back office", "type": "webhook", "active": true, "events": ["process_created", "person_register"],
        "config": {"url": url},
    });
    let created = customer.post("/notification-channels", &channel).await;
    assert_eq!(created.status, 201, "{created:?}");
    format!("/notification-channels/{}", created.id())
}

async fn deliveries(world: &World, channel: &str) -> Vec<Value> {
    let mut path = format!("{channel}/deliveries?per_page=50");
    let mut all = Vec::new();
    loop {
        let page = world.look(&path).await.result().clone();
        all.extend(page["data"].as_array().unwrap().clone());
        match page["next_page_url"].as_str() {
            Some(next) => {
                path = next.split_once("/notification").map(|(_, rest)| format!("/notification{rest}")).unwrap()
            }
            None => return all,
        }
    }
}

/// Changes the stored body of every item of a kind.
async fn rewrite(world: &World, kind: &str, change: impl Fn(&str) -> String) {
    let platform = world.local.platform("run-work").unwrap();
    for item in world.raw_items().await.into_iter().filter(|item| item["kind"] == kind) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let of = |name: &str| item[name].as_str().unwrap();
        let update = platform.aws.dynamodb.update_item().table_name(&platform.config.table);
        let update = update.key("pk", text(of("pk"))).key("sk", text(of("sk"))).update_expression("SET body = :body");
        let update = update.expression_attribute_values(":body", text(&change(of("body"))));
        world.aws.wire().aside(update.send()).await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_alone_and_nothing_is_lost() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let channel = channel(&world.customer, receiver.url()).await;
    let make = async |count: usize| {
        for _ in 0..count {
            world.customer.create(&order("never")).await;
        }
        world.local.pump().await;
    };
    receiver.answer(500);
    make(8).await;
    let called = receiver.received().len();
    assert!((5..=8).contains(&called), "{called}");
    make(20).await;
    assert_eq!(receiver.received().len(), called, "nobody calls");
    let shown = world.customer.get(&channel).await.result().clone();
    assert_eq!(
        (&shown["failing_since"], &shown["resting_until"]),
        (&json!("2026-11-02T09:00:00Z"), &json!("2026-11-02T09:00:30Z"))
    );
    let waiting = deliveries(&world, &channel).await;
    assert_eq!(waiting.len(), 28);
    let attempts = |delivery: &Value| delivery["attempts"].as_array().unwrap().len();
    assert_eq!(waiting.iter().map(attempts).sum::<usize>(), called, "what is put off is no attempt");
    assert!(waiting.iter().all(|delivery| delivery["state"] == "pending"));
    // All of them are due again, and one tries for all.
    world.pass(SECOND * 60).await;
    assert_eq!(receiver.received().len(), called + 1);
    receiver.answer(200);
    world.pass(SECOND * 61).await;
    assert!(!receiver.taken().is_empty());
    assert_eq!(world.customer.get(&channel).await.result()["resting_until"], Value::Null);
    world.pass(SignedDuration::from_mins(20)).await;
    world.pass(SignedDuration::from_mins(20)).await;
    let taken = receiver.taken();
    let ids: BTreeSet<_> = taken.iter().map(|taken| taken.id().to_owned()).collect();
    assert_eq!((taken.len(), ids.len()), (28, 28), "each arrives once");
}

#[tokio::test]
async fn a_channel_that_is_moved_begins_without_the_trouble_of_its_old_place() {
    let (world, dead, alive) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let channel = channel(&world.customer, dead.url()).await;
    dead.answer(500);
    for _ in 0..6 {
        world.customer.create(&order("never")).await;
    }
    world.local.pump().await;
    world.customer.put(&channel, &json!({"config": {"url": alive.url()}})).await;
    world.customer.create(&order("never")).await;
    world.local.pump().await;
    assert_eq!(alive.taken().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_waited_for_for_two_seconds_and_then_for_ten() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let channel = channel(&world.customer, receiver.url()).await;
    receiver.hang();
    world.customer.create(&order("never")).await;
    let hangs = async {
        receiver.hung(1).await;
        world.clock.advance(SECOND * 2);
    };
    tokio::join!(world.local.pump(), hangs);
    let attempts = deliveries(&world, &channel).await[0]["attempts"].clone();
    assert_eq!((attempts.as_array().unwrap().len(), &attempts[0]["error"]), (1, &json!("timeout")));
    // From then on it is called apart from the stream, where nobody waits behind it.
    world.clock.advance(SECOND * 40);
    let began = world.now();
    let hangs = async {
        receiver.hung(2).await;
        world.clock.advance(SECOND * 10);
    };
    tokio::join!(world.local.run_schedules(), hangs);
    let attempts = deliveries(&world, &channel).await[0]["attempts"].clone();
    assert_eq!((attempts.as_array().unwrap().len(), &attempts[1]["error"]), (2, &json!("timeout")));
    assert_eq!(attempts[1]["at"], json!(began));
}

#[tokio::test]
async fn an_attempt_whose_function_is_never_started_or_dies_is_made_again() {
    for disturbance in [
        Disturbance::Fail(When::Before),
        Disturbance::Fail(When::After),
        Disturbance::Crash(When::Before),
        Disturbance::Crash(When::After),
    ] {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let channel = channel(&world.customer, receiver.url()).await;
        receiver.answer(500);
        world.customer.create(&order("never")).await;
        world.local.pump().await;
        receiver.answer(200);
        world.aws.wire().plan("Lambda Invoke", None, 0, disturbance);
        world.clock.advance(SECOND * 40);
        tokio::select! {
            _ = world.local.run_schedules() => {}
            () = world.aws.crashed() => {}
        }
        for _ in 0..4 {
            world.pass(SECOND * 60).await;
        }
        assert!(world.aws.is_calm());
        assert_eq!(receiver.taken().len(), 1);
        assert_eq!(deliveries(&world, &channel).await[0]["state"], "delivered");
    }
}

#[tokio::test]
async fn a_secret_that_does_not_open_fails_its_own_deliveries_and_nothing_else() {
    let world = World::new().await;
    let (broken, sound) = (Receiver::start().await, Receiver::start().await);
    let broken_channel = channel(&world.customer, broken.url()).await;
    let sealed = world.raw_items().await.into_iter().find(|item| item["kind"] == "notification_channel").unwrap();
    let whole = sealed["body"].as_str().unwrap().to_owned();
    rewrite(&world, "notification_channel", |body| body.replace("\"sealed\":\"", "\"sealed\":\"gone")).await;
    channel(&world.customer, sound.url()).await;
    world.customer.create(&order("never")).await;
    let pumped = world.local.pump().await;
    assert_eq!((pumped.failed_records, sound.taken().len(), broken.received().len()), (0, 1, 0));
    let delivery = deliveries(&world, &broken_channel).await.remove(0);
    assert_eq!(
        (&delivery["state"], &delivery["attempts"][0]["error"]),
        (&json!("pending"), &json!("secret_unreadable"))
    );
    // Once it opens again, what waited goes out.
    let id = broken_channel.rsplit('/').next().unwrap().to_owned();
    rewrite(&world, "notification_channel", |body| if body.contains(&id) { whole.clone() } else { body.to_owned() })
        .await;
    world.pass(SECOND * 60).await;
    assert_eq!(broken.taken().len(), 1);
}

#[tokio::test]
async fn a_channel_that_cannot_be_read_fails_its_own_deliveries_and_nothing_else() {
    let world = World::new().await;
    let (broken, sound) = (Receiver::start().await, Receiver::start().await);
    let broken_channel = channel(&world.customer, broken.url()).await;
    broken.answer(500);
    world.customer.create(&order("never")).await;
    world.local.pump().await;
    broken.answer(200);
    rewrite(&world, "notification_channel", |_| "{\"half\": ".to_owned()).await;
    channel(&world.customer, sound.url()).await;
    world.customer.create(&order("never")).await;
    world.clock.advance(SECOND * 40);
    let pumped = world.local.run_schedules().await;
    assert_eq!((pumped.failed_records, sound.taken().len(), broken.taken().len()), (0, 1, 0));
    let id = broken_channel.rsplit('/').next().unwrap();
    let delivery = world
        .raw_items()
        .await
        .into_iter()
        .find(|item| item["kind"] == "delivery" && item["body"].as_str().unwrap().contains(id));
    assert!(delivery.unwrap()["body"].as_str().unwrap().contains("channel_unreadable"));
}

#[tokio::test]
async fn an_account_that_cannot_be_looked_up_puts_its_processes_off_and_fails_no_record() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved,no-callback")).await.id();
    world.local.pump().await;
    world.clock.advance(SECOND * 31);
    // A function that starts anew reads the account for the first time.
    world.local.add_tenant("other").await.unwrap();
    world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    world.aws.fail("GetSecretValue", When::Before);
    let pumped = world.local.pump().await;
    assert_eq!(pumped.failed_records, 0, "{pumped:?}");
    let process = world.customer.process(&id).await;
    assert!(process["timeline"].to_string().contains("account_unavailable"), "{process}");
    let process = world.finish(&id, 1).await;
    assert_eq!(process["status"], "approved");
}

#[tokio::test]
async fn an_address_of_its_own_is_left_alone_like_a_channel() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    receiver.answer(500);
    let tell = async |numbers: std::ops::Range<usize>| {
        for number in numbers {
            let given = json!({"name": "John", "callback_url": format!("{}/{number}", receiver.url())});
            let temporary = world.customer.post("/temporary-people", &given).await.id();
            let mut person = juan();
            person["national_id"] = json!(format!("P{number}"));
            person["ignore_curp_validation"] = json!(true);
            let convert = format!("/temporary-people/{temporary}/person");
            let made = world.customer.post(&convert, &json!({"person_data": person})).await;
            assert_eq!(made.status, 201, "{made:?}");
        }
        world.local.pump().await;
    };
    tell(0..8).await;
    let called = receiver.received().len();
    assert!((5..=8).contains(&called), "{called}");
    tell(8..20).await;
    assert_eq!(receiver.received().len(), called, "nobody calls");
    world.pass(SECOND * 60).await;
    assert_eq!(receiver.received().len(), called + 1, "one tries for all");
    receiver.answer(200);
    for _ in 0..4 {
        world.pass(SignedDuration::from_mins(20)).await;
    }
    let taken: BTreeSet<_> = receiver.taken().iter().map(|taken| taken.id().to_owned()).collect();
    assert_eq!((receiver.taken().len(), taken.len()), (20, 20), "each arrives once");
}

/// What is in the way: an endpoint that hangs, a channel whose secret does not open, and videos that take for ever.
struct Trouble {
    hanging: Receiver,
    /// Lets the videos go on.
    videos: watch::Sender<bool>,
    /// Processes whose videos are copied.
    filmed: Vec<String>,
}

/// Events of the tenant `local` before the endpoint is left alone.
const HANGING: usize = 6;
const VIDEOS: usize = 10;

impl Trouble {
    async fn prepare(world: &World) -> Self {
        let broken = Receiver::start().await;
        channel(&world.customer, broken.url()).await;
        let is_broken = |body: &str| body.contains(broken.url());
        let break_it = |body: &str| body.replace("\"sealed\":\"", "\"sealed\":\"gone");
        rewrite(world, "notification_channel", |body| if is_broken(body) { break_it(body) } else { body.to_owned() })
            .await;
        let hanging = Receiver::start().await;
        channel(&world.customer, hanging.url()).await;
        let mut filmed = Vec::new();
        for _ in 0..VIDEOS {
            let authorization = world.local.sandbox().tecalis_authorize("approved,video:9").unwrap();
            filmed.push(world.customer.create(&tecalis_order(&authorization)).await.id());
        }
        // They were told of before the endpoint began to hang.
        world.local.pump().await;
        hanging.hang();
        let videos = watch::Sender::new(false);
        for _ in 0..VIDEOS {
            let mut go_on = videos.subscribe();
            // A video begins with this call.
            let wait = Disturbance::Interleave(Box::new(move || {
                Box::pin(async move { drop(go_on.wait_for(|go_on| *go_on).await) })
            }));
            world.aws.wire().plan("S3 POST", None, 0, wait);
        }
        Self { hanging, videos, filmed }
    }
}

/// Lets the system go on beside the test, with the clock's own work where that is said. It does not end while something hangs.
fn go_on(world: &Arc<World>, with_schedules: bool) {
    let world = Arc::clone(world);
    tokio::spawn(async move {
        match with_schedules {
            true => world.local.run_schedules().await,
            false => world.local.pump().await,
        }
    });
}

/// Looks at processes until all of them are as `is_wanted` says.
async fn see(customer: &Customer, ids: &[String], is_wanted: impl Fn(&Value) -> bool) {
    for id in ids {
        while !is_wanted(&customer.process(id).await) {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Plays what the others do, and says how long after they could be known things came: the events of three rounds, and the results of all
/// verifications. With trouble, that of the tenant `local` is in the way all the time.
async fn others(with_trouble: bool) -> Vec<SignedDuration> {
    let world = Arc::new(World::new().await);
    let other = world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(world.local.url(), &other.api_key);
    for tenant in ["local", "other"] {
        // A test that looks again and again is no reason to be refused.
        world.admin(&["tenant", "set", tenant, "--per-minute", "1000000"], "").await.unwrap();
    }
    let told = Receiver::start().await;
    channel(&other, told.url()).await;
    let trouble = if with_trouble { Some(Trouble::prepare(&world).await) } else { None };
    let (mut late, mut ids) = (Vec::new(), Vec::new());
    // The first round opens the breaker, the second meets it open, the third meets the trial, and the videos.
    for round in 0..3 {
        if round == 2 {
            world.clock.advance(SECOND * 150);
            if let Some(trouble) = &trouble {
                go_on(&world, true);
                see(&world.customer, &trouble.filmed, |process| process["evidence_state"] == "pending").await;
                trouble.hanging.hung(HANGING + 1).await;
            }
        }
        for _ in 0..if with_trouble { HANGING } else { 0 } {
            world.customer.create(&order("never")).await;
        }
        for _ in 0..4 {
            ids.push(other.create(&order("approved,no-callback")).await.id());
        }
        let began = world.now();
        go_on(&world, round > 0);
        if let Some(trouble) = &trouble
            && round == 0
        {
            // All of them are waited for at the same time.
            trouble.hanging.hung(HANGING).await;
            world.clock.advance(SECOND * 2);
        }
        told.has_taken(4 * (round + 1)).await;
        late.push(world.now().duration_since(began));
    }
    world.clock.advance(SECOND * 40);
    let began = world.now();
    for id in &ids {
        other.get(&format!("/processes/{id}?refresh=true")).await;
    }
    go_on(&world, true);
    see(&other, &ids, |process| process["status"] == "approved" && process["evidence_state"] == "complete").await;
    late.push(world.now().duration_since(began));
    if let Some(trouble) = trouble {
        assert_eq!(trouble.hanging.taken().len(), VIDEOS, "what was told before it hung, and nothing since");
        for id in &trouble.filmed {
            assert_eq!(world.customer.process(id).await["evidence_state"], "pending", "the videos are still copied");
        }
        // In the end they are whole, and everybody is told.
        trouble.videos.send_replace(true);
        trouble.hanging.answer(200);
        for id in &trouble.filmed {
            assert_eq!(world.finish(id, 24).await["evidence_state"], "complete");
        }
        world.pass_slowly(SignedDuration::from_hours(8)).await;
        let told: BTreeSet<_> = trouble.hanging.taken().iter().map(|taken| taken.id().to_owned()).collect();
        assert_eq!(told.len(), VIDEOS + 3 * HANGING);
    }
    late
}

#[tokio::test]
async fn what_hangs_breaks_or_takes_long_makes_others_two_seconds_late_at_most() {
    let (alone, beside) = (others(false).await, others(true).await);
    let more: Vec<_> = alone.iter().zip(&beside).map(|(alone, beside)| *beside - *alone).collect();
    assert!(more.iter().all(|more| *more <= SECOND * 2), "alone {alone:?}, beside it {beside:?}");
}
