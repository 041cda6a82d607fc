//! A process as an item of the table, and back. The only place that knows the item's attributes.
//!
//! | attribute | what it is |
//! | --- | --- |
//! | `pk`, `sk`, `kind`, `version` | key, kind of item, number of writes |
//! | `body` | the aggregate as JSON text, so that numbers and order come back as they were |
//! | `inbox` | map of callbacks not yet applied, by a hash of their content |
//! | `outbox` | map of events not yet handed on, by event id |
//! | `wake_token` | a new random text: somebody wants the process looked at; wakes `run-work` |
//! | `outbox_token` | a new random text: the outbox has events; wakes `deliver-notifications` |
//! | `due_shard`, `due_at` | when to look again at the latest (index `due`) |
//! | `next_check_at` | the same, events aside |
//! | `by_kind_pk`, `by_kind_sk` | lists (index `by_kind`) |
//! | `summary` | all that lists show and are filtered by; at most about 1 KB |
//! | `by_owner_pk`, `by_owner_sk` | lists of one person (index `by_owner`) |
//! | `provider_reference`, `callbacks_until` | for the condition on callbacks |
//! | `fingerprint`, `created_by` | keyed hash of the request that created it, and which call did |
//! | `claimed_by` | which look claimed the right to submit it once more |
//! | `write_id` | which write was the last under a condition (see `request`) |

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

/// How long callbacks about a process that ended are still taken.
const CALLBACKS_AFTER_END: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long an event may stay in the outbox before somebody looks.
pub(super) const OUTBOX_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// The longest body of a callback that is kept in the process's item, in bytes; longer ones are in the bucket. An inbox that is
/// full of them still fits.
pub const MAX_CALLBACK_TEXT_BYTES: usize = 3 * 1024;

/// An item of the table.
pub type Item = HashMap<String, AttributeValue>;

/// A callback that was received and not yet applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// When it came.
    pub received_at: Timestamp,
    /// The provider's own id of the process.
    pub reference: String,
    /// The provider's state in it.
    pub code: String,
    /// The decision in it, and from when on it counts.
    pub verdict: Option<(Status, Timestamp)>,
    /// Why it was decided so, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it says of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateNews>,
    /// Its body, where that cannot be had again by asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<CallbackBody>,
    /// Whether its body is itself the provider's answer; otherwise it is evidence only.
    #[serde(default)]
    pub is_result: bool,
    /// Why it could not be read, where it could not: it is known to be about the process, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// The body of a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackBody {
    /// As text, where it is short.
    Text(Private<String>),
    /// In our bucket, under this key.
    Object(String),
}

/// A process with what belongs to its item alone.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessRecord {
    /// The process.
    pub process: Process,
    /// Number of writes so far; the condition of the next commit.
    pub version: u64,
    /// Why it should be looked at, if it should.
    pub wake_token: Option<String>,
    /// Callbacks not yet applied.
    pub inbox: BTreeMap<String, InboxEntry>,
    /// Events not yet handed on.
    pub outbox: BTreeMap<String, Event>,
    /// When to look again at the latest.
    pub due_at: Option<Timestamp>,
    /// When to look again for the process's own sake, events aside.
    pub next_check_at: Option<Timestamp>,
    /// Keyed hash of the request that created it.
    pub fingerprint: String,
    /// Which call created it: tells a call's own repeated write from another call's.
    pub created_by: String,
    /// Which look claimed the right to submit it once more: tells a look's own claim from another's.
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

    /// Sets when to look again for the process's own sake; events in the outbox make it due sooner.
    pub fn check_again(&mut self, next_check_at: Option<Timestamp>, now: Timestamp) {
        self.next_check_at = next_check_at;
        let outbox_at = (!self.outbox.is_empty()).then_some(now + OUTBOX_TIMEOUT);
        self.due_at = next_check_at.into_iter().chain(outbox_at).min();
    }

    /// Empties it as the process is redacted by `by`.
    ///
    /// # Errors
    /// The process is on legal hold.
    pub fn redact(&mut self, by: &Actor, now: Timestamp) -> Result<(), OnHold> {
        let events = self.process.redact(by, now)?;
        self.announce(events);
        self.inbox.clear();
        // Whoever sends the same body again is told that it is gone, which needs no hash of it.
        self.fingerprint.clear();
        self.check_again(self.process.next_sweep_at(), now);
        Ok(())
    }

    /// Puts events into the outbox.
    pub fn announce(&mut self, events: impl IntoIterator<Item = Event>) {
        self.outbox.extend(events.into_iter().map(|event| (event.id.to_string(), event)));
    }
}

/// The item of a record under `version`, with `outbox_token` where the outbox is not empty.
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

/// What the index `by_kind` carries: the list entry as JSON text, and beside it what lists are filtered by.
fn summary(process: &Process) -> Result<AttributeValue, StoreError> {
    let fields = [
        ("status", text(process.status.as_str())),
        ("provider", text(&process.provider)),
        ("view", json(&Summary::of(process))?),
    ];
    Ok(AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into()))
}

/// A summary that lists show and are never filtered by.
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

/// The process a reference belongs to.
pub(super) fn guarded_process(item: &Item) -> Result<ProcessId, StoreError> {
    let id = item.get("process_id").and_then(|value| value.as_s().ok()?.parse().ok());
    id.ok_or(StoreError::Corrupt("process_id"))
}

/// A string attribute.
pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A value as JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|_| StoreError::Corrupt("unserialisable"))
}

/// A map of JSON texts.
pub(super) fn map(entries: &BTreeMap<String, impl Serialize>) -> Result<AttributeValue, StoreError> {
    let entries = entries.iter().map(|(name, entry)| Ok((name.clone(), json(entry)?)));
    entries.collect::<Result<_, StoreError>>().map(AttributeValue::M)
}

/// The map of JSON texts called `name`; `what` names it in the error.
pub(super) fn entries<T: DeserializeOwned>(
    item: &Item,
    name: &str,
    what: &'static str,
) -> Result<BTreeMap<String, T>, StoreError> {
    let map = item.get(name).and_then(|value| value.as_m().ok()).ok_or(StoreError::Corrupt(what))?;
    let entry = |value: &AttributeValue| parse(value.as_s().map_err(|_| StoreError::Corrupt(what))?, what);
    map.iter().map(|(key, value)| Ok((key.clone(), entry(value)?))).collect()
}

/// JSON text as a value; `what` names it in the error.
pub(super) fn parse<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt(what))
}
