//! What the sweep disturbs: each workflow is one entry, the whole of what a customer does and how it must end.

use cotejo::providers::{Purpose, callback_token};
use cotejo_sandbox::{FaultKind, Faults, LinkPicture};
use cotejo_tests::{link_order, order, tecalis_order};
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::play::Play;

/// One workflow.
#[derive(Clone, Copy)]
pub struct Workflow {
    pub name: &'static str,
    /// What the customer does.
    pub play: fn(&Play) -> BoxFuture<'_, ()>,
    /// How the processes must stand in the end, in alphabetical order.
    pub ends: &'static [&'static str],
    /// How many different callbacks must be in the process's timeline.
    pub callbacks: usize,
    /// Whether the certificate must be kept.
    pub certified: bool,
    /// Whether nothing of the person may be left.
    pub redacted: bool,
    /// Whether the customer's systems must have been told of everything.
    pub told: bool,
}

/// What most workflows come to.
pub const APPROVED: Workflow = Workflow {
    name: "",
    play: |_| Box::pin(async {}),
    ends: &["approved"],
    callbacks: 0,
    certified: false,
    redacted: false,
    told: false,
};

/// Something that nobody else writes, to be looked for where it must not be.
pub const CANARY: &str = "Canaria Delatora";

fn canary(mut order: Value) -> Value {
    order["person"]["name"] = json!(CANARY);
    order
}

/// All workflows. A new one is one entry here.
pub const WORKFLOWS: &[Workflow] = &[
    Workflow {
        name: "Auco, with a key",
        play: |play| Box::pin(async { play.verify(order("approved")).await }),
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "Auco, told at a webhook",
        play: |play| {
            Box::pin(async {
                play.listen().await;
                play.verify(order("approved")).await;
            })
        },
        callbacks: 1,
        told: true,
        ..APPROVED
    },
    Workflow {
        name: "Auco, without a key",
        play: |play| {
            Box::pin(async {
                // Without a key nobody can repeat a request safely, and who gets no answer leaves it at that.
                let _ = play.on(play.world.customer.create(&order("approved"))).await;
                play.settle().await;
            })
        },
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "Auco, too busy at first and submitted again",
        play: |play| {
            Box::pin(async {
                let sandbox = play.world.local.sandbox();
                let busy = |rate| Faults { rate, kinds: vec![FaultKind::RateLimited] };
                sandbox.set_faults(busy(1.0));
                play.create("once", order("approved")).await;
                sandbox.set_faults(busy(0.0));
                play.settle().await;
            })
        },
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "Auco, two attempts and a reviewer there",
        play: |play| Box::pin(async { play.verify(order("blocked-validated")).await }),
        callbacks: 2,
        ..APPROVED
    },
    Workflow {
        name: "Auco, without callbacks, asked for by the customer",
        play: |play| {
            Box::pin(async {
                let id = play.create("once", order("approved,no-callback")).await;
                play.pass(SignedDuration::from_secs(31)).await;
                if let Some(id) = id {
                    let path = format!("/processes/{id}?refresh=true");
                    play.ask(|customer| Box::pin(async { customer.get(&path).await })).await;
                }
                play.settle().await;
            })
        },
        ..APPROVED
    },
    Workflow {
        name: "Auco, decided by the customer's reviewer",
        play: |play| {
            Box::pin(async {
                let id = play.create("once", order("blocked")).await;
                // What is in review waits for ever; by then it is.
                for _ in 0..4 {
                    play.pass(SignedDuration::from_mins(21)).await;
                }
                if let Some(id) = id {
                    let decision = json!({"decision": "approved", "reason": "seen in person"});
                    play.ask(|customer| Box::pin(async { customer.decide(&id, &decision).await })).await;
                }
                play.settle().await;
            })
        },
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, over before it is created",
        play: |play| {
            Box::pin(async {
                let authorization = play.world.local.sandbox().tecalis_authorize("approved").unwrap();
                play.pass(SignedDuration::from_mins(10)).await;
                play.verify(tecalis_order(&authorization)).await;
            })
        },
        ..APPROVED
    },
    Workflow {
        name: "LINK by machine, certified",
        play: |play| Box::pin(async { play.verify(at_link(play, "ok", true, json!({"certify": true}))).await }),
        callbacks: 1,
        certified: true,
        ..APPROVED
    },
    Workflow {
        name: "LINK by people, with an upload",
        play: |play| {
            Box::pin(async {
                let mut order = at_link(play, "ok", false, json!({"manual": true, "certify": true}));
                let selfie = play.world.local.sandbox().link_picture(LinkPicture::Selfie, "ok").unwrap();
                play.submitted.lock().unwrap().push(selfie.clone());
                let wanted = json!({"content_type": "image/jpeg", "bytes": selfie.len()});
                let place = play.ask(|customer| Box::pin(customer.post("/uploads", &wanted))).await;
                play.world.customer.upload(place.result(), selfie).await;
                order["pictures"]["selfie"] = json!({"upload_id": place.result()["id"]});
                play.verify(order).await;
            })
        },
        callbacks: 2,
        certified: true,
        ..APPROVED
    },
    Workflow {
        name: "LINK by people, and a callback before theirs that nobody can read",
        play: |play| {
            Box::pin(async {
                let id = play.create("once", at_link(play, "ok", false, json!({"manual": true}))).await;
                if let Some(id) = id {
                    let path = link_callback(play, &id).await;
                    let body = format!("{{\"id\": \"{id}\" \"service\": \"ManualIDVerification\"}}");
                    play.ask(|customer| Box::pin(customer.send(Method::POST, &path, &[], Some(body.clone())))).await;
                }
                play.settle().await;
            })
        },
        callbacks: 2,
        ..APPROVED
    },
    Workflow {
        name: "LINK, out of order at first and submitted again",
        play: |play| Box::pin(async { play.verify(at_link(play, "ok,create-5xx", false, Value::Null)).await }),
        ..APPROVED
    },
    Workflow {
        name: "LINK, a warning that goes to people",
        play: |play| {
            Box::pin(async { play.verify(at_link(play, "warning", false, json!({"manual_on_warning": true}))).await })
        },
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "LINK, a certificate that the customer fetches",
        play: |play| {
            Box::pin(async {
                let order = at_link(play, "ok,certificate-5xx:1", false, json!({"certify": true}));
                let id = play.create("once", order).await;
                // It is announced, and fetching it fails once; then the customer wants it.
                play.pass(SignedDuration::from_secs(31)).await;
                if let Some(id) = id {
                    let path = format!("/processes/{id}/certificate");
                    play.ask(|customer| Box::pin(async { customer.get(&path).await })).await;
                }
                play.settle().await;
            })
        },
        callbacks: 1,
        certified: true,
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, seven pictures and a video",
        play: |play| {
            Box::pin(async {
                let authorization = play.world.local.sandbox().tecalis_authorize("approved,video:9").unwrap();
                play.verify(tecalis_order(&authorization)).await;
            })
        },
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, called back",
        play: |play| {
            Box::pin(async {
                let authorization = play.world.local.sandbox().tecalis_authorize("rejected,no-video").unwrap();
                play.create("once", tecalis_order(&authorization)).await;
                play.pass(SignedDuration::from_secs(61)).await;
                // Its stand-in has no callbacks, since nobody documents them; any sign of life is a reason to ask.
                let path = play.world.webhook_path("tecalis").await;
                let body = json!({"auth": authorization, "process_status": "KO"}).to_string();
                play.ask(|customer| Box::pin(customer.send(Method::POST, &path, &[], Some(body.clone())))).await;
                play.settle().await;
            })
        },
        ends: &["rejected"],
        callbacks: 1,
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, one authorization and two processes",
        play: |play| {
            Box::pin(async {
                let authorization = play.world.local.sandbox().tecalis_authorize("approved,no-video").unwrap();
                play.create("one", tecalis_order(&authorization)).await;
                play.create("other", tecalis_order(&authorization)).await;
                play.settle().await;
            })
        },
        ends: &["approved", "failed"],
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, refused",
        play: |play| Box::pin(async { play.verify(tecalis_order("019cbdb7-58b4-712f-886f-341bc0e39c51")).await }),
        ends: &["failed"],
        ..APPROVED
    },
    Workflow {
        name: "Auco, redacted after its end",
        play: |play| {
            Box::pin(async {
                let id = play.create("once", canary(order("approved"))).await;
                play.settle().await;
                redact(play, id).await;
            })
        },
        callbacks: 1,
        redacted: true,
        ..APPROVED
    },
    Workflow {
        name: "Auco, held, released and redacted",
        play: |play| {
            Box::pin(async {
                let id = play.create("once", canary(order("approved"))).await;
                play.settle().await;
                if let Some(id) = &id {
                    let path = format!("/processes/{id}/legal-hold");
                    for until in [json!("2036-01-01T00:00:00Z"), Value::Null] {
                        let hold = json!({ "until": until });
                        play.ask(|customer| Box::pin(async { customer.put(&path, &hold).await })).await;
                    }
                }
                redact(play, id).await;
            })
        },
        callbacks: 1,
        redacted: true,
        ..APPROVED
    },
    Workflow {
        name: "LINK, redacted before its end",
        play: |play| {
            Box::pin(async {
                let id =
                    play.create("once", canary(at_link(play, "ok", true, json!({"manual": true, "certify": true}))));
                let id = id.await;
                play.pass(SignedDuration::from_mins(1)).await;
                redact(play, id).await;
            })
        },
        // A verdict that is there before the customer's request comes through is a verdict.
        ends: &["approved|cancelled"],
        redacted: true,
        ..APPROVED
    },
    Workflow {
        name: "Tecalis, redacted when its retention is over",
        play: |play| {
            Box::pin(async {
                play.world.local.retain("local", 30).await.unwrap();
                let authorization = play.world.local.sandbox().tecalis_authorize("approved").unwrap();
                play.create("once", canary(tecalis_order(&authorization))).await;
                play.settle().await;
                play.pass(SignedDuration::from_hours(31 * 24)).await;
                play.settle().await;
            })
        },
        redacted: true,
        ..APPROVED
    },
];

/// An order with pictures, which the play remembers.
fn at_link(play: &Play, script: &str, face: bool, options: Value) -> Value {
    let sandbox = play.world.local.sandbox();
    let mut kinds = vec![LinkPicture::Front, LinkPicture::Back];
    kinds.extend(face.then_some(LinkPicture::Selfie));
    let pictures = kinds.into_iter().map(|kind| sandbox.link_picture(kind, script).unwrap());
    play.submitted.lock().unwrap().extend(pictures);
    link_order(sandbox, script, face, &options)
}

/// Where LINK calls back with the result of a process.
async fn link_callback(play: &Play, id: &str) -> String {
    let mint = async {
        let secrets = play.world.local.platform("run-work").unwrap().secrets.current().await.unwrap();
        let (tenant, process) = ("local".parse().unwrap(), Some(id.parse().unwrap()));
        callback_token::mint(&secrets, "link", &tenant, process, Purpose::Result).unwrap()
    };
    format!("/callbacks/link/{}", play.world.aws.wire().aside(mint).await)
}

async fn redact(play: &Play, id: Option<String>) {
    if let Some(id) = id {
        let path = format!("/processes/{id}/redact");
        play.ask(|customer| Box::pin(async { customer.post(&path, &json!({})).await })).await;
    }
    play.settle().await;
}
