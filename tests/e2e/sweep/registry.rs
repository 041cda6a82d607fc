//! What the sweep plays beside verifications: records, codes, files, channels.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    play::Play,
    workflows::{APPROVED, Workflow},
};
use crate::{
    people::{juan, sample},
    temporary::john,
};

/// What all of these come to: no process.
const NONE: Workflow = Workflow { ends: &[], ..APPROVED };

/// The workflows of the registry.
pub const REGISTRY: &[Workflow] = &[
    Workflow {
        name: "A person and what belongs to it, changed, deleted and restored",
        play: |play| {
            Box::pin(async {
                let Some(person) = make(play, "/people", "person", juan()).await else { return };
                let path = format!("/people/{person}");
                put(play, &path, json!({"name": "Juana", "external_ref_id": "client-7"})).await;
                for list in ["contacts", "addresses", "biometric-results"] {
                    make(play, &format!("/{list}"), list, sample(list, &person)).await;
                }
                put(play, "/people/national-id/PESJ880212HDFHLX01", json!({"name": "Juan"})).await;
                post(play, "/people/search", json!({"ids": [person, person]})).await;
                play.ask(|customer| Box::pin(async { customer.get("/contacts").await })).await;
                play.ask(|customer| Box::pin(async { customer.call(reqwest::Method::DELETE, &path, None).await }))
                    .await;
                post(play, &format!("{path}/restore"), json!({})).await;
                play.settle().await;
            })
        },
        ..NONE
    },
    Workflow {
        name: "A contact that is confirmed by a code",
        play: |play| {
            Box::pin(async {
                let Some(person) = make(play, "/people", "person", juan()).await else { return };
                make(play, "/contacts", "contact", sample("contacts", &person)).await;
                let mut given = json!({"person_id": person, "phone": "525591038054"});
                post(play, "/contacts/sms-codes", given.clone()).await;
                let Some(sms) = play.world.local.sms().pop() else { return };
                given["code"] = sms.text.chars().filter(char::is_ascii_digit).take(6).collect::<String>().into();
                post(play, "/contacts/sms-codes/verify", given).await;
                play.settle().await;
            })
        },
        ..NONE
    },
    Workflow {
        name: "A file of persons that is imported",
        play: |play| {
            Box::pin(async {
                let file = "national_id,name,first_lastname,second_lastname\n\
                            BOXW310820HNERXN09,Wei,Xu,Bo\nPESJ880212HDFHLX01,Juan,Perez,Suares\n\
                            BOXW310820HNERXN09,Wu,Xu,Bo\nnobody,,,\n";
                let import = play.ask(|customer| {
                    Box::pin(async move { customer.post_form_once("/people/import", "file", &[("file", file)]).await })
                });
                let import = import.await;
                play.settle().await;
                let path = format!("/people/imports/{}", import.body["result"]["id"].as_str().unwrap());
                let job = play.ask(|customer| Box::pin(async { customer.get(&path).await })).await;
                let shown = &job.body["result"];
                let counts = ["created", "updated", "failed"].map(|count| shown[count].as_u64());
                assert_eq!((shown["state"].as_str(), counts), (Some("done"), [Some(2), Some(1), Some(1)]), "{shown}");
            })
        },
        ..NONE
    },
    Workflow {
        name: "A temporary person that becomes one",
        play: |play| {
            Box::pin(async {
                let Some(temporary) = make(play, "/temporary-people", "john", john()).await else { return };
                let given = json!({
                    "person_data": {"state_id": 7, "gender": "MALE"}, "bank_data": {"clabe": "002010077777777771"},
                    "employment_data": {"position": "CEO"}
                });
                post(play, &format!("/temporary-people/{temporary}/person"), given).await;
                play.settle().await;
            })
        },
        ..NONE
    },
    Workflow {
        name: "A channel that is changed and given another secret",
        play: |play| {
            Box::pin(async {
                play.listen().await;
                let list = play.ask(|customer| Box::pin(customer.get("/notification-channels"))).await;
                let Some(id) = list.body["result"][0]["id"].as_str().map(str::to_owned) else { return };
                let path = format!("/notification-channels/{id}");
                put(play, &path, json!({"name": "Front office"})).await;
                post(play, &format!("{path}/secret"), json!({})).await;
                play.pass(SignedDuration::from_secs(1)).await;
                let channel = play.ask(|customer| Box::pin(async { customer.get(&path).await })).await;
                let secrets = channel.body["result"]["config"]["secrets"].as_array().map(Vec::len);
                play.answers.lock().unwrap().push(format!("{secrets:?} secrets"));
                play.settle().await;
            })
        },
        ..NONE
    },
];

/// Makes a record with a key, and gives its id.
async fn make(play: &Play, path: &str, key: &str, body: Value) -> Option<String> {
    let made = play.ask(|customer| Box::pin(async { customer.post_once(path, key, &body).await })).await;
    made.body["result"]["id"].as_str().map(str::to_owned)
}

async fn post(play: &Play, path: &str, body: Value) {
    play.ask(|customer| Box::pin(async { customer.post(path, &body).await })).await;
}

async fn put(play: &Play, path: &str, body: Value) {
    play.ask(|customer| Box::pin(async { customer.put(path, &body).await })).await;
}
