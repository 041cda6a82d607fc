//! Whether everything is as it must be.

use serde_json::Value;

use super::{
    Verification,
    kept::{Piece, stored},
    text,
};
use crate::runtime::Local;

/// Everything that is not, in lines for the user.
pub(super) fn wrong(local: &Local, all: &[Verification]) -> Vec<String> {
    let mut wrong = Vec::new();
    for verification in all {
        let name = verification.name();
        let is_sandbox = verification.script.provider.is_sandbox(local);
        let found = of_process(verification).into_iter().chain(verification.pieces.iter().flat_map(|piece| {
            let name = format!("{} {}", piece.original.kind, piece.original.number);
            of_piece(piece, is_sandbox).into_iter().map(move |what| format!("{name}: {what}"))
        }));
        wrong.extend(found.map(|what| format!("{name}: {what}")));
    }
    wrong
}

fn of_process(verification: &Verification) -> Vec<String> {
    let (process, script) = (&verification.process, verification.script);
    let mut wrong = Vec::new();
    let status = text(process, "status");
    if status != script.status {
        wrong.push(format!("{status} instead of {}", script.status));
    }
    if process["status_reason"].is_string() != script.has_reason {
        let there_is = if script.has_reason { "no reason" } else { "a reason" };
        wrong.push(format!("{there_is} for {status}"));
    }
    for (name, outcome) in script.checks {
        if !checks(process).any(|check| check["name"] == *name && check["outcome"] == *outcome) {
            wrong.push(format!("there is no check {name} that {outcome}"));
        }
    }
    let certificate = text(&process["certificate"], "state");
    let wanted = if script.certifies() { "stored" } else { "none" };
    if certificate != wanted {
        wrong.push(format!("its certificate is {certificate} instead of {wanted}"));
    }
    if verification.pieces.iter().any(Piece::is_certificate) != script.certifies() {
        wrong.push("the provider has a certificate too many or too few".to_owned());
    }
    let shown = verification.pieces.iter().filter(|piece| !piece.is_certificate()).count();
    if shown == 0 {
        wrong.push("the provider shows no pictures".to_owned());
    }
    let kept = stored(process).count();
    if kept != shown {
        wrong.push(format!("{kept} pictures and videos are kept of {shown}"));
    }
    wrong
}

/// What is wrong with a piece. Only the sandbox can say which file it made.
fn of_piece(piece: &Piece, is_sandbox: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if piece.path.is_none() {
        wrong.push("not kept as it was".to_owned());
    }
    if let Some(status) = piece.link_answers.filter(|status| *status != 403) {
        wrong.push(format!("the provider's link answers {status}"));
    }
    if !piece.ours_opens {
        wrong.push("our link does not give the same bytes".to_owned());
    }
    let is_as_made = match &piece.original.made {
        Some(made) => *made == piece.sha256,
        None => !is_sandbox,
    };
    if !is_as_made {
        wrong.push("the provider's link gave something else than the sandbox made".to_owned());
    }
    wrong
}

/// The extracted data of person and document.
pub(super) fn checks(process: &Value) -> impl Iterator<Item = &Value> {
    process["findings"]["checks"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::demo::{
        providers::{CERTIFICATE, Original, Place, Provider},
        scripts::Script,
    };

    static SCRIPT: Script = Script {
        provider: Provider::Link,
        words: "ok",
        options: &["certify"],
        meaning: "a test",
        status: "approved",
        has_reason: false,
        checks: &[("face", "passed")],
    };

    fn piece(kind: &'static str, place: Place) -> Piece {
        let link_answers = matches!(place, Place::Link(_)).then_some(403);
        Piece {
            original: Original { kind, number: 1, place, made: Some("hash".to_owned()) },
            bytes: 4,
            sha256: "hash".to_owned(),
            path: Some("/processes/id/evidence/id".to_owned()),
            link_answers,
            ours_opens: true,
        }
    }

    fn good() -> Verification {
        let process = json!({
            "status": "approved", "status_reason": null,
            "findings": {"checks": [{"name": "face", "outcome": "passed"}]},
            "evidence": [{"kind": "selfie", "state": "stored"}, {"kind": "provider_response", "state": "stored"}],
            "certificate": {"state": "stored"},
        });
        let here = || Place::Here(Bytes::new());
        Verification {
            script: &SCRIPT,
            id: String::new(),
            process,
            pieces: vec![piece("selfie", here()), piece(CERTIFICATE, here())],
        }
    }

    #[test]
    fn a_process_that_ended_as_its_script_says_is_as_it_must_be() {
        assert!(of_process(&good()).is_empty());
    }

    #[test]
    fn whatever_else_became_of_a_process_is_said() {
        for (pointer, value, said) in [
            ("/status", json!("failed"), "failed instead of approved"),
            ("/status_reason", json!("glare"), "a reason for approved"),
            ("/findings/checks/0/outcome", json!("failed"), "there is no check face that passed"),
            ("/certificate/state", json!("failed"), "its certificate is failed instead of stored"),
            ("/evidence/0/state", json!("pending"), "0 pictures and videos are kept of 1"),
        ] {
            let mut verification = good();
            *verification.process.pointer_mut(pointer).expect(pointer) = value;
            assert_eq!(of_process(&verification), [said]);
        }
        let mut uncertified = good();
        uncertified.pieces.pop();
        assert_eq!(of_process(&uncertified), ["the provider has a certificate too many or too few"]);
        let mut bare = good();
        bare.pieces.remove(0);
        bare.process["evidence"] = json!([]);
        assert_eq!(of_process(&bare), ["the provider shows no pictures"]);
    }

    #[test]
    fn a_piece_is_as_it_must_be_only_if_it_is_kept_and_opens_and_the_provider_s_link_is_dead() {
        let good = || piece("selfie", Place::Link(String::new()));
        assert!(of_piece(&good(), true).is_empty());
        assert_eq!(of_piece(&Piece { path: None, ..good() }, true), ["not kept as it was"]);
        assert_eq!(of_piece(&Piece { link_answers: Some(200), ..good() }, true), ["the provider's link answers 200"]);
        let unopened = Piece { ours_opens: false, ..good() };
        assert_eq!(of_piece(&unopened, true), ["our link does not give the same bytes"]);
    }

    #[test]
    fn only_what_the_sandbox_makes_is_held_against_what_it_made() {
        let other = Piece { sha256: "another".to_owned(), ..piece("selfie", Place::Link(String::new())) };
        assert_eq!(of_piece(&other, true), ["the provider's link gave something else than the sandbox made"]);
        let mut unknown = piece("selfie", Place::Link(String::new()));
        unknown.original.made = None;
        assert!(of_piece(&unknown, false).is_empty());
        assert_eq!(of_piece(&unknown, true).len(), 1);
    }
}
