//! The content of a notification: `{event, resource_id, resource_name, payload}` (seed `002_62dc5acb5b5aea27`), and
//! one line for people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Channel, topic::CHANNEL_DISABLED};
use crate::{
    common::{Private, RawJson},
    people::{Record, RecordEvent, View, families, family::UPDATED_DATA},
    process::{Event, Process},
};

/// The fields of a payload that a redaction keeps.
const NOT_PERSONAL: [&str; 12] = [
    "id",
    "provider",
    "provider_reference",
    "status",
    "previous_status",
    "status_reason",
    "evidence_state",
    "certificate_state",
    "occurred_at",
    "created_at",
    "updated_at",
    "expires_at",
];

/// A notification of an event. It stays the same however often it is sent, unless it is redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub event: String,
    /// The resource that the event is about.
    pub resource_id: String,
    /// The type of the resource.
    pub resource_name: String,
    pub payload: Private<RawJson>,
    /// The person's name, for channels whose texts contain names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_name: Option<Private<String>>,
}

impl Message {
    /// The notification of a process's event. It contains no names, documents or findings: the process has them.
    #[must_use]
    pub fn of_process(process: &Process, event: &Event) -> Self {
        let certificate = process.certificate.as_ref().map_or("none", |certificate| certificate.state.as_str());
        let payload = json!({
            "id": process.id,
            "provider": process.provider,
            "provider_reference": process.provider_reference,
            "status": event.status,
            "previous_status": event.previous_status,
            "status_reason": process.status_reason,
            "evidence_state": process.evidence_state().as_str(),
            "certificate_state": certificate,
            "person_id": process.request.person.person_id,
            "metadata": process.request.metadata,
            "tags": process.request.tags,
            "occurred_at": event.at,
            "created_at": process.created_at,
            "updated_at": process.updated_at,
            "expires_at": process.expires_at,
        });
        Self {
            event: event.name.as_str().to_owned(),
            resource_id: process.id.to_string(),
            resource_name: "process".to_owned(),
            payload: RawJson::of(&payload).into(),
            person_name: None,
        }
    }

    /// The notification of a record's event, as seed `002_62dc5acb5b5aea27` shows it: the record, and in it the
    /// person that it belongs to. Where a person's data changed, the resource is the person, whatever the record.
    #[must_use]
    pub fn of_record(record: &Record, event: &RecordEvent, payload: &View) -> Self {
        Self {
            event: event.name.clone(),
            resource_id: record.owner.filter(|_| event.name == UPDATED_DATA).unwrap_or(record.id).to_string(),
            resource_name: families::of(record.kind).resource.to_owned(),
            payload: RawJson::of(payload).into(),
            person_name: None,
        }
    }

    /// The notice that `channel` was disabled.
    #[must_use]
    pub fn of_disabled(channel: &Channel) -> Self {
        let disabled = channel.disabled.as_ref();
        let payload = json!({
            "id": channel.id,
            "name": channel.name,
            "reason": disabled.map(|disabled| &disabled.reason),
            "occurred_at": disabled.map(|disabled| disabled.at),
        });
        Self {
            event: CHANNEL_DISABLED.to_owned(),
            resource_id: channel.id.to_string(),
            resource_name: "notification_channel".to_owned(),
            payload: RawJson::of(&payload).into(),
            person_name: None,
        }
    }

    /// Adds the person's name, for texts.
    #[must_use]
    pub fn naming(self, name: Option<Private<String>>) -> Self {
        Self { person_name: name, ..self }
    }

    /// The body of a webhook.
    #[must_use]
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            event: &'a str,
            resource_id: &'a str,
            resource_name: &'a str,
            payload: &'a RawJson,
        }
        let Self { event, resource_id, resource_name, payload, .. } = self;
        RawJson::of(&Body { event, resource_id, resource_name, payload: payload.expose() }).text().to_owned()
    }

    /// One line for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}: {} {}", self.event, self.resource_name, self.resource_id);
        if let Some(status) = self.fields().get("status").and_then(Value::as_str) {
            text.push_str(&format!(" is {status}"));
        }
        if let Some(name) = &self.person_name {
            text.push_str(&format!(" ({})", name.expose()));
        }
        text
    }

    /// Removes everything about the person.
    pub fn redact(&mut self) {
        let mut kept = self.fields();
        kept.retain(|name, _| NOT_PERSONAL.contains(&name.as_str()));
        self.payload = RawJson::of(&kept).into();
        self.person_name = None;
    }

    fn fields(&self) -> Map<String, Value> {
        self.payload.expose().read().unwrap_or_default()
    }
}
