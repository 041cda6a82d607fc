//! What the providers answer.

use std::collections::BTreeSet;

use cotejo::{
    process::{Observation, ProcessRequest, Status},
    providers::{Answer, CallbackUrls, Provider, ProviderError, Round, Submission, Submitted},
};
use cotejo_fuzz::{Answering, SAMPLES, accounts, at_link, authorization, body_of, mutated, new_process, now, pictures};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// What of an answer is kept in the process's item, which DynamoDB takes up to 400 KB of.
const MOST_FINDINGS: usize = 150_000;
/// A longer answer is not read at all.
const LONGEST_ANSWER: usize = 5 * 1024 * 1024;
/// Pictures of one answer, each of which is a call and an entry.
const MOST_MEDIA: usize = 200;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What holds of every answer that was understood.
fn check(answer: &Answer) {
    check_observation(&answer.observation);
    let sources: BTreeSet<_> = answer.observation.media.iter().map(|media| media.source.as_str()).collect();
    assert_eq!(sources.len(), answer.observation.media.len(), "two pictures of one identity");
    assert!(sources.iter().all(|source| source.len() <= 200), "an identity without end");
    assert!(answer.links.iter().all(|link| sources.contains(link.source.as_str())), "a link to no picture");
    assert_eq!(answer.links.len(), sources.len(), "two links to one picture, or none");
}

fn check_observation(observation: &Observation) {
    assert!(observation.media.len() <= MOST_MEDIA, "{} pictures", observation.media.len());
    let findings = serde_json::to_vec(&observation.findings).unwrap().len();
    assert!(findings <= MOST_FINDINGS, "{findings} bytes of findings");
    assert!(observation.reason.as_ref().is_none_or(|reason| reason.len() <= 200), "a reason without end");
    assert!(observation.unread.len() <= 20, "{} places that could not be read", observation.unread.len());
    let is_name =
        |place: &String| place.len() <= 100 && place.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_*".contains(&b));
    assert!(observation.unread.iter().all(is_name), "a place may hold what was sent: {:?}", observation.unread);
}

/// An answer of Auco's with three attempts, the second of them changed as `input` says.
/// `None` where that is no JSON, or longer than any answer that is read.
fn with_odd_attempt(input: &[u8]) -> Option<Vec<u8>> {
    let (_, sample) = SAMPLES.iter().find(|(name, _)| name.ends_with("approved")).unwrap();
    let mut answer: Value = serde_json::from_str(sample).unwrap();
    let attempt = answer["attempts"][0].clone();
    let mark = "THE ODD ONE";
    answer["attempts"] = json!([attempt, mark, attempt]);
    let odd = mutated(attempt.to_string().as_bytes(), input);
    serde_json::from_slice::<Value>(&odd).ok()?;
    let whole = answer.to_string();
    let (before, after) = whole.split_once(&Value::from(mark).to_string()).unwrap();
    let changed = [before.as_bytes(), &odd, after.as_bytes()].concat();
    (changed.len() <= LONGEST_ANSWER).then_some(changed)
}

#[test]
fn an_odd_attempt_costs_nothing_but_itself() {
    let runtime = runtime();
    let server = runtime.block_on(Answering::start());
    let accounts = accounts(&server.url());
    let (_, auco) = accounts.iter().find(|(name, _)| *name == "auco").unwrap();
    fuzz!(|input: &[u8]| {
        let Some(body) = with_odd_attempt(input) else { return };
        server.answer(200, body);
        let answer = runtime.block_on(auco.query("CODE", now())).unwrap();
        check(&answer);
        assert_eq!(answer.observation.status, Status::Approved);
        let of = |attempt| answer.observation.media.iter().filter(|media| media.attempt == attempt).count();
        assert_eq!((of(1), of(3)), (3, 3), "pictures of the others are lost");
    });
}

/// A reference becomes part of keys and URLs.
fn check_reference(reference: &str) {
    assert!(!reference.is_empty() && reference.len() <= 200, "{} bytes", reference.len());
    assert!(reference.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{reference:?}");
}

async fn submit(provider: &dyn Provider, name: &str, request: &ProcessRequest) -> Result<Submitted, ProviderError> {
    let (id, _) = new_process(name);
    let pictures = if name == "link" { pictures() } else { Vec::new() };
    let callbacks = CallbackUrls { result: Some("https://x.example/r".into()), certificate: None };
    let submission =
        Submission { id, round: Round::First, request, pictures: &pictures, callbacks: &callbacks, now: now() };
    provider.submit(&submission).await
}

#[test]
fn samples_as_they_are_are_understood() {
    runtime().block_on(async {
        let server = Answering::start().await;
        let mut understood = 0;
        for (name, provider) in accounts(&server.url()) {
            for (_, sample) in SAMPLES.iter().filter(|(sample, _)| sample.starts_with(name)) {
                server.answer(200, sample.as_bytes().to_vec());
                let Ok(answer) = provider.query(&authorization(), now()).await else { continue };
                assert_eq!(answer.observation.unread, [""; 0], "{sample}");
                understood += 1;
            }
        }
        // Four states at Auco, one authorization at Tecalis: the targets below begin with what is understood.
        assert_eq!(understood, 5);
    });
}

#[test]
fn whatever_is_answered_to_a_query() {
    let runtime = runtime();
    let server = runtime.block_on(Answering::start());
    let accounts = accounts(&server.url());
    let reference = authorization();
    fuzz!(|input: &[u8]| {
        for (name, provider) in accounts.iter().filter(|(_, provider)| provider.capabilities().query) {
            server.answer(200, body_of(name, input));
            if let Ok(answer) = runtime.block_on(provider.query(&reference, now())) {
                check(&answer);
            }
        }
    });
}

#[test]
fn whatever_is_answered_to_a_submission() {
    let runtime = runtime();
    let server = runtime.block_on(Answering::start());
    let accounts = accounts(&server.url());
    let requests: Vec<_> = accounts.iter().map(|(name, _)| new_process(name).1).collect();
    fuzz!(|input: &[u8]| {
        let (status, input) = input.split_first().unwrap_or((&0, &[]));
        let status = [200, 201, 200, 400, 401, 409, 429, 500][usize::from(*status) % 8];
        for ((name, provider), request) in accounts.iter().zip(&requests) {
            server.answer(status, body_of(name, input));
            match runtime.block_on(submit(provider.as_ref(), name, request)) {
                Ok(submitted) => {
                    check_reference(&submitted.reference);
                    submitted.answer.iter().for_each(check);
                }
                // It is told to the customer: a word or a number, and no prose, which might repeat what was sent.
                Err(ProviderError::Rejected { code, .. }) => {
                    assert!(
                        !code.is_empty() && code.len() <= 200 && code.bytes().all(|b| b.is_ascii_graphic()),
                        "{code}"
                    );
                }
                Err(_) => {}
            }
        }
    });
}

#[test]
fn whatever_is_answered_to_link_s_verification() {
    let runtime = runtime();
    let server = runtime.block_on(Answering::start());
    let request = new_process("link").1;
    let token = r#"{"token": "t", "expiresIn": 3600}"#;
    fuzz!(|input: &[u8]| {
        // The token first, so that what follows is about the verification.
        let link = at_link(&server.url());
        server.answer(200, token.as_bytes().to_vec());
        let _ = runtime.block_on(link.certificate("x", now()));
        server.answer(200, body_of("link", input));
        if let Ok(submitted) = runtime.block_on(submit(&link, "link", &request)) {
            submitted.answer.iter().for_each(check);
        }
        let _ = runtime.block_on(link.certificate("x", now()));
    });
}
