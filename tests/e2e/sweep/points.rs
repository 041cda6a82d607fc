//! Which calls are disturbed, and how.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use cotejo_tests::{Call, Disturbance, Refusal, When};

use jiff::SignedDuration;

use super::play::{Play, ids, look_event};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    FailsBefore,
    FailsAfter,
    /// The SDK finds the connection broken behind the effect and tries again.
    AnswerLost,
    CrashBefore,
    CrashAfter,
    /// Another execution looks at the process just before.
    AnotherLook,
    /// The customer asks for a refresh just before.
    Woken,
    /// The customer sends the same creation again just before.
    Repeated,
    /// The person is done just before, and the provider says so.
    CalledBack,
    /// Transactions are under way over the same item until nobody waits any longer.
    Contended,
    /// It is throttled until nobody waits any longer.
    Throttled,
    /// DynamoDB leaves out half of a batch, and half of what is left.
    LeftOut,
}

/// A disturbance of one call.
#[derive(Debug, Clone)]
pub struct Point {
    pub call: Call,
    /// How many calls of the kind go before it.
    pub nth: usize,
    pub how: How,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{} {:?}", self.call, self.nth + 1, self.how)
    }
}

impl Point {
    /// Whether nobody may notice anything.
    pub fn is_hidden(&self) -> bool {
        matches!(self.how, How::AnswerLost | How::LeftOut)
    }

    /// Has it happen.
    pub fn plan(&self, play: &Play) {
        let disturbance = match self.how {
            How::FailsBefore => Disturbance::Fail(When::Before),
            How::FailsAfter => Disturbance::Fail(When::After),
            How::AnswerLost => Disturbance::LoseAnswer,
            How::CrashBefore => Disturbance::Crash(When::Before),
            How::CrashAfter => Disturbance::Crash(When::After),
            How::AnotherLook => interleaved_look(play),
            How::Woken => interleaved_wake(play),
            How::Repeated => interleaved_repetition(play),
            How::CalledBack => interleaved_callback(play),
            How::Contended => Disturbance::Refuse(Refusal::Conflict, 10),
            // Four times three tries of the SDK.
            How::Throttled => Disturbance::Refuse(Refusal::Throttle, 12),
            How::LeftOut => Disturbance::Refuse(Refusal::PartialBatch, 2),
        };
        play.world.aws.wire().plan(&self.call.operation, Some(&self.call.about), self.nth, disturbance);
    }
}

fn interleaved_look(play: &Play) -> Disturbance {
    let (customer, run_work) = (play.world.customer.clone(), play.world.local.function("run-work").unwrap());
    let wire = play.world.aws.wire().clone();
    Disturbance::Interleave(Box::new(move || {
        Box::pin(async move {
            for id in wire.aside(ids(&customer)).await {
                let _ = run_work.invoke(look_event(&id)).await;
            }
        })
    }))
}

fn interleaved_wake(play: &Play) -> Disturbance {
    let (customer, wire) = (play.world.customer.clone(), play.world.aws.wire().clone());
    Disturbance::Interleave(Box::new(move || {
        Box::pin(async move {
            for id in wire.aside(ids(&customer)).await {
                customer.get(&format!("/processes/{id}?refresh=true")).await;
            }
        })
    }))
}

fn interleaved_repetition(play: &Play) -> Disturbance {
    let (customer, orders) = (play.world.customer.clone(), play.orders.clone());
    Disturbance::Interleave(Box::new(move || {
        Box::pin(async move {
            let sent = orders.lock().unwrap().clone();
            for (key, order) in sent {
                customer.create_once(&key, &order).await;
            }
        })
    }))
}

fn interleaved_callback(play: &Play) -> Disturbance {
    let (clock, sandbox) = (play.world.clock.clone(), play.world.local.sandbox().clone());
    Disturbance::Interleave(Box::new(move || {
        Box::pin(async move {
            // The call is under way, and not for so long.
            clock.leap(SignedDuration::from_secs(31));
            sandbox.tick().await;
        })
    }))
}

/// Every disturbance of the calls of an undisturbed run.
pub fn of(calls: &[Call], shards: &[String]) -> Vec<Point> {
    let mut seen = HashMap::<&Call, usize>::new();
    let mut points = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let nth = seen.entry(call).or_default();
        if call.operation != "Query" || finds_something(calls, at, shards) {
            points.extend(ways(call).iter().map(|how| Point { call: call.clone(), nth: *nth, how: *how }));
        }
        *nth += 1;
    }
    points
}

/// How many calls are disturbed.
pub fn places(points: &[Point]) -> usize {
    points.iter().map(|point| (&point.call, point.nth)).collect::<BTreeSet<_>>().len()
}

fn ways(call: &Call) -> &'static [How] {
    use How::{
        AnotherLook, AnswerLost, CalledBack, Contended, CrashAfter, CrashBefore, FailsAfter, FailsBefore, LeftOut,
        Repeated, Throttled, Woken,
    };
    let writes = matches!(call.operation.as_str(), "PutItem" | "TransactWriteItems" | "UpdateItem" | "DeleteItem");
    if writes && call.about.starts_with("PROCESS") {
        &[
            FailsBefore,
            FailsAfter,
            AnswerLost,
            CrashBefore,
            CrashAfter,
            AnotherLook,
            Woken,
            Repeated,
            CalledBack,
            Contended,
            Throttled,
        ]
    } else if writes {
        &[FailsBefore, FailsAfter, AnswerLost, CrashBefore, CrashAfter, Contended, Throttled]
    } else if call.operation.starts_with("S3") || call.operation == "Lambda Invoke" {
        &[FailsBefore, FailsAfter, AnswerLost, CrashBefore, CrashAfter]
    } else {
        // Of what only reads, the effect is nothing; a provider counts as reading nowhere.
        match call.operation.as_str() {
            "GetItem" | "Query" => &[FailsBefore, CrashAfter, Throttled],
            "BatchGetItem" => &[FailsBefore, CrashAfter, Throttled, LeftOut],
            "GetSecretValue" => &[FailsBefore, CrashAfter],
            _ => &[FailsBefore, FailsAfter, CrashBefore, CrashAfter],
        }
    }
}

/// Whether a look for what is due finds anything: only then is there something to be lost. It finds something where it
/// is followed by a wake token before the shard is looked at again.
fn finds_something(calls: &[Call], at: usize, shards: &[String]) -> bool {
    let query = &calls[at];
    let until_next = calls[at + 1..].iter().take_while(|call| *call != query);
    shards.contains(&query.about) && until_next.into_iter().any(|call| call.about.ends_with("overdue"))
}
