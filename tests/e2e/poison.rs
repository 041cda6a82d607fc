//! Items that can never be handled: they keep nothing else from its way, are looked at again by the clock, and go on once they are
//! mended.

use aws_sdk_dynamodb::types::AttributeValue;
use cotejo::{
    platform::secrets::Account,
    providers::{Connection, NoProvider, Provider, ProviderFactory, auco},
};
use cotejo_tests::{Customer, World, order};
use jiff::SignedDuration;
use serde_json::json;

/// Makes the body of a process something that nobody wrote, and wakes it.
async fn poison(world: &World, id: &str) {
    let platform = world.local.platform("run-work").unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = platform.aws.dynamodb.update_item().table_name(&platform.config.table);
    let update = update.key("pk", text(&format!("TENANT#local#PROCESS#{id}"))).key("sk", text("#"));
    let update = update.update_expression("SET body = :body, wake_token = :wake_token");
    let update = update.expression_attribute_values(":body", text("{\"half\": "));
    let update = update.expression_attribute_values(":wake_token", text("asked-of-poison"));
    world.aws.wire().aside(update.send()).await.unwrap();
}

#[tokio::test]
async fn one_corrupt_item_in_a_batch_holds_up_none_of_the_others() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(world.customer.create(&order("approved")).await.id());
    }
    world.local.pump().await;
    // All callbacks wake their processes in one batch, and the corrupt one is in the middle of it.
    world.clock.advance(SignedDuration::from_secs(31));
    let poisoned = ids.remove(5);
    let (before, after) = ids.split_at(5);
    for id in before {
        world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    }
    poison(&world, &poisoned).await;
    for id in after {
        world.customer.get(&format!("/processes/{id}?refresh=true")).await;
    }
    // It is not tried again at once, for what comes behind it would wait for that.
    world.aws.take_calls();
    assert_eq!(world.local.pump().await.failed_records, 0);
    for id in &ids {
        let process = world.customer.process(id).await;
        assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("complete")));
    }
    let pk = format!("TENANT#local#PROCESS#{poisoned}");
    let item = world.raw_items().await.into_iter().find(|item| item["pk"] == pk.as_str()).unwrap();
    assert!(item["due_at"].is_string() && item["wake_token"].is_string(), "the clock sees to it: {item}");
}

/// Auco, but for an account that our code does not survive.
struct Fragile;

const FATAL: &str = "fatal@example.com";

impl ProviderFactory for Fragile {
    fn name(&self) -> &'static str {
        auco::Factory.name()
    }

    fn connect(&self, account: &Account, connection: &Connection) -> Result<Box<dyn Provider>, NoProvider> {
        let known: auco::AucoAccount = account.read().map_err(|_| NoProvider::Misconfigured)?;
        assert!(known.creator_email.as_deref() != Some(FATAL), "{FATAL} shows in no answer");
        auco::Factory.connect(account, connection)
    }
}

#[tokio::test]
async fn a_panic_hurts_the_record_or_the_request_that_it_happened_in_and_no_other() {
    let world = World::knowing(&[&Fragile]).await;
    let other = world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(world.local.url(), &other.api_key);
    let fatal = world.customer.create(&order("approved,no-callback")).await.id();
    let healthy = other.create(&order("approved,no-callback")).await.id();
    world.local.pump().await;
    let account = json!({"public_key": "puk_x", "private_key": "prk_x", "creator_email": FATAL});
    world.local.set_account("local", "auco", account).unwrap();
    world.clock.advance(SignedDuration::from_secs(31));
    for (customer, id) in [(&world.customer, &fatal), (&other, &healthy)] {
        customer.get(&format!("/processes/{id}?refresh=true")).await;
    }
    assert_eq!(world.local.pump().await.failed_records, 0, "it would end alike");
    assert_eq!(other.process(&healthy).await["status"], "approved");
    assert_eq!(world.customer.process(&fatal).await["status"], "in_progress");

    let refused = world.customer.create(&order("approved")).await;
    assert_eq!((refused.status, refused.error_code()), (500, "internal_error"));
    assert!(!refused.body.to_string().contains(FATAL));
    assert_eq!(other.create(&order("approved")).await.status, 201);
}

#[tokio::test]
async fn an_item_that_was_mended_is_finished_by_the_schedule() {
    let world = World::new().await;
    let id = world.customer.create(&order("approved,no-callback")).await.id();
    world.local.pump().await;
    let whole = world.raw_items().await.into_iter().find(|item| item["kind"] == "process").unwrap();
    poison(&world, &id).await;
    world.pass(SignedDuration::from_mins(1)).await;
    let broken = world.customer.get(&format!("/processes/{id}")).await;
    assert_eq!((broken.status, broken.error_code()), (500, "internal_error"), "it is not shown as what it is not");

    let platform = world.local.platform("run-work").unwrap();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = platform.aws.dynamodb.update_item().table_name(&platform.config.table);
    let update = update.key("pk", text(&format!("TENANT#local#PROCESS#{id}"))).key("sk", text("#"));
    let update = update.update_expression("SET body = :body");
    let update = update.expression_attribute_values(":body", text(whole["body"].as_str().unwrap()));
    world.aws.wire().aside(update.send()).await.unwrap();
    let process = world.finish(&id, 1).await;
    assert_eq!((&process["status"], &process["evidence_state"]), (&json!("approved"), &json!("complete")));
}
