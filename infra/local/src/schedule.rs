//! The events that EventBridge sends on a schedule.

use cotejo::platform::Seams;
use serde_json::{Value, json};

use crate::template::{Place, Schedule};

/// The event of one firing.
#[must_use]
pub fn event(schedule: &Schedule, region: &str, seams: &Seams) -> Value {
    json!({
        "version": "0",
        "id": seams.entropy.uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": Place::ACCOUNT,
        "time": seams.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{}:rule/{}", Place::ACCOUNT, schedule.name)],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lambdas_event_type_takes_the_event() {
        let schedule = Schedule { name: "PollDueEveryMinute".to_owned(), every: Duration::from_secs(60) };
        let event = event(&schedule, "eu-south-2", &Seams::real()).to_string();
        let event: aws_lambda_events::event::eventbridge::EventBridgeEvent<Value> =
            serde_json::from_str(&event).expect("an event");
        assert_eq!(event.detail_type, "Scheduled Event");
        assert!(event.time.is_some());
        assert_eq!(
            event.resources.as_deref(),
            Some(&["arn:aws:events:eu-south-2:000000000000:rule/PollDueEveryMinute".to_owned()][..])
        );
    }
}
