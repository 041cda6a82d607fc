//! How often an open process is really looked at, with a schedule that runs each minute.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::*;
use crate::{
    common::ids::uuid_of,
    process::ProcessId,
    providers::{ApiClient, PROVIDERS, registry::Connection, token::TokenCache},
};

/// What a look that finds nothing new costs in write units: two writes of the item, each with its index entries.
const UNITS_OF_A_LOOK: usize = 10;
/// From a run of the schedule to the look: the queue, the stream, the provider's answer.
const DELAY: SignedDuration = SignedDuration::from_secs(3);

/// Evenly spread, and the same in every run.
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
    let url = Some("https://company.example".to_owned());
    let connection = Connection { api: ApiClient::new(name), tokens: TokenCache::default(), url };
    PROVIDERS.iter().find(|company| company.name() == name).unwrap().connect(&account, &connection).unwrap()
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

/// How many looks there are in each of the first `hours` of a process that was created `second` seconds after the minute.
fn looks(second: i64, hours: usize, mut next: impl FnMut(Timestamp, SignedDuration) -> Timestamp) -> Vec<usize> {
    let created = midnight() + SignedDuration::from_secs(second);
    let mut looks = vec![0; hours];
    let mut due = next(created, SignedDuration::ZERO);
    let mut run = midnight();
    while run < created + SignedDuration::from_hours(i64::try_from(hours).unwrap()) {
        run += SCHEDULE_PERIOD;
        if due <= run {
            let now = run + DELAY;
            let age = now.duration_since(created);
            if let Some(count) = looks.get_mut(usize::try_from(age.as_hours()).unwrap()) {
                *count += 1;
            }
            due = next(now, age);
        }
    }
    looks
}

/// As planned until December 2026: jitter only added, and these minutes at each age.
fn before(second: i64, hours: usize, minutes: fn(i64) -> i64) -> Vec<usize> {
    let entropy = Spread(AtomicU32::new(7));
    looks(second, hours, |now, age| {
        now + SignedDuration::from_mins(minutes(age.as_mins())).mul_f64(1.0 + entropy.fraction() / 10.0)
    })
}

fn now(second: i64, hours: usize, name: &'static str) -> Vec<usize> {
    let (provider, entropy) = (provider(name), Spread(AtomicU32::new(7)));
    let created = midnight() + SignedDuration::from_secs(second);
    let process = open_process(name, created);
    looks(second, hours, |now, _| next_check(&process, provider.as_ref(), None, now, &entropy).unwrap())
}

/// The mean over the seconds of a minute in which a process may be created, rounded.
fn mean(looks: impl Fn(i64) -> Vec<usize>) -> Vec<usize> {
    let all: Vec<_> = (0..60).map(looks).collect();
    let sum = |hour: usize| all.iter().map(|looks| looks[hour]).sum::<usize>();
    (0..all[0].len()).map(|hour| (sum(hour) + 30) / 60).collect()
}

#[test]
fn a_look_that_is_planned_for_each_minute_is_made_each_minute() {
    for second in 0..60 {
        let (provider, entropy) = (provider("tecalis"), Spread(AtomicU32::new(u32::try_from(second).unwrap())));
        let created = midnight() + SignedDuration::from_secs(second);
        let process = open_process("tecalis", created);
        let mut at = Vec::new();
        looks(second, 1, |now, _| {
            at.push(now);
            next_check(&process, provider.as_ref(), None, now, &entropy).unwrap()
        });
        let minutely = at.windows(2).skip(1).take(12).map(|pair| pair[1].duration_since(pair[0]));
        assert!(minutely.clone().all(|gap| gap == SCHEDULE_PERIOD), "{second}: {:?}", minutely.collect::<Vec<_>>());
    }
}

#[test]
fn there_are_as_many_looks_as_the_plan_says() {
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
    assert_eq!((auco_before, auco), (vec![14, 2, 2], vec![15, 2, 2]), "Auco, looks in each of the first three hours");
    assert_eq!((tecalis_before, tecalis), (vec![30, 30, 2], vec![29, 12, 2]), "Tecalis, likewise");
    let units = |looks: &[usize]| looks.iter().sum::<usize>() * UNITS_OF_A_LOOK;
    assert_eq!((units(&[14, 2, 2]), units(&[15, 2, 2])), (180, 190), "Auco, write units in three hours");
    assert_eq!((units(&[30, 30, 2]), units(&[29, 12, 2])), (620, 430), "Tecalis, likewise");
}

#[test]
fn what_was_created_together_is_not_asked_for_together_once_waits_are_longer() {
    let (provider, entropy) = (provider("auco"), Spread(AtomicU32::new(1)));
    let process = open_process("auco", midnight());
    let at = midnight() + SignedDuration::from_hours(2);
    let looks: Vec<_> = (0..200)
        .map(|_| next_check(&process, provider.as_ref(), None, at, &entropy).unwrap().duration_since(at))
        .collect();
    let (first, last) = (looks.iter().min().unwrap().as_secs(), looks.iter().max().unwrap().as_secs());
    assert!((1675..1690).contains(&first) && (1845..1861).contains(&last), "{first} to {last} of 1800 less 30");
}

#[test]
fn the_schedule_runs_as_often_as_is_assumed_here() {
    let template = include_str!("../../../../template.yaml");
    assert!(template.contains("Schedule: rate(1 minute)"));
}
