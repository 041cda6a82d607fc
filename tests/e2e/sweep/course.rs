//! How a run went, as its customer saw it. Of some disturbances nobody may notice anything: where the answer to a write is lost and
//! the SDK writes again, or a part of a batch is left out, everything must go as it goes undisturbed, and as fast.

use std::collections::BTreeMap;

use cotejo_tests::start_of_time;
use jiff::SignedDuration;
use serde_json::Value;

use super::{play::Play, seen::Seen};

/// What differs by jitter alone.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// How a run went.
pub struct Course {
    /// What the customer was answered, in order.
    answers: Vec<String>,
    /// How each process stands in the end.
    ends: Vec<String>,
    /// How often each kind of thing stands in the timelines, provider by provider.
    happened: BTreeMap<String, usize>,
    /// Submissions that the providers took, and codes that went out.
    sent: [usize; 3],
    /// When nothing was left to be done.
    lasted: SignedDuration,
}

impl Course {
    pub fn of(play: &Play, seen: &Seen) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut ends: Vec<_> = seen
            .processes
            .iter()
            .map(|process| format!("{} {}", text(&process["provider"]), text(&process["status"])))
            .collect();
        ends.sort();
        let mut happened = BTreeMap::new();
        for process in &seen.processes {
            for entry in process["timeline"].as_array().into_iter().flatten() {
                *happened.entry(format!("{} {}", text(&process["provider"]), text(&entry["event"]))).or_default() += 1;
            }
        }
        Self {
            answers: play.answers.lock().unwrap().clone(),
            ends,
            happened,
            sent: [seen.at_auco.len(), seen.at_link.len(), play.world.local.sms().len()],
            lasted: play.world.now().duration_since(start_of_time()),
        }
    }

    /// What of it differs from a run that was not disturbed.
    pub fn differs_from(&self, undisturbed: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differs = |what: &str, here: String, there: String| {
            if here != there {
                differences.push(format!("nobody notices a lost answer: {what} {here} instead of {there}"));
            }
        };
        differs("answers", format!("{:?}", self.answers), format!("{:?}", undisturbed.answers));
        differs("ends", format!("{:?}", self.ends), format!("{:?}", undisturbed.ends));
        differs("what happened:", format!("{:?}", self.happened), format!("{:?}", undisturbed.happened));
        differs("sent", format!("{:?}", self.sent), format!("{:?}", undisturbed.sent));
        if self.lasted > undisturbed.lasted + SLACK {
            differences.push(format!(
                "nobody waits longer for a lost answer: {} instead of {}",
                self.lasted, undisturbed.lasted
            ));
        }
        differences
    }
}
