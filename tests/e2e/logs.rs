//! One line for each request, and whose request it is on every line within.

use std::{
    io,
    sync::{Arc, Mutex},
};

use cotejo_tests::{Customer, World, order};
use reqwest::Method;
use serde_json::{Value, json};
use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Hears what this test's thread logs until it is dropped.
pub(crate) struct Listening {
    lines: Lines,
    _ours: DefaultGuard,
    _other: Dispatch,
}

impl Listening {
    pub(crate) fn new() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
        let ours = tracing::subscriber::set_default(subscriber);
        // While there is only one subscriber, whatever another test's thread logs first is taken for switched off everywhere.
        Self { lines, _ours: ours, _other: Dispatch::new(tracing_subscriber::registry()) }
    }

    /// What was logged since the last call of this.
    pub(crate) fn take(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.lines.0.lock().unwrap())).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The one line of an answer: its own fields and those of the request.
fn answered(lines: &[Value]) -> Value {
    let all: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let [line] = all.as_slice() else { panic!("not one line: {all:?}") };
    let mut told = json!({"span": line["span"]});
    for field in ["status", "error_code", "duration_ms", "cold_start"] {
        told[field] = line[field].clone();
    }
    assert!(told["span"]["request_id"].is_string(), "{line}");
    told["span"]["request_id"] = json!("[id]");
    if told["span"]["process"].is_string() {
        told["span"]["process"] = json!("[process]");
    }
    told
}

#[tokio::test]
async fn each_request_is_one_line_that_says_whose_it_was_and_what_came_of_it() {
    let lines = Listening::new();
    let world = World::new().await;
    lines.take();

    let id = world.customer.create(&order("approved")).await.id();
    let created = answered(&lines.take());
    world.customer.get(&format!("/processes/{id}?refresh=false")).await;
    let read = answered(&lines.take());
    world.customer.get("/processes/x?name=y").await;
    let not_found = answered(&lines.take());
    Customer::new(world.local.url(), "nobody").get("/processes").await;
    let refused = answered(&lines.take());
    world.customer.get("/nothing/of/this/kind").await;
    let no_route = answered(&lines.take());
    let callback = world.local.auco_webhook_url().strip_prefix(world.local.url()).unwrap().to_owned();
    world.customer.send(Method::POST, &callback, &[], Some("{}".to_owned())).await;
    let callback = answered(&lines.take());
    insta::assert_json_snapshot!(json!({
        "created": created, "read": read, "unknown parameter": not_found, "refused": refused, "no route": no_route,
        "callback": callback,
    }));
}

#[tokio::test]
async fn lines_within_a_request_carry_its_tenant_key_and_process() {
    let lines = Listening::new();
    let world = World::new().await;
    let process = world.run("approved").await;
    let (id, evidence) = (process["id"].as_str().unwrap(), process["evidence"][0]["id"].as_str().unwrap());
    lines.take();
    world.customer.get(&format!("/processes/{id}/evidence/{evidence}")).await;
    let lines = lines.take();
    let issued = lines.iter().find(|line| line["message"] == "evidence link issued").unwrap();
    assert_eq!(issued["span"]["tenant"], "local");
    assert_eq!(issued["span"]["key_id"], "key-local");
    assert_eq!(issued["span"]["process"], id);
}
