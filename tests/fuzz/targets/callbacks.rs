//! What comes to the addresses that the providers call back at.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cotejo::{
    common::TenantId,
    platform::secrets::SecretDocument,
    process::ProcessId,
    providers::{IncomingCallback, Provider as _, Purpose, callback_token},
};
use cotejo_fuzz::{accounts, at_link, body_of, new_process, now};
use http::HeaderMap;
use serde_json::json;

/// What no reference and no state may be longer than.
const MOST_BYTES: usize = 200;

fn webhook(input: &[u8]) -> Vec<u8> {
    let samples = [
        json!({"code": "AAAABBBBCCCCDDDD", "status": "VALIDATED", "custom": {"cotejo_id": ProcessId(uuid())}}),
        json!({"auth": uuid(), "process_status": "OK", "custom": {"cotejo_id": uuid()}}),
        json!({"id": uuid(), "service": "ManualIDVerification", "status": "Completed", "data": {}}),
        json!({"id": uuid(), "service": "Certification", "status": "Completed", "data": {}}),
    ];
    let (first, rest) = input.split_first().unwrap_or((&0, &[]));
    let sample = &samples[usize::from(*first) % samples.len()];
    cotejo_fuzz::mutated(sample.to_string().as_bytes(), rest)
}

fn uuid() -> uuid::Uuid {
    new_process("link").0.0
}

#[test]
fn whatever_calls_back() {
    let accounts = accounts("http://127.0.0.1:1");
    let headers = HeaderMap::new();
    fuzz!(|input: &[u8]| {
        for (name, provider) in &accounts {
            for body in [webhook(input), body_of(name, input), input.to_vec()] {
                for (purpose, process) in
                    Purpose::ALL.into_iter().flat_map(|purpose| [(purpose, None), (purpose, Some(ProcessId(uuid())))])
                {
                    let source = Some([127, 0, 0, 1].into());
                    let callback = IncomingCallback { purpose, process, source, headers: &headers, body: &body };
                    let Ok(said) = provider.read_callback(&callback) else { continue };
                    assert!(said.reference.len() <= MOST_BYTES && !said.reference.is_empty());
                    assert!(said.code.len() <= MOST_BYTES);
                    assert!(!said.reference.contains(['/', '?', '#', ' ']), "{}", said.reference);
                    assert!(
                        process.is_none() || said.process.is_none() || said.process == process,
                        "of another process"
                    );
                }
            }
        }
    });
}

#[test]
fn whatever_link_s_people_are_said_to_have_found() {
    let (link, request) = (at_link("http://127.0.0.1:1"), new_process("link").1);
    fuzz!(|input: &[u8]| {
        let body = Bytes::from(body_of("link", input));
        if let Some(answer) = link.read_result(&request, &body, now()) {
            assert!(answer.links.is_empty() && answer.raw == body);
            assert!(serde_json::to_vec(&answer.observation.findings).unwrap().len() <= 150_000);
        }
    });
}

#[test]
fn whatever_is_said_to_be_a_token_of_ours() {
    let key = |byte: u8| BASE64.encode([byte; 32]);
    let keys = json!([{"id": "k1", "key": key(1)}, {"id": "k2", "key": key(2)}]);
    let document = json!({
        "callback_keys": keys, "fingerprint_keys": keys, "code_keys": keys, "record_keys": keys, "unique_keys": keys,
    });
    let secrets = SecretDocument::parse(&document.to_string()).unwrap();
    let tenant: TenantId = "acme".parse().unwrap();
    let real = callback_token::mint(&secrets, "link", &tenant, Some(ProcessId(uuid())), Purpose::Result).unwrap();
    fuzz!(|input: &[u8]| {
        // Any text; and the real one with something put over a part of it.
        assert!(callback_token::verify(&secrets, "link", &String::from_utf8_lossy(input)).is_none());
        let Some((at, over)) = input.split_first() else { return };
        let mut changed = real.clone().into_bytes();
        let at = usize::from(*at) % changed.len();
        let end = (at + over.len()).min(changed.len());
        changed.splice(at..end, over.iter().copied());
        let changed = String::from_utf8_lossy(&changed).into_owned();
        if changed != real {
            assert!(callback_token::verify(&secrets, "link", &changed).is_none(), "{changed}");
        }
    });
}
