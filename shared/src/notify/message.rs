//! What is told of an event: `{event, resource_id, resource_name, payload}` (seed `002_62dc5acb5b5aea27`), and the one line
//! that people read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Channel, topic::CHANNEL_DISABLED};
use crate::{
    common::{Private, RawJson},
    people::{Record, RecordEvent, View, families, family::UPDATED_DATA},
    process::{Event, Process},
};

/// What stays of a payload when the person is removed from it.
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

/// What is told of an event. It stays the same however often it is sent, unless the person is removed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What happened.
    pub event: String,
    /// What it happened to.
    pub resource_id: String,
    /// What that is.
    pub resource_name: String,
    /// More of it.
    pub payload: Private<RawJson>,
    /// Whom it is about, for texts of channels that ask for names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_name: Option<Private<String>>,
}

impl Message {
    /// What is told of an event of a process. Names, documents and findings are not in it: the process has them.
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

    /// What is told of an event of a record of the registry, as seed `002_62dc5acb5b5aea27` shows it: the record, and within it the
    /// person that it belongs to. Where a person's data changed, the resource is the person, whatever part of it the record is.
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

    /// The same with the person's name, which texts then carry.
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

    /// The line that people read.
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
