//! Telling the customer's systems: what arrives, how often, and what happens when nobody answers.

use std::collections::{BTreeMap, HashMap};

use cotejo::platform::{Clock as _, SystemClock};
use cotejo_tests::{Customer, Received, Receiver, When, World, order};
use jiff::SignedDuration;
use serde_json::{Value, json};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Every event of a process.
const EVENTS: [&str; 5] =
    ["process_created", "process_approved", "process_evidence_settled", "process_rejected", "process_redacted"];

fn webhook(url: &str) -> Value {
    json!({"name": "Back office", "type": "webhook", "active": true, "events": EVENTS, "config": {"url": url}})
}

/// A world with a receiver and a channel to it, as its creation showed it.
struct Told {
    world: World,
    receiver: Receiver,
    channel: Value,
}

impl Told {
    async fn new() -> Self {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let created = world.customer.post("/notification-channels", &webhook(receiver.url())).await;
        assert_eq!(created.status, 201, "{created:?}");
        Self { world, receiver, channel: created.result().clone() }
    }

    fn path(&self) -> String {
        format!("/notification-channels/{}", self.channel["id"].as_str().unwrap())
    }

    fn secret(&self) -> &str {
        self.channel["config"]["secret"].as_str().unwrap()
    }

    async fn deliveries(&self) -> Vec<Value> {
        let log = self.world.look(&format!("{}/deliveries", self.path())).await;
        log.result()["data"].as_array().unwrap().clone()
    }

    async fn now(&self) -> Value {
        self.world.customer.get(&self.path()).await.result().clone()
    }
}

async fn is_kept(world: &World, text: &str) -> bool {
    world.items().await.iter().any(|item| item.tells(text))
}

/// Whether an implementation that is not ours signs it alike. (Its own reader compares with the real time.)
fn verify(received: &Received, secret: &str) -> bool {
    let at = received.header("webhook-timestamp").parse().unwrap();
    let signed = standardwebhooks::Webhook::new(secret).unwrap().sign(received.id(), at, &received.body).unwrap();
    received.header("webhook-signature").split(' ').any(|entry| entry == signed)
}

#[tokio::test]
async fn an_independent_reader_takes_our_webhooks_and_refuses_changed_ones() {
    let (world, receiver) = (World::at(SystemClock.now(), None, HashMap::new()).await, Receiver::start().await);
    let channel = world.customer.post("/notification-channels", &webhook(receiver.url())).await;
    world.customer.create(&order("never")).await;
    world.local.pump().await;
    let received = receiver.received()[0].clone();
    let reader = standardwebhooks::Webhook::new(channel.result()["config"]["secret"].as_str().unwrap()).unwrap();
    assert!(reader.verify(&received.body, &received.headers).is_ok());
    assert!(reader.verify(b"{}", &received.headers).is_err());
    for name in ["webhook-id", "webhook-timestamp"] {
        let mut headers = received.headers.clone();
        headers.insert(name, "1".parse().unwrap());
        assert!(reader.verify(&received.body, &headers).is_err(), "{name}");
    }
}

#[tokio::test]
async fn every_event_arrives_once_and_signed() {
    let told = Told::new().await;
    let process = told.world.run("approved").await;
    let received = told.receiver.received();
    let mut events: Vec<_> = received.iter().map(Received::event).collect();
    events.sort();
    assert_eq!(events, ["process_approved", "process_created", "process_evidence_settled"]);
    for each in &received {
        assert!(verify(each, told.secret()));
        assert_eq!(each.header("content-type"), "application/json");
        assert_eq!(each.json()["resource_id"], process["id"]);
        assert_eq!(each.json()["resource_name"], "process");
    }
    let approved = received.iter().find(|each| each.event() == "process_approved").unwrap();
    insta::assert_json_snapshot!("the body of a webhook", approved.json());
    let deliveries = told.deliveries().await;
    assert_eq!(deliveries.len(), 3);
    for delivery in &deliveries {
        assert_eq!((&delivery["state"], delivery["attempts"].as_array().unwrap().len()), (&json!("delivered"), 1));
    }
    told.world.pass(HOUR * 200).await;
    assert_eq!(told.receiver.received().len(), 3, "nothing is told twice");
}

#[tokio::test]
async fn nothing_about_the_person_is_in_a_webhook() {
    let told = Told::new().await;
    told.world.run("approved").await;
    for received in told.receiver.received() {
        let body = String::from_utf8(received.body.to_vec()).unwrap();
        for personal in ["Juan", "Pérez", "1001001010", "3003003030", "prueba@example.com"] {
            assert!(!body.contains(personal), "{personal}: {body}");
        }
    }
}

#[tokio::test]
async fn a_receiver_that_was_down_for_a_day_gets_every_event_once_afterwards() {
    let told = Told::new().await;
    told.receiver.answer(503);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(told.world.customer.create(&order("approved")).await.id());
        told.world.pass(HOUR * 5).await;
    }
    assert_eq!(told.receiver.taken().len(), 0);
    told.receiver.answer(200);
    told.world.pass_slowly(HOUR * 72).await;
    let taken = told.receiver.taken();
    let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for received in &taken {
        assert!(verify(received, told.secret()));
        by_id.entry(received.id().to_owned()).or_default().push(received);
    }
    assert_eq!(by_id.len(), 15, "three events of each of five processes");
    assert!(by_id.values().all(|received| received.len() == 1));
    for id in ids {
        let mut events: Vec<_> =
            taken.iter().filter(|each| each.json()["resource_id"] == json!(id)).map(Received::event).collect();
        events.sort();
        assert_eq!(events, ["process_approved", "process_created", "process_evidence_settled"]);
    }
    // What was refused and what was taken is the same message under the same id.
    for refused in told.receiver.received().iter().filter(|each| each.status == 503) {
        assert_eq!(by_id[refused.id()][0].body, refused.body);
    }
    assert_eq!(told.now().await["failing_since"], Value::Null);
}

#[tokio::test]
async fn whatever_stops_half_way_is_told_again_under_the_same_id() {
    let faults = [
        ("Query", When::Before),
        ("PutItem", When::Before),
        ("PutItem", When::After),
        ("UpdateItem", When::Before),
        ("UpdateItem", When::After),
        ("GetItem", When::Before),
    ];
    for (operation, when) in faults {
        let told = Told::new().await;
        told.world.customer.create(&order("never")).await;
        told.world.aws.crash(operation, when);
        tokio::select! {
            _ = told.world.local.pump() => panic!("it ended before the crash"),
            () = told.world.aws.crashed() => {}
        }
        told.world.pass(SignedDuration::from_mins(10)).await;
        told.world.pass(SignedDuration::from_mins(10)).await;
        let received = told.receiver.received();
        assert!(!received.is_empty(), "{operation} {when:?}");
        assert!(received.iter().all(|each| each.id() == received[0].id()), "{operation} {when:?}");
        assert_eq!(told.deliveries().await[0]["state"], "delivered", "{operation} {when:?}");
    }
}

#[tokio::test]
async fn an_outcome_that_is_not_written_down_is_attempted_again() {
    let told = Told::new().await;
    told.world.customer.create(&order("never")).await;
    let aws = told.world.aws.clone();
    told.receiver.when_next(move || aws.fail("PutItem", When::Before));
    told.world.local.pump().await;
    told.world.pass(SignedDuration::from_mins(10)).await;
    let received = told.receiver.received();
    assert!(received.len() > 1, "{}", received.len());
    assert!(received.iter().all(|each| each.id() == received[0].id() && each.body == received[0].body));
    assert_eq!(told.deliveries().await[0]["state"], "delivered");
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_an_endpoint_may_ask_for_time() {
    let told = Told::new().await;
    told.receiver.answer_with(302, "location", told.receiver.url());
    told.world.customer.create(&order("never")).await;
    told.world.local.pump().await;
    assert_eq!(told.receiver.received().len(), 1);
    let attempts = told.deliveries().await[0]["attempts"].clone();
    assert_eq!((&attempts[0]["status"], &attempts[0]["error"]), (&json!(302), &json!("redirect")));
    told.receiver.answer_with(429, "retry-after", "7200");
    told.world.pass(SignedDuration::from_mins(1)).await;
    assert_eq!(told.receiver.received().len(), 2);
    told.receiver.answer(200);
    told.world.pass(SignedDuration::from_mins(119)).await;
    assert_eq!(told.receiver.received().len(), 2);
    told.world.pass(SignedDuration::from_mins(2)).await;
    assert_eq!(told.receiver.taken().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone_and_the_others_are_told() {
    let told = Told::new().await;
    let other = Receiver::start().await;
    let mut notices = webhook(other.url());
    notices["events"] = json!(["notification_channel_disabled"]);
    told.world.customer.post("/notification-channels", &notices).await;
    told.receiver.answer(410);
    told.world.run("approved").await;
    let channel = told.now().await;
    assert_eq!((&channel["active"], &channel["disabled_reason"]), (&json!(false), &json!("gone")));
    let before = told.receiver.received().len();
    told.world.run("approved").await;
    assert_eq!(told.receiver.received().len(), before);
    let noticed = other.received();
    assert_eq!(noticed.len(), 1);
    let notice = noticed[0].json();
    assert_eq!((&notice["resource_id"], &notice["payload"]["reason"]), (&told.channel["id"], &json!("gone")));

    told.receiver.answer(200);
    let again = told.world.customer.put(&told.path(), &json!({"active": true})).await;
    assert_eq!(again.result()["disabled_at"], Value::Null);
    told.world.run("approved").await;
    assert_eq!(told.receiver.taken().len(), 3);
}

#[tokio::test]
async fn a_channel_that_failed_for_five_days_is_disabled_with_a_notice() {
    let told = Told::new().await;
    let other = Receiver::start().await;
    let mut notices = webhook(other.url());
    notices["events"] = json!(["notification_channel_disabled"]);
    told.world.customer.post("/notification-channels", &notices).await;
    told.receiver.answer(500);
    for day in 0..6 {
        assert_eq!(told.now().await["active"], json!(true), "day {day}");
        told.world.customer.create(&order("never")).await;
        told.world.pass_slowly(HOUR * 24).await;
    }
    let channel = told.now().await;
    assert_eq!((&channel["active"], &channel["disabled_reason"]), (&json!(false), &json!("failing")));
    assert_eq!(other.received().len(), 1);
    let states: Vec<_> = told.deliveries().await.iter().map(|delivery| delivery["state"].clone()).collect();
    assert!(states.contains(&json!("failed")), "{states:?}");
    told.world.pass_slowly(HOUR * 80).await;
    let states: Vec<_> = told.deliveries().await.iter().map(|delivery| delivery["state"].clone()).collect();
    assert!(states.contains(&json!("abandoned")) && !states.contains(&json!("pending")), "{states:?}");
}

#[tokio::test]
async fn a_delivery_can_be_replayed_under_its_id() {
    let told = Told::new().await;
    told.receiver.answer(500);
    told.world.customer.create(&order("never")).await;
    told.world.pass_slowly(HOUR * 100).await;
    let failed = told.world.look(&format!("{}/deliveries?state=failed", told.path())).await;
    let failed = failed.result()["data"][0].clone();
    assert_eq!(failed["attempts"].as_array().unwrap().len(), 12);
    told.receiver.answer(200);
    let path = format!("{}/deliveries/{}", told.path(), failed["id"].as_str().unwrap());
    let replayed = told.world.customer.post(&format!("{path}/replay"), &json!({})).await;
    assert_eq!((replayed.status, &replayed.result()["state"]), (202, &json!("pending")));
    assert_eq!(replayed.result()["replayed"]["by"]["type"], "key");
    told.world.local.pump().await;
    let taken = told.receiver.taken();
    assert_eq!((taken.len(), json!(taken[0].id())), (1, failed["event_id"].clone()));
    let shown = told.world.customer.get(&path).await;
    insta::assert_json_snapshot!("a delivery", shown.result(), {".attempts[].duration_ms" => 0, ".replayed.by.id" => "[key]"});
}

#[tokio::test]
async fn a_replaced_secret_signs_beside_the_new_one_for_a_while() {
    let told = Told::new().await;
    let rotated =
        told.world.customer.post(&format!("{}/secret", told.path()), &json!({"previous_valid_hours": 2})).await;
    let new = rotated.result()["config"]["secret"].as_str().unwrap().to_owned();
    assert_eq!(rotated.result()["config"]["secrets"].as_array().unwrap().len(), 2);
    told.world.customer.create(&order("never")).await;
    told.world.local.pump().await;
    let first = told.receiver.received()[0].clone();
    assert!(verify(&first, told.secret()) && verify(&first, &new));
    told.world.pass(HOUR * 3).await;
    told.world.customer.create(&order("never")).await;
    told.world.local.pump().await;
    let second = told.receiver.received()[1].clone();
    assert!(!verify(&second, told.secret()) && verify(&second, &new));
}

#[tokio::test]
async fn a_channel_is_shown_without_its_secret_and_to_its_tenant_only() {
    let told = Told::new().await;
    let shown = told.now().await;
    assert_eq!(shown["config"].get("secret"), None);
    insta::assert_json_snapshot!("a channel", shown, {".config.url" => "[url]"});
    let list = told.world.customer.get("/notification-channels").await;
    assert_eq!(list.result(), &json!([shown]));
    assert!(!is_kept(&told.world, told.secret()).await, "the secret is in the table in clear");
    let other = told.world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(told.world.local.url(), &other.api_key);
    assert_eq!(other.get("/notification-channels").await.result(), &json!([]));
    for path in [told.path(), format!("{}/deliveries", told.path())] {
        assert_eq!(other.get(&path).await.error_code(), "not_found");
    }
    assert_eq!(other.put(&told.path(), &json!({"active": false})).await.error_code(), "not_found");
}

#[tokio::test]
async fn a_repeated_creation_makes_one_channel_and_shows_its_secret_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let once = async |body: &Value| world.customer.post_once("/notification-channels", "k", body).await;
    let first = once(&webhook(receiver.url())).await;
    let again = once(&webhook(receiver.url())).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.result(), first.result());
    let mut other = webhook(receiver.url());
    other["name"] = json!("Another");
    assert_eq!(once(&other).await.error_code(), "idempotency_key_reused");
    assert_eq!(world.customer.get("/notification-channels").await.result().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_channel_is_named() {
    let world = World::new().await;
    let post = async |body: &Value| world.customer.post("/notification-channels", body).await;
    let answer = post(&json!({})).await;
    assert_eq!((answer.status, answer.fields()), (422, vec!["active", "config", "events", "name", "type"]));
    let good = webhook("https://example.com/hooks");
    for (field, value, wrong) in [
        ("name", json!(""), "name"),
        ("events", json!(["process_lost"]), "events"),
        ("events", json!([]), "events"),
        ("events", json!(["process_created", "process_created"]), "events"),
        ("type", json!("fax"), "type"),
        ("config", json!({}), "config.url"),
        ("config", json!({"url": "http://example.com"}), "config.url"),
        ("config", json!({"url": "https://10.0.0.1/hooks"}), "config.url"),
        ("config", json!({"url": "https://user:pass@example.com/"}), "config.url"),
        ("config", json!({"url": "https://169.254.169.254/latest"}), "config.url"),
        ("config", json!({"url": "https://example.com", "secret": "short"}), "config.secret"),
        ("config", json!({"url": "https://example.com", "method": "GET"}), "config.method"),
        ("more", json!(1), "more"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = post(&body).await;
        assert_eq!((answer.status, answer.fields()), (422, vec![wrong]), "{body}");
    }
    for (kind, config, wrong) in [
        ("slack", json!({"url": "https://example.com/hooks"}), "config.url"),
        ("email", json!({"emails": ["nobody"]}), "config.emails"),
        ("email", json!({"emails": []}), "config.emails"),
    ] {
        let mut body = good.clone();
        (body["type"], body["config"]) = (json!(kind), config);
        assert_eq!(post(&body).await.fields(), vec![wrong], "{body}");
    }
    assert_eq!(world.customer.get("/notification-channels").await.result(), &json!([]), "nothing is stored");
}

#[tokio::test]
async fn people_are_told_by_slack_and_e_mail_without_names_unless_they_ask() {
    let (world, slack) = (World::new().await, Receiver::start().await);
    let channel = |kind: &str, config: Value| json!({"name": kind, "type": kind, "active": true, "events": ["process_approved"], "config": config});
    for channel in [
        channel("slack", json!({"url": slack.url()})),
        channel("slack", json!({"url": slack.url(), "with_names": true})),
        channel("email", json!({"emails": ["ops@example.com", "risk@example.com"]})),
        channel("email", json!({"emails": ["lead@example.com"], "with_names": true})),
    ] {
        assert_eq!(world.customer.post("/notification-channels", &channel).await.status, 201);
    }
    let process = world.run("approved").await;
    let id = process["id"].as_str().unwrap();
    let (plain, named) =
        (format!("process_approved: process {id} is approved"), "process_approved: process".to_owned());
    let mut texts: Vec<_> =
        slack.received().iter().map(|each| each.json()["text"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    assert_eq!(texts[0], plain);
    assert!(texts[1].starts_with(&named) && texts[1].ends_with("(Juan Pérez)"), "{texts:?}");
    let mut mails = world.local.mails();
    mails.sort_by_key(|mail| mail.to.len());
    assert_eq!((mails.len(), mails[1].to.len()), (2, 2));
    assert!(mails[0].text.ends_with("(Juan Pérez)"));
    assert_eq!((mails[1].text.as_str(), mails[1].subject.as_str()), (plain.as_str(), "[Cotejo] process_approved"));
    let list = world.customer.get("/notification-channels").await;
    assert!(!list.body.to_string().contains(slack.url()), "Slack's URL is a secret");
    assert!(!is_kept(&world, slack.url()).await);
}

#[tokio::test]
async fn redaction_reaches_what_was_and_will_be_told() {
    let told = Told::new().await;
    told.receiver.answer(500);
    let mut order = order("approved");
    order["metadata"] = json!({"case": "canary-case"});
    order["tags"] = json!(["canary-tag"]);
    let id = told.world.customer.create(&order).await.id();
    told.world.finish(&id, 1).await;
    assert!(is_kept(&told.world, "canary-case").await);
    told.world.customer.post(&format!("/processes/{id}/redact"), &json!({})).await;
    told.world.local.pump().await;
    told.world.pass(SignedDuration::from_mins(21)).await;
    assert!(!is_kept(&told.world, "canary-case").await && !is_kept(&told.world, "canary-tag").await);
    told.receiver.answer(200);
    told.world.pass_slowly(HOUR * 72).await;
    let taken = told.receiver.taken();
    assert_eq!(taken.len(), 4, "every event arrives all the same");
    for received in taken {
        assert!(!String::from_utf8_lossy(&received.body).contains("canary"));
        assert_eq!(received.json()["resource_id"], json!(id));
    }
}
