//! That the sweep finds a condition that is weakened on purpose: each test plays one run of the sweep as it is, where all
//! invariants hold, and once more with the condition taken out of every such write on its way to the table.

use cotejo_tests::{Call, Disturbance, order};
use jiff::SignedDuration;
use serde_json::json;

use super::{
    play::{Play, ids},
    points::{How, Point},
    run, workflow,
    workflows::{APPROVED, Workflow},
};

fn first(operation: &str, about: &str, how: How) -> Point {
    Point { call: Call { operation: operation.to_owned(), about: about.to_owned() }, nth: 0, how }
}

/// Checks that `workflow` holds, and that it breaks the invariant `broken` where `call` loses its `condition`.
async fn check(workflow: Workflow, point: Option<&Point>, call: &str, condition: &str, broken: &str) {
    let sound = run(workflow, point, |_| {}).await;
    assert_eq!(sound.broken, Vec::<String>::new());
    let weakened = run(workflow, point, |play| play.world.aws.wire().weaken(call, condition)).await;
    let found = weakened.broken.iter().any(|problem| problem.starts_with(broken));
    assert!(found, "not found, but {:?}", weakened.broken);
}

#[tokio::test]
async fn a_creation_that_does_not_mind_an_earlier_one_is_found() {
    let workflow = workflow("Auco, with a key");
    let broken = "one request makes one process at the provider";
    check(workflow, None, "PutItem PROCESS", "attribute_not_exists(pk)", broken).await;
}

#[tokio::test]
async fn a_first_commit_that_does_not_mind_the_version_is_found() {
    let workflow = workflow("Auco, with a key");
    let point = first("TransactWriteItems", "PROCESS", How::CalledBack);
    let broken = "a callback that was taken is in the timeline";
    check(workflow, Some(&point), "TransactWriteItems PROCESS", "version = :loaded", broken).await;
}

/// Has the process redacted just before the next call of a kind: an event more, and nothing of the person any more.
fn redact_before(play: &Play, operation: &str, about: &str) {
    let (customer, wire) = (play.world.customer.clone(), play.world.aws.wire().clone());
    let redact = Disturbance::Interleave(Box::new(move || {
        Box::pin(async move {
            for id in wire.aside(ids(&customer)).await {
                customer.post(&format!("/processes/{id}/redact"), &json!({})).await;
            }
        })
    }));
    play.world.aws.wire().plan(operation, Some(about), 0, redact);
}

#[tokio::test]
async fn a_commit_that_does_not_mind_the_version_is_found() {
    let workflow = Workflow {
        name: "Auco, redacted while a look is about to store what it found",
        play: |play| {
            Box::pin(async {
                play.create("once", order("approved")).await;
                redact_before(play, "PutItem", "PROCESS");
                play.pass(SignedDuration::from_secs(31)).await;
                play.settle().await;
            })
        },
        ends: &["cancelled"],
        redacted: true,
        ..APPROVED
    };
    let broken = "nothing of the redacted is left";
    check(workflow, None, "PutItem PROCESS", "version = :loaded", broken).await;
}

#[tokio::test]
async fn an_outbox_that_is_emptied_of_what_nobody_saw_is_found() {
    let workflow = Workflow {
        name: "Auco, redacted while an event is handed on",
        play: |play| {
            Box::pin(async {
                redact_before(play, "UpdateItem", "PROCESS handed on");
                play.create("once", order("approved")).await;
                play.settle().await;
            })
        },
        ends: &["cancelled"],
        redacted: true,
        ..APPROVED
    };
    let broken = "every event is handed on";
    check(workflow, None, "UpdateItem PROCESS handed on", "version = :loaded", broken).await;
}

#[tokio::test]
async fn a_reference_that_two_processes_may_have_is_found() {
    let workflow = workflow("Tecalis, one authorization and two processes");
    let broken = "a reference is one process's";
    check(workflow, None, "TransactWriteItems PROCESS", "process_id = :process", broken).await;
}

#[tokio::test]
async fn waking_what_does_not_exist_is_found() {
    let workflow = workflow("Auco, with a key");
    let broken = "nothing is readable with another tenant's key";
    check(workflow, None, "UpdateItem PROCESS wake", "attribute_exists(pk)", broken).await;
}
