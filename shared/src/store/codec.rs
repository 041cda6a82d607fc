//! Converts a process to an item of the table and back. Only this module knows the item's attributes.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the aggregate as JSON text, which preserves numbers and order |
//! | `inbox` | map of callbacks not yet applied, by a hash of their content |
//! | `outbox` | map of events not yet delivered, by event id |
//! | `wake_token` | a new random text: requests a refresh; the stream calls `run-work` |
//! | `outbox_token` | a new random text: the outbox has events; the stream calls `deliver-notifications` |
//! | `due_shard`, `due_at` | latest time of the next refresh or delivery (index `due`) |
//! | `next_check_at` | latest time of the next refresh, without regard to events |
//! | `by_kind_pk`, `by_kind_sk` | lists (index `by_kind`) |
//! | `summary` | everything that lists show and filter by; at most about 1 KB |
//! | `by_owner_pk`, `by_owner_sk` | lists of one person (index `by_owner`) |
//! | `provider_reference`, `callbacks_until` | for the condition on callbacks |
//! | `fingerprint`, `created_by` | keyed hash of the request that created the process, and the id of that call |
//! | `claimed_by` | the refresh that claimed the right to submit the process once more |
//! | `write_id` | id of the last conditional write (see `request`) |

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    StoreError,
    keys::{self, ItemKey},
};
use crate::{
    common::{Actor, Private},
    process::{CertificateNews, Event, OnHold, Process, ProcessId, Status, summary::Summary},
};

/// How long callbacks about an ended process are accepted.
const CALLBACKS_AFTER_END: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long an event may stay in the outbox before the schedule delivers it.
pub(super) const OUTBOX_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// The longest callback body in bytes that is stored in the process's item; longer bodies go to the bucket. An inbox full
/// of such bodies fits into the item.
pub const MAX_CALLBACK_TEXT_BYTES: usize = 3 * 1024;

/// An item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// A callback that was received and not yet applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    pub received_at: Timestamp,
    /// The provider's id of the process.
    pub reference: String,
    /// The provider's state code.
    pub code: String,
    /// The decision, and the time from which it counts.
    pub verdict: Option<(Status, Timestamp)>,
    /// The reason code of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// News of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateNews>,
    /// The body, unless the provider can be asked for the same content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<CallbackBody>,
    /// Whether the body is the provider's answer; otherwise it is evidence only.
    #[serde(default)]
    pub is_result: bool,
    /// Why the callback could not be read, if so; then only its process is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackBody {
    /// A short body, as text.
    Text(Private<String>),
    /// The key of a body in the bucket.
    Object(String),
}

/// A process with the attributes that only its item has.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessRecord {
    pub process: Process,
    /// Number of writes so far; the condition of the next commit.
    pub version: u64,
    /// Present while a refresh is requested.
    pub wake_token: Option<String>,
    /// Callbacks not yet applied.
    pub inbox: BTreeMap<String, InboxEntry>,
    /// Events not yet delivered.
    pub outbox: BTreeMap<String, Event>,
    /// Latest time of the next refresh or delivery.
    pub due_at: Option<Timestamp>,
    /// Latest time of the next refresh, without regard to events.
    pub next_check_at: Option<Timestamp>,
    /// Keyed hash of the request that created the process.
    pub fingerprint: String,
    /// The call that created the process: tells a repeated write of this call from the write of another call.
    pub created_by: String,
    /// The refresh that claimed the right to submit the process once more: tells its own claim from another refresh's.
    pub claimed_by: Option<String>,
}

impl ProcessRecord {
    /// The record of a process that is not stored yet.
    #[must_use]
    pub fn new(process: Process, fingerprint: String, created_by: String) -> Self {
        let due_at = process.submit_lease_until;
        Self {
            process,
            version: 0,
            wake_token: None,
            inbox: BTreeMap::new(),
            outbox: BTreeMap::new(),
            due_at: Some(due_at),
            next_check_at: Some(due_at),
            fingerprint,
            created_by,
            claimed_by: None,
        }
    }

    /// Sets the latest time of the next refresh. Events in the outbox make the process due sooner.
    pub fn check_again(&mut self, next_check_at: Option<Timestamp>, now: Timestamp) {
        self.next_check_at = next_check_at;
        let outbox_at = (!self.outbox.is_empty()).then_some(now + OUTBOX_TIMEOUT);
        self.due_at = next_check_at.into_iter().chain(outbox_at).min();
    }

    /// Redacts the process on behalf of `by`, and empties the record.
    ///
    /// # Errors
    /// The process is on legal hold.
    pub fn redact(&mut self, by: &Actor, now: Timestamp) -> Result<(), OnHold> {
        let events = self.process.redact(by, now)?;
        self.announce(events);
        self.inbox.clear();
        // A repeated creation finds the redacted process without the hash of its body.
        self.fingerprint.clear();
        self.check_again(self.process.next_sweep_at(), now);
        Ok(())
    }

    pub fn announce(&mut self, events: impl IntoIterator<Item = Event>) {
        self.outbox.extend(events.into_iter().map(|event| (event.id.to_string(), event)));
    }
}

/// The item of a record with the version `version`, and with `outbox_token` if the outbox is not empty.
pub(super) fn item(record: &ProcessRecord, version: u64, outbox_token: &str) -> Result<Item, StoreError> {
    let process = &record.process;
    let mut item = ItemKey::Process(&process.tenant, process.id).attributes();
    let mut set = |name: &str, value| item.insert(name.to_owned(), value);
    set("kind", text("process"));
    set("version", AttributeValue::N(version.to_string()));
    set("body", json(process)?);
    set("inbox", map(&record.inbox)?);
    set("outbox", map(&record.outbox)?);
    set("summary", summary(process)?);
    set("by_kind_pk", text(&keys::by_kind(&process.tenant, &keys::month(process.created_at))));
    set("by_kind_sk", text(&keys::by_kind_sort(process.created_at, process.id)));
    set("fingerprint", text(&record.fingerprint));
    set("created_by", text(&record.created_by));
    if let Some(look) = &record.claimed_by {
        set("claimed_by", text(look));
    }
    if let Some(person) = &process.request.person.person_id {
        set("by_owner_pk", text(&keys::by_owner(&process.tenant, person)));
        set("by_owner_sk", text(&keys::by_kind_sort(process.created_at, process.id)));
    }
    if let Some(reference) = &process.provider_reference {
        set("provider_reference", text(reference));
    }
    let callbacks_until = match (&process.redaction, process.ended_at) {
        (Some(redaction), _) => Some(redaction.at),
        (None, ended) => ended.map(|ended| ended + CALLBACKS_AFTER_END),
    };
    if let Some(until) = callbacks_until {
        set("callbacks_until", text(&keys::moment(until)));
    }
    if let Some(due_at) = record.due_at {
        set("due_shard", text(&keys::due_shard_of(process.id.0)));
        set("due_at", text(&keys::moment(due_at)));
    }
    if let Some(next_check_at) = record.next_check_at {
        set("next_check_at", text(&keys::moment(next_check_at)));
    }
    if !record.outbox.is_empty() {
        set("outbox_token", text(outbox_token));
    }
    if let Some(wake_token) = &record.wake_token {
        set("wake_token", text(wake_token));
    }
    Ok(item)
}

/// The attributes that the index `by_kind` projects: the list entry as JSON text, and the fields that lists filter by.
fn summary(process: &Process) -> Result<AttributeValue, StoreError> {
    let fields = [
        ("status", text(process.status.as_str())),
        ("provider", text(&process.provider)),
        ("view", json(&Summary::of(process))?),
    ];
    Ok(AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into()))
}

/// A summary without fields that lists filter by.
pub(super) fn summary_of(view: AttributeValue) -> AttributeValue {
    AttributeValue::M([("view".to_owned(), view)].into())
}

/// The list entry in a summary.
pub(super) fn summary_view(item: &Item) -> Result<serde_json::Value, StoreError> {
    let summary = item.get("summary").and_then(|value| value.as_m().ok()).and_then(|fields| fields.get("view"));
    parse(summary.and_then(|view| view.as_s().ok()).ok_or(StoreError::Corrupt("summary"))?, "summary")
}

/// The record in an item.
pub(super) fn record(item: &Item) -> Result<ProcessRecord, StoreError> {
    let optional = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let required = |name: &'static str| optional(name).ok_or(StoreError::Corrupt(name));
    let version = item.get("version").and_then(|value| value.as_n().ok()?.parse().ok());
    let moment =
        |name: &'static str| optional(name).map(|at| at.parse().map_err(|_| StoreError::Corrupt(name))).transpose();
    Ok(ProcessRecord {
        process: parse(required("body")?, "body")?,
        version: version.ok_or(StoreError::Corrupt("version"))?,
        wake_token: optional("wake_token").cloned(),
        inbox: entries(item, "inbox", "inbox")?,
        outbox: entries(item, "outbox", "outbox")?,
        due_at: moment("due_at")?,
        next_check_at: moment("next_check_at")?,
        fingerprint: required("fingerprint")?.clone(),
        created_by: required("created_by")?.clone(),
        claimed_by: optional("claimed_by").cloned(),
    })
}

/// The item that guards a provider's reference.
pub(super) fn reference_guard(process: &Process, reference: &str) -> Item {
    let mut item = ItemKey::Reference(&process.tenant, &process.provider, reference).attributes();
    item.insert("kind".to_owned(), text("reference"));
    item.insert("process_id".to_owned(), text(&process.id.to_string()));
    item
}

/// The process of a guarded reference.
pub(super) fn guarded_process(item: &Item) -> Result<ProcessId, StoreError> {
    let id = item.get("process_id").and_then(|value| value.as_s().ok()?.parse().ok());
    id.ok_or(StoreError::Corrupt("process_id"))
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn json(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|_| StoreError::Corrupt("unserialisable"))
}

/// A map of JSON texts.
pub(super) fn map(entries: &BTreeMap<String, impl Serialize>) -> Result<AttributeValue, StoreError> {
    let entries = entries.iter().map(|(name, entry)| Ok((name.clone(), json(entry)?)));
    entries.collect::<Result<_, StoreError>>().map(AttributeValue::M)
}

/// Reads the map of JSON texts in the attribute `name`; `what` is the name in the error.
pub(super) fn entries<T: DeserializeOwned>(
    item: &Item,
    name: &str,
    what: &'static str,
) -> Result<BTreeMap<String, T>, StoreError> {
    let map = item.get(name).and_then(|value| value.as_m().ok()).ok_or(StoreError::Corrupt(what))?;
    let entry = |value: &AttributeValue| parse(value.as_s().map_err(|_| StoreError::Corrupt(what))?, what);
    map.iter().map(|(key, value)| Ok((key.clone(), entry(value)?))).collect()
}

/// Parses JSON text; `what` is the name in the error.
pub(super) fn parse<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(what))
}
