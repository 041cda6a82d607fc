//! A tenant's limit: never more than it says, over all functions; told in headers; refused with a time to come back.

use cotejo_tests::{Answer, Customer, When, World};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

impl Limited {
    async fn to(per_minute: u32) -> Self {
        let world = World::new().await;
        world.admin(&["tenant", "set", "local", "--per-minute", &per_minute.to_string()], "").await.unwrap();
        Self { world }
    }

    fn customer(&self) -> &Customer {
        &self.world.customer
    }
}

/// A world whose tenant has another limit.
struct Limited {
    world: World,
}

/// Two functions on one table, each with a share of its own: one that reads and one that creates.
async fn ask_both(customer: &Customer, requests: usize) -> Vec<Answer> {
    let one = |number: usize| async move {
        if number.is_multiple_of(2) { customer.get("/processes/x").await } else { customer.create(&json!({})).await }
    };
    join_all((0..requests).map(one)).await
}

/// Whether so many of the requests were let through. A request whose own share could not be had in time is a 503, as may
/// happen on a machine that is busy: it was not let through, and may have cost a share or not.
fn assert_granted(answers: &[Answer], expected: std::ops::RangeInclusive<usize>) {
    let of = |status: u16, code: &str| {
        let with_status = answers.iter().filter(|answer| answer.status == status);
        with_status.inspect(|answer| assert_eq!(answer.error_code(), code)).count()
    };
    let (refused, late) = (of(429, "rate_limited"), of(503, "unavailable"));
    let granted = answers.len() - refused - late;
    assert!(
        granted <= *expected.end() && *expected.start() <= granted + late,
        "{granted} let through and {late} late, of {expected:?}"
    );
}

/// Whether exactly so many were.
fn assert_exactly(answers: &[Answer], granted: usize) {
    assert_granted(answers, granted..=granted);
}

#[tokio::test]
async fn two_functions_together_never_let_more_through_than_the_limit() {
    for limit in [1, 7, 39] {
        let limited = Limited::to(limit).await;
        // A limit under 40 is exact.
        assert_exactly(&ask_both(limited.customer(), 100).await, usize::try_from(limit).unwrap());
    }
    let limited = Limited::to(200).await;
    // What one function took and did not use is missing to the other: at most one block, a twentieth.
    assert_granted(&ask_both(limited.customer(), 500).await, 190..=200);
}

#[tokio::test]
async fn a_new_minute_opens_the_limit_again_and_nothing_is_carried_over() {
    let limited = Limited::to(5).await;
    for _ in 0..3 {
        assert_exactly(&ask_both(limited.customer(), 12).await, 5);
        // Not before the minute is over.
        limited.world.clock.advance(SignedDuration::from_secs(59));
        assert_exactly(&ask_both(limited.customer(), 12).await, 0);
        limited.world.clock.advance(SignedDuration::from_secs(1));
    }
    limited.world.clock.advance(SignedDuration::from_mins(10));
    assert_exactly(&ask_both(limited.customer(), 12).await, 5);
}

#[tokio::test]
async fn every_answer_to_a_known_caller_says_how_much_is_left() {
    let limited = Limited::to(3).await;
    limited.world.clock.advance(SignedDuration::from_secs(18));
    let said = |answer: &Answer| -> Value {
        let text = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        json!({
            "status": answer.status, "ratelimit-policy": text("ratelimit-policy"), "ratelimit": text("ratelimit"),
            "retry-after": text("retry-after"),
        })
    };
    let customer = limited.customer();
    let seen = json!([
        said(&customer.get("/processes").await),
        said(&customer.create(&json!({})).await),
        said(&customer.get("/processes/x").await),
        said(&customer.get("/processes").await),
        said(&Customer::new(limited.world.local.url(), "cotejo_live_nobody").get("/processes").await),
    ]);
    insta::assert_json_snapshot!(seen);
    let mut refused = customer.get("/processes").await.body;
    refused["request_id"] = json!("[id]");
    insta::assert_json_snapshot!("the_refusal", refused);
}

#[tokio::test]
async fn a_refused_scope_counts_and_asking_for_a_second_scope_does_not() {
    let limited = Limited::to(2).await;
    let id = uuid::Uuid::nil();
    assert_eq!(limited.customer().get(&format!("/processes/{id}?refresh=true")).await.status, 404);
    let reader = limited.world.holder("local", "reader", &[]).await;
    assert_eq!(reader.get("/processes").await.status, 403);
    assert_eq!(reader.get("/processes").await.status, 429);
}

#[tokio::test]
async fn a_table_that_fails_while_a_share_is_taken_is_a_503_and_gives_nothing_away() {
    let limited = Limited::to(3).await;
    limited.world.customer.get("/processes/x").await;
    for when in [When::Before, When::After] {
        limited.world.aws.fail("UpdateItem", when);
        let answer = limited.customer().get("/processes/x").await;
        assert_eq!((answer.status, answer.error_code()), (503, "unavailable"));
    }
    // The failure after the effect cost one of the three.
    assert_exactly(&ask_both(limited.customer(), 10).await, 1);
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_within_half_a_minute_and_let_in_again() {
    let world = World::new().await;
    let other = world.local.add_tenant("other").await.unwrap();
    let other = Customer::new(world.local.url(), &other.api_key);
    for _ in 0..20 {
        assert_eq!(world.customer.get("/processes").await.status, 200);
    }
    world.admin(&["tenant", "set", "local", "--suspend"], "").await.unwrap();
    world.clock.advance(SignedDuration::from_secs(30));
    for answer in ask_both(&world.customer, 4).await {
        assert_eq!((answer.status, answer.error_code()), (401, "unauthorized"));
    }
    assert_eq!(other.get("/processes").await.status, 200, "nobody else is");
    world.admin(&["tenant", "set", "local", "--resume"], "").await.unwrap();
    world.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(world.customer.get("/processes").await.status, 200);
}
