//! What the companies answer.

use cotejo::{
    process::{Observation, ProcessRequest},
    providers::{Answer, CallbackUrls, Provider, ProviderError, Round, Submission, Submitted},
};
use cotejo_fuzz::{Answering, SAMPLES, accounts, at_link, authorization, body_of, new_process, now, pictures};
use tokio::runtime::{Builder, Runtime};

/// What of an answer is kept in the process's item, which DynamoDB takes up to 400 KB of.
const MOST_FINDINGS: usize = 150_000;
/// Pictures of one answer, each of which is a call and an entry.
const MOST_MEDIA: usize = 200;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What holds of every answer that was understood.
fn check(answer: &Answer) {
    check_observation(&answer.observation);
    for media in &answer.observation.media {
        let links = answer.links.iter().filter(|link| link.source == media.source).count();
        assert!(links <= 1, "two links to one picture");
    }
}

fn check_observation(observation: &Observation) {
    assert!(observation.media.len() <= MOST_MEDIA, "{} pictures", observation.media.len());
    let findings = serde_json::to_vec(&observation.findings).unwrap().len();
    assert!(findings <= MOST_FINDINGS, "{findings} bytes of findings");
    assert!(observation.reason.as_ref().is_none_or(|reason| reason.len() <= 200), "a reason without end");
}

/// A reference becomes part of keys and URLs.
fn check_reference(reference: &str) {
    assert!(!reference.is_empty() && reference.len() <= 200, "{} bytes", reference.len());
    assert!(reference.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{reference:?}");
}

async fn submit(provider: &dyn Provider, company: &str, request: &ProcessRequest) -> Result<Submitted, ProviderError> {
    let (id, _) = new_process(company);
    let pictures = if company == "link" { pictures() } else { Vec::new() };
    let callbacks = CallbackUrls { result: Some("https://x.example/r".into()), certificate: None };
    let submission =
        Submission { id, round: Round::First, request, pictures: &pictures, callbacks: &callbacks, now: now() };
    provider.submit(&submission).await
}

#[test]
fn samples_as_they_are_are_understood() {
    runtime().block_on(async {
        let company = Answering::start().await;
        let mut understood = 0;
        for (name, provider) in accounts(&company.url()) {
            for (_, sample) in SAMPLES.iter().filter(|(sample, _)| sample.starts_with(name)) {
                company.answer(200, sample.as_bytes().to_vec());
                understood += usize::from(provider.query(&authorization(), now()).await.is_ok());
            }
        }
        // Four states at Auco, one authorization at Tecalis: the targets below begin with what is understood.
        assert_eq!(understood, 5);
    });
}

#[test]
fn whatever_is_answered_to_a_query() {
    let runtime = runtime();
    let company = runtime.block_on(Answering::start());
    let accounts = accounts(&company.url());
    let reference = authorization();
    fuzz!(|input: &[u8]| {
        for (name, provider) in accounts.iter().filter(|(_, provider)| provider.capabilities().query) {
            company.answer(200, body_of(name, input));
            if let Ok(answer) = runtime.block_on(provider.query(&reference, now())) {
                check(&answer);
            }
        }
    });
}

#[test]
fn whatever_is_answered_to_a_submission() {
    let runtime = runtime();
    let company = runtime.block_on(Answering::start());
    let accounts = accounts(&company.url());
    let requests: Vec<_> = accounts.iter().map(|(name, _)| new_process(name).1).collect();
    fuzz!(|input: &[u8]| {
        let (status, input) = input.split_first().unwrap_or((&0, &[]));
        let status = [200, 201, 200, 400, 401, 409, 429, 500][usize::from(*status) % 8];
        for ((name, provider), request) in accounts.iter().zip(&requests) {
            company.answer(status, body_of(name, input));
            match runtime.block_on(submit(provider.as_ref(), name, request)) {
                Ok(submitted) => {
                    check_reference(&submitted.reference);
                    submitted.answer.iter().for_each(check);
                }
                // It is told to the customer: a word or a number, and no prose, which might repeat what was sent.
                Err(ProviderError::Rejected { code }) => {
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
    let company = runtime.block_on(Answering::start());
    let request = new_process("link").1;
    let token = r#"{"token": "t", "expiresIn": 3600}"#;
    fuzz!(|input: &[u8]| {
        // The token first, so that what follows is about the verification.
        let link = at_link(&company.url());
        company.answer(200, token.as_bytes().to_vec());
        let _ = runtime.block_on(link.certificate("x", now()));
        company.answer(200, body_of("link", input));
        if let Ok(submitted) = runtime.block_on(submit(&link, "link", &request)) {
            submitted.answer.iter().for_each(check);
        }
        let _ = runtime.block_on(link.certificate("x", now()));
    });
}
