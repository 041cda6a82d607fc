//! A world that is played on whatever happens in it: what is cut off by a crash is left where it stood, and a customer who
//! got no answer asks again.

use std::sync::{Arc, Mutex};

use cotejo::process::EventName;
use cotejo_tests::{Answer, Customer, Receiver, World};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How often a customer repeats a request that was not answered.
const TIMEOUT: usize = 8;
/// How long the system is run on at most before what is left counts as left for ever.
const LONGEST: SignedDuration = SignedDuration::from_hours(21 * 24);
/// What is due later than this is not waited for: the end of a retention.
const SOON: SignedDuration = SignedDuration::from_hours(12);

/// A world, and what its customer sent.
pub struct Play {
    pub world: World,
    /// The creations that carried a key.
    pub orders: Arc<Mutex<Vec<(String, Value)>>>,
    /// Pictures that the customer submitted.
    pub submitted: Mutex<Vec<bytes::Bytes>>,
    /// Where the customer's systems are told.
    pub receiver: Receiver,
    /// What the customer was answered: status, error code, whether it was a replay.
    pub answers: Mutex<Vec<String>>,
}

impl Play {
    pub async fn begin() -> Self {
        let world = World::watched().await;
        world.aws.wire().take();
        Self {
            world,
            orders: Arc::default(),
            submitted: Mutex::default(),
            receiver: Receiver::start().await,
            answers: Mutex::default(),
        }
    }

    /// Does something that a crash may cut off.
    pub async fn on<T>(&self, what: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = what => Some(done),
            () = self.world.aws.crashed() => None,
        }
    }

    /// Lets time pass.
    pub async fn pass(&self, time: SignedDuration) {
        self.on(self.world.pass(time)).await;
    }

    /// Sends a request until it is answered: not by a failure of the server's, and not while an earlier one is under way.
    pub async fn ask<'a>(&'a self, request: impl Fn(&'a Customer) -> BoxFuture<'a, Answer>) -> Answer {
        for _ in 0..TIMEOUT {
            let Some(answer) = self.on(request(&self.world.customer)).await else {
                self.pass(SignedDuration::from_secs(61)).await;
                continue;
            };
            if answer.status < 500 && answer.body["error_code"] != "request_in_flight" {
                let code = answer.body["error_code"].as_str().unwrap_or_default();
                let replayed = if answer.headers.contains_key("idempotent-replayed") { "replayed" } else { "" };
                self.answers.lock().unwrap().push(format!("{} {code}{replayed}", answer.status));
                return answer;
            }
            self.pass(SignedDuration::from_secs(61)).await;
        }
        panic!("a request was never answered");
    }

    /// Has the customer's systems told of everything.
    pub async fn listen(&self) {
        let url = self.world.watch_hooks(&self.receiver);
        let events: Vec<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();
        let channel = json!({
            "name": "Back office", "type": "webhook", "active": true, "events": events, "config": {"url": url}
        });
        let path = "/notification-channels";
        let made = self.ask(|customer| Box::pin(customer.post_once(path, "channel", &channel))).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    /// Creates a process with a key, and gives its id.
    pub async fn create(&self, key: &str, order: Value) -> Option<String> {
        self.orders.lock().unwrap().push((key.to_owned(), order.clone()));
        let answer = self.ask(|customer| Box::pin(customer.create_once(key, &order))).await;
        answer.body["result"]["id"].as_str().map(str::to_owned)
    }

    /// As the whole of what a customer does who wants one verification.
    pub async fn verify(&self, order: Value) {
        self.create("once", order).await;
        self.settle().await;
        // Some clients repeat what was answered long ago.
        let (key, order) = self.orders.lock().unwrap()[0].clone();
        self.ask(|customer| Box::pin(customer.create_once(&key, &order))).await;
    }

    /// Runs the system on, from one moment at which anything is due to the next, until nothing is left to be done; for some
    /// weeks at most.
    pub async fn settle(&self) {
        let end = self.world.now() + LONGEST;
        self.pass(SignedDuration::ZERO).await;
        while let Some(next) = self.next_due().await.filter(|next| *next <= end) {
            let wait = next.duration_since(self.world.now());
            self.pass(wait.max(SignedDuration::from_secs(1))).await;
        }
    }

    /// When anything is due next, at a provider or here, but for what lies far ahead.
    async fn next_due(&self) -> Option<Timestamp> {
        let now = self.world.now();
        let items = self.world.aws.wire().aside(self.world.raw_items()).await;
        let at_company = self.world.local.sandbox().next_due();
        let here = items.iter().filter_map(|item| {
            // What was woken is to be done at once, and every wake token has made its item due.
            let due = item["due_at"].as_str().map(|due| due.parse().unwrap());
            if item["wake_token"].is_null() && item["outbox_token"].is_null() { due } else { due.or(Some(now)) }
        });
        here.chain(at_company).filter(|due| *due <= now + SOON).min()
    }

    /// The ids of all processes, as the customer finds them.
    pub async fn ids(&self) -> Vec<String> {
        ids(&self.world.customer).await
    }
}

/// The ids of all of a customer's processes.
pub async fn ids(customer: &Customer) -> Vec<String> {
    let list = customer.get("/processes?per_page=100").await;
    let data = list.body["result"]["data"].as_array().cloned().unwrap_or_default();
    data.iter().map(|process| process["id"].as_str().unwrap().to_owned()).collect()
}

/// The record of the table's stream by which `run-work` looks at a process.
pub fn look_event(id: &str) -> Value {
    json!({"Records": [{
        "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
        "dynamodb": {
            "Keys": {"pk": {"S": format!("TENANT#local#PROCESS#{id}")}, "sk": {"S": "#"}},
            "SequenceNumber": "1", "ApproximateCreationDateTime": 1, "SizeBytes": 1,
            "StreamViewType": "NEW_IMAGE",
        },
    }]})
}
