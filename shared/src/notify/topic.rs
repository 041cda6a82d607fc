//! What a channel can subscribe to.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The names of events: ours of processes and channels, then the seed's (`002_62dc5acb5b5aea27`).
pub const TOPICS: [&str; 18] = [
    "process_created",
    "process_in_review",
    "process_approved",
    "process_rejected",
    "process_expired",
    "process_cancelled",
    "process_failed",
    "process_amended",
    "process_evidence_settled",
    "process_certificate_stored",
    "process_redacted",
    CHANNEL_DISABLED,
    "person_register",
    "person_pass_validation",
    "person_fail_validation",
    "person_restore",
    "updated_data_to_person",
    "media_added_to_model",
];

/// The event that a channel was disabled because it failed for too long.
pub const CHANNEL_DISABLED: &str = "notification_channel_disabled";

/// The seed subscribes to `media_added_to_model` and sends `added_media_to_model`, so both names subscribe.
const OTHER_NAMES: [(&str, &str); 1] = [("added_media_to_model", "media_added_to_model")];

/// The name of an event that can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Topic(&'static str);

/// The text is no event's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an event")]
pub struct UnknownTopic;

impl Topic {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        let name = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name);
        TOPICS.iter().find(|topic| **topic == name).map(|topic| Self(topic)).ok_or(UnknownTopic)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::EventName;

    #[test]
    fn every_event_of_a_process_can_be_subscribed_to() {
        for name in EventName::ALL {
            assert_eq!(name.as_str().parse().map(Topic::as_str), Ok(name.as_str()));
        }
    }

    #[test]
    fn either_name_of_an_added_file_means_the_same() {
        assert_eq!("added_media_to_model".parse::<Topic>(), "media_added_to_model".parse());
        assert_eq!("person_deleted".parse::<Topic>(), Err(UnknownTopic));
    }
}
