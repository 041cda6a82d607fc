//! How often an open process is checked, with a schedule that runs each minute.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::*;
use crate::{
    common::ids::uuid_of,
    process::ProcessId,
    providers::{ApiClient, PROVIDERS, registry::Connection, token::TokenCache},
};

/// Write units of a refresh that finds nothing new: two writes of the item, each with its index entries.
const UNITS_PER_REFRESH: usize = 10;
/// From a run of the schedule to the refresh: the queue, the stream, the provider's answer.
const DELAY: SignedDuration = SignedDuration::from_secs(3);

/// Evenly spread random values, the same in every run.
struct Spread(AtomicU32);

impl Entropy for Spread {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(0x9E37_79B9, Ordering::Relaxed);
        buffer.iter_mut().zip(next.to_le_bytes()).for_each(|(to, from)| *to = from);
    }
}

fn midnight() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn provider(name: &'static str) -> Box<dyn Provider> {
    let account = json!({
        "auco": {"public_key": "puk", "private_key": "prk", "creator_email": "a@example.com"},
        "tecalis": {"api_key": "k"},
    });
    let account = serde_json::from_value(account[name].clone()).unwrap();
    let url = Some("https://provider.example".to_owned());
    let connection = Connection { api: ApiClient::new(name), tokens: TokenCache::default(), url };
    PROVIDERS.iter().find(|factory| factory.name() == name).unwrap().connect(&account, &connection).unwrap()
}

fn open_process(name: &str, created_at: Timestamp) -> Process {
    let request = json!({
        "provider": name, "person": {"name": "Juan Pérez"},
        "document": {"country": "CO", "type": "CC", "number": "1001001010"},
    });
    let request = serde_json::from_value(request).unwrap();
    let mut process = Process::new(ProcessId(uuid_of(&["due"])), "acme".parse().unwrap(), request, created_at);
    process.submitted("REFERENCE", created_at);
    process
}

/// The number of checks in each of the first `hours` of a process that was created `second` seconds after the minute.
fn checks(second: i64, hours: usize, mut next: impl FnMut(Timestamp, SignedDuration) -> Timestamp) -> Vec<usize> {
    let created = midnight() + SignedDuration::from_secs(second);
    let mut checks = vec![0; hours];
    let mut due = next(created, SignedDuration::ZERO);
    let mut run = midnight();
    while run < created + SignedDuration::from_hours(i64::try_from(hours).unwrap()) {
        run += SCHEDULE_PERIOD;
        if due <= run {
            let now = run + DELAY;
            let age = now.duration_since(created);
            if let Some(count) = checks.get_mut(usize::try_from(age.as_hours()).unwrap()) {
                *count += 1;
            }
            due = next(now, age);
        }
    }
    checks
}

/// The plan until December 2026: jitter only added time; these are the minutes at each age.
fn before(second: i64, hours: usize, minutes: fn(i64) -> i64) -> Vec<usize> {
    let entropy = Spread(AtomicU32::new(7));
    checks(second, hours, |now, age| {
        now + SignedDuration::from_mins(minutes(age.as_mins())).mul_f64(1.0 + entropy.fraction() / 10.0)
    })
}

fn now(second: i64, hours: usize, name: &'static str) -> Vec<usize> {
    let (provider, entropy) = (provider(name), Spread(AtomicU32::new(7)));
    let created = midnight() + SignedDuration::from_secs(second);
    let process = open_process(name, created);
    checks(second, hours, |now, _| next_check(&process, provider.as_ref(), None, now, &entropy).unwrap())
}

/// The mean over all seconds of a minute in which a process may be created, rounded.
fn mean(checks: impl Fn(i64) -> Vec<usize>) -> Vec<usize> {
    let all: Vec<_> = (0..60).map(checks).collect();
    let sum = |hour: usize| all.iter().map(|checks| checks[hour]).sum::<usize>();
    (0..all[0].len()).map(|hour| (sum(hour) + 30) / 60).collect()
}

#[test]
fn a_check_planned_for_each_minute_happens_each_minute() {
    for second in 0..60 {
        let (provider, entropy) = (provider("tecalis"), Spread(AtomicU32::new(u32::try_from(second).unwrap())));
        let created = midnight() + SignedDuration::from_secs(second);
        let process = open_process("tecalis", created);
        let mut at = Vec::new();
        checks(second, 1, |now, _| {
            at.push(now);
            next_check(&process, provider.as_ref(), None, now, &entropy).unwrap()
        });
        let minutely = at.windows(2).skip(1).take(12).map(|pair| pair[1].duration_since(pair[0]));
        assert!(minutely.clone().all(|gap| gap == SCHEDULE_PERIOD), "{second}: {:?}", minutely.collect::<Vec<_>>());
    }
}

#[test]
fn the_number_of_checks_follows_the_plan() {
    let auco = mean(|second| now(second, 3, "auco"));
    let tecalis = mean(|second| now(second, 3, "tecalis"));
    let auco_before = mean(|second| {
        before(second, 3, |age| match age {
            ..10 => 1,
            10..60 => 5,
            _ => 30,
        })
    });
    let tecalis_before = mean(|second| before(second, 3, |age| if age < 120 { 1 } else { 30 }));
    assert_eq!((auco_before, auco), (vec![14, 2, 2], vec![15, 2, 2]), "Auco, checks in each of the first three hours");
    assert_eq!((tecalis_before, tecalis), (vec![30, 30, 2], vec![29, 12, 2]), "Tecalis, likewise");
    let units = |checks: &[usize]| checks.iter().sum::<usize>() * UNITS_PER_REFRESH;
    assert_eq!((units(&[14, 2, 2]), units(&[15, 2, 2])), (180, 190), "Auco, write units in three hours");
    assert_eq!((units(&[30, 30, 2]), units(&[29, 12, 2])), (620, 430), "Tecalis, likewise");
}

#[test]
fn processes_created_together_are_spread_over_longer_waits() {
    let (provider, entropy) = (provider("auco"), Spread(AtomicU32::new(1)));
    let process = open_process("auco", midnight());
    let at = midnight() + SignedDuration::from_hours(2);
    let checks: Vec<_> = (0..200)
        .map(|_| next_check(&process, provider.as_ref(), None, at, &entropy).unwrap().duration_since(at))
        .collect();
    let (first, last) = (checks.iter().min().unwrap().as_secs(), checks.iter().max().unwrap().as_secs());
    assert!(
        (1675..1690).contains(&first) && (1845..1861).contains(&last),
        "from {first} to {last}, expected 1770 ± 90"
    );
}

#[test]
fn the_schedule_period_is_that_of_the_template() {
    let template = include_str!("../../../../template.yaml");
    assert!(template.contains("Schedule: rate(1 minute)"));
}
