//! How everything stands when nothing is left to be done, as customer, operator and providers see it.

use std::collections::BTreeMap;

use bytes::Bytes;
use cotejo_sandbox::{AucoProcessView, LinkView};
use cotejo_tests::{Customer, Kept, Received, Written};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{play::Play, workflows::Workflow};

/// What there is to see.
pub struct Seen {
    /// The processes, as their customer sees them.
    pub processes: Vec<Value>,
    /// The table.
    pub items: Vec<Value>,
    /// Everything that was ever written into the table.
    pub written: Vec<Written>,
    /// The bucket.
    pub objects: Vec<Kept>,
    pub unfinished_uploads: usize,
    pub at_auco: Vec<AucoProcessView>,
    pub at_link: Vec<LinkView>,
    /// SHA-256 of every picture and video that there is to be kept, by process.
    pub originals: BTreeMap<String, Vec<String>>,
    /// The certificates as they were made.
    pub certificates: BTreeMap<String, Bytes>,
    /// What the customer's systems took.
    pub told: Vec<Received>,
    /// What somebody with another tenant's key was answered, who asked for everything.
    pub answers_to_stranger: Vec<u16>,
}

impl Seen {
    pub async fn of(play: &Play) -> Self {
        let wire = play.world.aws.wire().clone();
        wire.aside(Self::look(play)).await
    }

    async fn look(play: &Play) -> Self {
        let (world, sandbox) = (&play.world, play.world.local.sandbox());
        let mut processes = Vec::new();
        for id in play.ids().await {
            processes.push(world.customer.process(&id).await);
        }
        let (mut originals, mut certificates) = (BTreeMap::new(), BTreeMap::new());
        for process in &processes {
            let id = process["id"].as_str().unwrap().to_owned();
            originals.insert(id.clone(), originals_of(play, process));
            certificates.extend(sandbox.link_certificate(&id).map(|made| (id, made)));
        }
        Self {
            answers_to_stranger: ask_as_stranger(play, &processes).await,
            processes,
            items: world.raw_items().await,
            written: world.aws.wire().take_written(),
            objects: world.objects("").await,
            unfinished_uploads: world.unfinished_uploads().await,
            at_auco: sandbox.auco_processes(),
            at_link: sandbox.link_requests(),
            originals,
            certificates,
            told: play.receiver.taken(),
        }
    }

    /// Whether the provider has the process and we can know. Only Auco cannot be asked for a process whose number was lost
    /// with its answer; if it does not call back either, nobody can tell.
    pub fn is_there(&self, workflow: &Workflow, process: &Value) -> bool {
        let is_its = |there: &AucoProcessView| there.custom["cotejo_id"] == process["id"];
        let is_told = process["provider_reference"].is_string() || workflow.callbacks > 0;
        process["provider"] != "auco" || is_told && self.at_auco.iter().any(is_its)
    }

    /// The process's objects of one kind.
    pub fn objects_of<'a>(&'a self, process: &Value, kind: &str) -> impl Iterator<Item = &'a Kept> {
        let prefix = format!("local/{}/{kind}", process["id"].as_str().unwrap());
        self.objects.iter().filter(move |object| object.key.starts_with(&prefix))
    }
}

pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn originals_of(play: &Play, process: &Value) -> Vec<String> {
    let sandbox = play.world.local.sandbox();
    let reference = process["provider_reference"].as_str().unwrap_or_default();
    match process["provider"].as_str() {
        Some("auco") => {
            let kinds = ["identificationCardFront", "identificationCardBack", "photo"];
            let all = (0..3).flat_map(|attempt| kinds.map(|kind| sandbox.picture(reference, attempt, kind)));
            all.flatten().map(|picture| hash(&picture)).collect()
        }
        Some("link") => play.submitted.lock().unwrap().iter().map(|picture| hash(picture)).collect(),
        _ => {
            let pictures = sandbox.tecalis_pictures(reference).into_iter().map(|(_, picture)| hash(&picture));
            pictures.chain(sandbox.tecalis_video(reference).map(|(_, sha256)| hex::encode(sha256))).collect()
        }
    }
}

async fn ask_as_stranger(play: &Play, processes: &[Value]) -> Vec<u16> {
    let world = &play.world;
    let other = world.local.add_tenant("stranger").await.unwrap();
    let stranger = Customer::new(world.local.url(), &other.api_key);
    let mut answers = Vec::new();
    for process in processes {
        let path = format!("/processes/{}", process["id"].as_str().unwrap());
        answers.push(stranger.get(&path).await.status);
        answers.push(stranger.get(&format!("{path}?refresh=true")).await.status);
        answers.push(stranger.get(&format!("{path}/certificate")).await.status);
        for piece in process["evidence"].as_array().unwrap().iter().take(1) {
            answers.push(stranger.get(&format!("{path}/evidence/{}", piece["id"].as_str().unwrap())).await.status);
        }
    }
    answers
}
