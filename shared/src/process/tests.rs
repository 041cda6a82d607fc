//! The rules of the aggregate, as properties over arbitrary histories.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use jiff::ToSpan as _;
use proptest::prelude::*;

use super::{
    conclusion::{DEADLINE_GRACE, EVIDENCE_GRACE},
    *,
};
use crate::common::{Actor, Private};

fn start() -> Timestamp {
    "2026-11-01T10:00:00Z".parse().unwrap()
}

fn process() -> Process {
    let request = serde_json::from_value(serde_json::json!({
        "provider": "auco", "person": {"name": "Juan Pérez"},
        "document": {"country": "CO", "type": "CC", "number": "1001001010"},
    }))
    .unwrap();
    Process::new(ProcessId(crate::common::ids::uuid_of(&["test"])), "acme".parse().unwrap(), request, start())
}

fn seen(status: Status, at: Timestamp) -> Observation {
    Observation {
        observed_at: at,
        status,
        reason: None,
        findings: Findings::default(),
        media: Vec::new(),
        certificate: None,
        escalate: false,
        unread: Vec::new(),
    }
}

fn picture(source: u8, outcome: CopyOutcome) -> ObservedMedia {
    ObservedMedia {
        source: format!("picture-{source}"),
        kind: EvidenceKind::Selfie,
        attempt: 1,
        captured_at: None,
        outcome,
    }
}

fn stored() -> CopyOutcome {
    CopyOutcome::Stored(StoredCopy { key: "k".into(), bytes: 1, sha256: "s".into(), content_type: "image/jpeg".into() })
}

#[test]
fn a_process_approved_with_its_pictures_tells_so_once() {
    let mut process = process();
    let now = start();
    assert_eq!(process.submitted("REF", now)[0].name, EventName::ProcessCreated);
    let mut answer = seen(Status::Approved, now);
    answer.media = vec![picture(1, stored())];
    let names: Vec<_> = process.apply(&answer, now).into_iter().map(|event| event.name).collect();
    assert_eq!(names, [EventName::ProcessApproved, EventName::ProcessEvidenceSettled]);
    assert!(process.apply(&answer, now).is_empty());
    assert!(process.submitted("REF", now).is_empty());
}

#[test]
fn a_held_verdict_counts_after_its_time_while_in_review() {
    let mut process = process();
    let now = start();
    process.submitted("REF", now);
    let held =
        HeldVerdict { status: Status::Approved, code: "VALIDATED".into(), reason: None, usable_at: now + 15.minutes() };
    process.called_back("VALIDATED", now, Some(held));
    process.apply(&seen(Status::InReview, now), now);
    assert_eq!(process.status, Status::InReview);
    let later = now + 15.minutes();
    process.apply(&seen(Status::InReview, later), later);
    assert_eq!((process.status, process.status_reason.as_deref()), (Status::Approved, Some("VALIDATED")));
    assert!(!process.awaits_held_verdict());
    // A reviewer who changes their mind is held anew, also after the end.
    let held = HeldVerdict {
        status: Status::Rejected,
        code: "INVALIDATED".into(),
        reason: None,
        usable_at: later + 15.minutes(),
    };
    process.called_back("INVALIDATED", later, Some(held));
    assert!(process.awaits_held_verdict());
    let later = later + 15.minutes();
    assert_eq!(process.apply(&seen(Status::InReview, later), later)[0].name, EventName::ProcessAmended);
    assert_eq!(process.status, Status::Rejected);
    process.apply(&seen(Status::Approved, later), later);
    // The provider's own verdict settles it for good.
    process.apply(&seen(Status::Rejected, later), later);
    assert_eq!((process.status, process.held_verdict.clone()), (Status::Rejected, None));
}

#[test]
fn an_end_has_the_callback_s_reason_in_either_order() {
    let now = start();
    let held = |reason: Option<&str>| HeldVerdict {
        status: Status::Rejected,
        code: "INVALIDATED".into(),
        reason: reason.map(str::to_owned),
        usable_at: now + 15.minutes(),
    };
    for reason in [Some("document_forged"), None] {
        let (mut first, mut second) = (process(), process());
        for process in [&mut first, &mut second] {
            process.submitted("REF", now);
            process.apply(&seen(Status::Approved, now), now);
        }
        first.called_back("INVALIDATED", now, Some(held(reason)));
        assert_eq!(first.apply(&seen(Status::Rejected, now), now)[0].name, EventName::ProcessAmended);
        second.apply(&seen(Status::Rejected, now), now);
        assert_eq!(second.status_reason, None);
        second.called_back("INVALIDATED", now, Some(held(reason)));
        assert_eq!(second.apply(&seen(Status::Rejected, now), now), [], "a reason is no event");
        for process in [first, second] {
            assert_eq!(process.status_reason.as_deref(), reason.or(Some("INVALIDATED")));
            assert!(process.held_verdict.is_none());
            let received = process.timeline.entries().iter().find(|entry| entry.event == "callback_received").unwrap();
            let told = reason.map_or("INVALIDATED".to_owned(), |reason| format!("INVALIDATED: {reason}"));
            assert_eq!(received.detail.as_ref(), Some(&told));
        }
    }
}

#[test]
fn a_held_verdict_survives_an_older_end() {
    let (mut process, now) = (process(), start());
    process.submitted("REF", now);
    process.apply(&seen(Status::Approved, now), now);
    let usable_at = now + 15.minutes();
    let held = HeldVerdict { status: Status::Rejected, code: "INVALIDATED".into(), reason: None, usable_at };
    process.called_back("INVALIDATED", now, Some(held));
    // The provider's answer is not up to date yet.
    process.apply(&seen(Status::Approved, now), now);
    assert!(process.awaits_held_verdict(), "somebody will ask again");
    let mut corrected = process.clone();
    assert_eq!(corrected.apply(&seen(Status::Rejected, usable_at), usable_at)[0].name, EventName::ProcessAmended);
    // If it still says so when the verdict could count, it knows better.
    process.apply(&seen(Status::Approved, usable_at), usable_at);
    assert_eq!((process.status, process.held_verdict.clone()), (Status::Approved, None));
}

#[test]
fn each_change_of_a_provider_s_trouble_is_in_the_timeline() {
    let (mut process, now) = (process(), start());
    process.submitted("REF", now);
    for trouble in ["unavailable", "unavailable", "unauthorized", "rejected: X", "rejected: X"] {
        process.unanswered(trouble, now);
    }
    process.apply(&seen(Status::InProgress, now), now);
    process.unanswered("unavailable", now);
    let told = process.timeline.entries().iter().filter(|entry| entry.event == "provider_trouble");
    let told: Vec<_> = told.filter_map(|entry| entry.detail.as_deref()).collect();
    assert_eq!(told, ["unavailable", "unauthorized", "rejected: X", "unavailable"]);
}

#[test]
fn copies_that_fail_are_told_by_their_kinds() {
    let (mut process, mut now) = (process(), start());
    process.submitted("REF", now);
    let failed = |reason: &str| CopyOutcome::Failed { reason: reason.to_owned() };
    let mut answer = seen(Status::Approved, now);
    for (first, second) in [("cut_off", "cut_off"), ("cut_off", "cut_off"), ("cut_off", "not_media"), ("gone", "gone")]
    {
        answer.observed_at = now;
        answer.media = vec![picture(1, failed(first)), picture(2, failed(second))];
        process.apply(&answer, now);
        now += 3.hours();
    }
    answer.media = vec![picture(1, stored()), picture(2, CopyOutcome::Hopeless { reason: "too_large".to_owned() })];
    answer.observed_at = now;
    process.apply(&answer, now);
    let told = process.timeline.entries().iter().filter(|entry| entry.event.starts_with("copy_"));
    let told: Vec<_> = told.map(|entry| format!("{} {}", entry.event, entry.detail.as_deref().unwrap())).collect();
    let right =
        ["copy_trouble cut_off", "copy_trouble cut_off, not_media", "copy_trouble gone", "copy_given_up too_large"];
    assert_eq!(told, right);
    assert!(process.copy_trouble.is_over());
}

#[test]
fn refusals_fill_only_a_few_pieces_of_evidence() {
    let (mut process, now) = (process(), start());
    for number in 0..50 {
        process.keep_said(&ObservedMedia::said(&number.to_string(), stored(), now), now);
        process.keep_said(&ObservedMedia::said(&number.to_string(), stored(), now), now);
    }
    assert_eq!(process.evidence.len(), copying::MAX_SAID);
    assert_eq!(process.evidence_state(), EvidenceState::Complete);
}

#[test]
fn an_older_answer_never_amends_a_newer_one() {
    let mut process = process();
    let now = start();
    process.submitted("REF", now);
    process.apply(&seen(Status::Approved, now + 10.seconds()), now + 11.seconds());
    assert!(process.apply(&seen(Status::Rejected, now), now + 12.seconds()).is_empty());
    assert_eq!(process.status, Status::Approved);
}

#[test]
fn a_deadline_waits_for_one_last_answer_but_not_for_ever() {
    let mut process = process();
    process.submitted("REF", start());
    let deadline = process.expires_at;
    assert_eq!(process.conclude(deadline), []);
    let mut unreachable = process.clone();
    process.apply(&seen(Status::InProgress, deadline), deadline);
    assert_eq!(process.conclude(deadline)[0].name, EventName::ProcessExpired);
    unreachable.unanswered("unavailable", deadline);
    assert_eq!(unreachable.conclude(deadline), []);
    assert_eq!(unreachable.conclude(deadline + DEADLINE_GRACE)[0].name, EventName::ProcessExpired);
    // The person finished after all.
    let amended = unreachable.apply(&seen(Status::Approved, deadline + DEADLINE_GRACE), deadline + DEADLINE_GRACE);
    assert_eq!(amended[0].name, EventName::ProcessAmended);
}

#[test]
fn an_unconfirmed_submission_fails_and_may_reopen() {
    let mut process = process();
    assert_eq!(process.conclude(start() + SUBMIT_LEASE), []);
    let late = start() + SUBMISSION_GRACE;
    assert_eq!(process.conclude(late)[0].name, EventName::ProcessFailed);
    let events = process.submitted("REF", late);
    assert_eq!(events[0].name, EventName::ProcessAmended);
    assert_eq!(process.status, Status::InProgress);
}

#[test]
fn evidence_is_incomplete_while_the_newest_answer_is_unread() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = seen(Status::Approved, start() + 2.seconds());
    answer.media = vec![picture(1, stored())];
    answer.unread = vec!["/attempts/*".to_owned()];
    process.apply(&answer, start());
    assert_eq!((process.status, process.evidence_state()), (Status::Approved, EvidenceState::Incomplete));
    let noted = |process: &Process| {
        let entries = process.timeline.entries().iter().filter(|entry| entry.event == "answer_unread");
        entries.map(|entry| entry.detail.clone().unwrap()).collect::<Vec<_>>()
    };
    process.apply(&answer, start());
    assert_eq!(noted(&process), ["/attempts/*"], "once");
    // An older answer that comes late says nothing of it.
    let mut late = seen(Status::Approved, start());
    late.unread = vec!["/status".to_owned()];
    process.apply(&late, start());
    assert_eq!((noted(&process).len(), process.unread.present.len()), (1, 1));
    answer.unread = (0..70).map(|n| format!("/place/{n}")).collect();
    process.apply(&answer, start());
    assert_eq!(noted(&process).len(), 2);
    assert_eq!(noted(&process)[1].matches("/place/").count(), 8);
    assert!(noted(&process)[1].ends_with(" and 21 more"), "{:?}", noted(&process));
    let mut redacted = process.clone();
    redacted.redact(&Actor::key("key", "Key"), start()).unwrap();
    assert_eq!(redacted.evidence_state(), EvidenceState::Incomplete);
    answer.unread.clear();
    process.apply(&answer, start());
    assert_eq!((process.evidence_state(), noted(&process).len()), (EvidenceState::Complete, 2));
}

#[test]
fn each_piece_has_one_entry_and_is_copied_once() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = seen(Status::InProgress, start());
    let limit = u8::try_from(copying::MAX_PIECES).unwrap();
    answer.media = (2..limit).map(|source| picture(source, stored())).collect();
    process.apply(&answer, start());
    let shown: Vec<_> = [2, 101, 101, 102, 103, 104].map(|source| picture(source, CopyOutcome::NotTried)).into();
    assert_eq!(process.wanted_copies(&shown, start()), [1, 3]);
    answer.media = shown;
    process.apply(&answer, start());
    assert_eq!(process.evidence.len(), copying::MAX_PIECES);
    process.apply(&answer, start());
    let limits = process.timeline.entries().iter().filter(|entry| entry.event == "evidence_limit_reached");
    assert_eq!(limits.count(), 1);
    answer.media = (2..limit).chain([101, 102, 103]).map(|source| picture(source, stored())).collect();
    process.apply(&answer, start());
    assert_eq!(process.evidence_state(), EvidenceState::Incomplete, "all is stored that has a place");
}

#[test]
fn a_picture_is_given_up_after_its_last_try() {
    let mut process = process();
    process.submitted("REF", start());
    let mut now = start();
    let mut answer = seen(Status::Approved, now);
    answer.media = vec![picture(1, CopyOutcome::Failed { reason: "cut_off".into() })];
    for _ in 0..evidence::MAX_TRIES {
        assert!(process.evidence.is_empty() || process.evidence_state() == EvidenceState::Pending);
        answer.observed_at = now;
        process.apply(&answer, now);
        now = process.next_copy_at().unwrap_or(now);
    }
    assert_eq!(process.evidence[0].copy, Copy::Incomplete { reason: "cut_off".into() });
    answer.media = vec![picture(1, stored())];
    process.apply(&answer, now);
    assert_eq!(process.evidence_state(), EvidenceState::Incomplete);
}

#[test]
fn a_picture_that_disappears_uses_up_its_tries() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = seen(Status::Approved, start());
    answer.media = vec![picture(1, CopyOutcome::Failed { reason: "cut_off".into() })];
    process.apply(&answer, start());
    answer.media.clear();
    for _ in 1..evidence::MAX_TRIES {
        let now = process.next_copy_at().unwrap();
        answer.observed_at = now;
        process.apply(&answer, now);
    }
    assert_eq!(process.evidence[0].copy, Copy::Incomplete { reason: "not_shown".into() });
}

#[test]
fn pending_pictures_are_given_up_two_weeks_after_the_end() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = seen(Status::Approved, start());
    answer.media = vec![picture(1, CopyOutcome::Failed { reason: "cut_off".into() })];
    process.apply(&answer, start());
    assert_eq!(process.conclude(start() + EVIDENCE_GRACE - 1.second()), []);
    assert_eq!(process.evidence_state(), EvidenceState::Pending);
    assert_eq!(process.conclude(start() + EVIDENCE_GRACE)[0].name, EventName::ProcessEvidenceSettled);
    assert_eq!(process.evidence[0].copy, Copy::Incomplete { reason: "cut_off".into() });
}

#[test]
fn a_process_keeps_a_bounded_number_of_pieces() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = seen(Status::InProgress, start());
    answer.media = (0..=u8::MAX).map(|source| picture(source, stored())).collect();
    process.apply(&answer, start());
    process.apply(&answer, start());
    assert_eq!(process.evidence.len(), copying::MAX_PIECES);
    let noted = process.timeline.entries().iter().filter(|entry| entry.event == "evidence_limit_reached").count();
    assert_eq!(noted, 1);
}

#[test]
fn only_what_is_in_review_can_be_decided_and_only_once() {
    let mut process = process();
    let now = start();
    let decision = |verdict| Decision {
        verdict,
        reason: "r".to_owned().into(),
        decided_by: Actor::key("k", "K"),
        decided_at: now,
    };
    process.submitted("REF", now);
    assert_eq!(process.decide(decision(Verdict::Approved)), Err(NotInReview));
    process.apply(&seen(Status::InReview, now), now);
    let held = HeldVerdict { status: Status::Approved, code: "VALIDATED".into(), reason: None, usable_at: now };
    process.called_back("VALIDATED", now, Some(held));
    assert_eq!(process.decide(decision(Verdict::Rejected)).unwrap()[0].name, EventName::ProcessRejected);
    assert_eq!(process.decide(decision(Verdict::Rejected)), Ok(Vec::new()));
    assert_eq!(process.decide(decision(Verdict::Approved)), Err(NotInReview));
    // The provider still waiting for its own reviewer is no news; its verdict is.
    assert!(process.apply(&seen(Status::InReview, now), now).is_empty());
    assert_eq!(process.apply(&seen(Status::Approved, now), now)[0].name, EventName::ProcessAmended);
}

/// An answer that shows a document which is valid up to and on `last_day`.
fn read(status: Status, at: Timestamp, last_day: &str) -> Observation {
    let mut answer = seen(status, at);
    answer.findings.extracted.expiry_date = Some(Private::new(last_day.to_owned()));
    answer.findings.provider_result = Some(format!("{status:?}"));
    answer
}

fn expiry(process: &Process) -> findings::Outcome {
    process.findings.checks.iter().find(|check| check.name == "document_expiry").unwrap().outcome
}

#[test]
fn our_checks_do_not_change_the_provider_s_verdict() {
    let mut process = process();
    process.submitted("REF", start());
    let mut answer = read(Status::Approved, start(), "2020-01-01");
    answer.findings.extracted.document_number = Some(Private::new("1.001.001.010".to_owned()));
    let theirs = findings::Check {
        name: "document_expiry".into(),
        outcome: findings::Outcome::Passed,
        source: findings::Source::Provider,
        provider_code: Some("OK".into()),
        detail: None,
    };
    answer.findings.checks.push(theirs.clone());
    process.apply(&answer, start());
    assert_eq!(process.status, Status::Approved);
    assert_eq!(process.findings.checks[0], theirs);
    let ours: Vec<_> = process.findings.checks[1..].iter().map(|check| (check.name.as_str(), check.outcome)).collect();
    let (failed, passed) = (findings::Outcome::Failed, findings::Outcome::Passed);
    assert_eq!(ours, [("document_expiry", failed), ("number_matches_request", passed)]);
}

#[test]
fn a_repeated_answer_changes_nothing_after_the_document_expired() {
    for status in [Status::InReview, Status::Approved] {
        let mut process = process();
        process.submitted("REF", start());
        // Asked a second before midnight, on the document's last day, and applied the day after.
        let asked_at: Timestamp = "2026-11-01T23:59:59Z".parse().unwrap();
        process.apply(&read(status, asked_at, "2026-11-01"), asked_at + 2.seconds());
        assert_eq!(expiry(&process), findings::Outcome::Passed);
        let before = process.clone();
        for later in [asked_at + 2.seconds(), asked_at + 800.hours()] {
            process.apply(&read(status, later, "2026-11-01"), later);
            assert_eq!((&process.findings, process.updated_at), (&before.findings, before.updated_at));
        }
    }
}

#[test]
fn what_an_ended_process_shows_later_was_read_before_its_end() {
    let later = start() + 800.hours();
    let mut overridden = process();
    overridden.submitted("REF", start());
    overridden.apply(&read(Status::Approved, start(), "2026-11-30"), start());
    overridden.apply(&read(Status::Rejected, later, "2026-11-30"), later);
    assert_eq!((overridden.status, expiry(&overridden)), (Status::Rejected, findings::Outcome::Passed));

    let mut corrected = process();
    corrected.submitted("REF", start());
    corrected.apply(&read(Status::Approved, start(), "2026-11-03"), start());
    corrected.apply(&read(Status::Approved, later, "2026-11-30"), later);
    assert_eq!(expiry(&corrected), findings::Outcome::Passed);
}

#[test]
fn data_after_an_inferred_end_is_checked_on_its_own_day() {
    let mut process = process();
    process.submitted("REF", start());
    let deadline = process.expires_at;
    process.apply(&seen(Status::InProgress, deadline), deadline);
    assert_eq!(process.conclude(deadline).len(), 1);
    let later = deadline + 48.hours();
    process.apply(&read(Status::Approved, later, "2026-12-02"), later);
    assert_eq!(expiry(&process), findings::Outcome::Failed);
}

/// One thing that can happen to a process.
#[derive(Debug, Clone)]
enum Step {
    Submitted,
    Answer { status: Status, age: i64, pictures: Vec<(u8, u8)> },
    Silence,
    Callback(Option<Status>),
    TimePasses(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let status = proptest::sample::select(Status::ALL[1..].to_vec());
    let answer = (status, 0..600_i64, proptest::collection::vec((0..4_u8, 0..4_u8), 0..4))
        .prop_map(|(status, age, pictures)| Step::Answer { status, age, pictures });
    let verdict = proptest::option::of(proptest::sample::select(vec![Status::Approved, Status::Rejected]));
    let step = prop_oneof![
        1 => Just(Step::Submitted),
        6 => answer,
        1 => Just(Step::Silence),
        2 => verdict.prop_map(Step::Callback),
        2 => (0..3_000_000_i64).prop_map(Step::TimePasses),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn no_history_breaks_the_rules(steps in steps()) {
        let mut process = process();
        let mut now = start();
        let mut told = Vec::new();
        let mut kept: HashSet<String> = HashSet::new();
        for step in steps {
            let before = process.clone();
            let mut events = match step {
                Step::Submitted => process.submitted("REF", now),
                Step::Answer { status, age, pictures } => {
                    let mut answer = seen(status, now - SignedDuration::from_secs(age));
                    answer.media = pictures.iter().map(|(source, outcome)| picture(*source, match outcome {
                        0 => stored(),
                        1 => CopyOutcome::Failed { reason: "unavailable".into() },
                        2 => CopyOutcome::Hopeless { reason: "refused".into() },
                        _ => CopyOutcome::NotTried,
                    })).collect();
                    process.apply(&answer, now)
                }
                Step::Silence => { process.unanswered("unavailable", now); Vec::new() }
                Step::Callback(verdict) => {
                    let held = verdict.map(|status| HeldVerdict { status, code: "V".into(), reason: None, usable_at: now + SignedDuration::from_mins(15) });
                    process.called_back("X", now, held);
                    Vec::new()
                }
                Step::TimePasses(seconds) => { now += SignedDuration::from_secs(seconds); Vec::new() }
            };
            events.extend(process.conclude(now));

            // Every change of state is told, in order, and nothing else is told as one.
            let moves: Vec<_> = events.iter().filter(|e| e.name != EventName::ProcessEvidenceSettled).collect();
            let mut status = before.status;
            for event in &moves {
                prop_assert_eq!(event.previous_status, status);
                status = event.status;
            }
            prop_assert_eq!(status, process.status);
            // A terminal state is left only by amendment, and a definite one only for another verdict.
            if before.status.is_terminal() && let Some(first) = moves.first() {
                prop_assert_eq!(first.name, EventName::ProcessAmended);
                prop_assert!(before.inference.is_some() || first.status.is_terminal());
            }
            // Evidence: one entry a picture, none lost, what is stored stays.
            let sources: HashSet<_> = process.evidence.iter().map(|piece| piece.source.clone()).collect();
            prop_assert_eq!(sources.len(), process.evidence.len());
            prop_assert!(before.evidence.iter().all(|piece| sources.contains(&piece.source)));
            for piece in &process.evidence {
                if matches!(piece.copy, Copy::Stored(_)) { kept.insert(piece.source.clone()); }
            }
            for piece in &process.evidence {
                prop_assert_eq!(kept.contains(&piece.source), matches!(piece.copy, Copy::Stored(_)));
            }
            prop_assert_eq!(process.ended_at.is_some(), process.status.is_terminal());
            prop_assert!(process.timeline.entries().len() <= timeline::MAX_ENTRIES);
            told.extend(events);
        }
        // No event is lost or told under another's id.
        let sequences: Vec<_> = told.iter().map(|event| event.sequence).collect();
        prop_assert_eq!(sequences, (1..=process.events).collect::<Vec<_>>());
        let ids: HashSet<_> = told.iter().map(|event| event.id).collect();
        prop_assert_eq!(ids.len(), told.len());
    }
}
