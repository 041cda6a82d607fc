//! Every stored text, list and map has a bound, and every item fits into DynamoDB's limit with all its fields at their
//! bounds.
//!
//! The bounds are declared here, each with the module that enforces it. The test reads the types from the source. It fails
//! for a new field that can grow and has no bound, and for a bound that makes an item too large. This shows how large an
//! item can be: one response has room for fifteen. [`crate::people::families`] declares the fields of records; the field
//! types give their bounds.

#![expect(clippy::unwrap_used, reason = "tests")]

mod types;

use jiff::Timestamp;
use uuid::Uuid;

use types::Types;

use super::{
    keys::{self, ItemKey},
    processes::MAX_INBOX,
    projections, records, tenants,
};
use crate::{
    common::{Scope, TenantId},
    notify::{channel, topic::TOPICS},
    people::{
        families::{self, FAMILIES, PEOPLE},
        field_type::MAX_FREE,
        job,
    },
    platform::http::MAX_URL_BYTES,
    process::{MAX_PIECES, MAX_REASON_CHARS, ProcessId, bounded, request, timeline, unread},
    providers::PROVIDERS,
};

/// DynamoDB's limit for an item, bytes.
const ITEM: usize = 400 * 1024;
/// Bytes for keys, timestamps, tokens and the summary that lists show.
const BESIDE: usize = 8 * 1024;

pub(super) enum Bound {
    /// Bytes of a text or a value as JSON.
    Bytes(usize),
    /// Entries of a list or a map.
    Entries(usize),
}
use Bound::{Bytes, Entries};

/// `count` characters of any kind: JSON escapes a character with up to six bytes.
const fn chars(count: usize) -> Bound {
    Bytes(6 * count + 2)
}

/// A text that this system makes: a code, a hash, a key, a token.
const OURS: Bound = Bytes(100);
/// A code after [`bounded::code`].
const CODE: Bound = Bytes(bounded::MAX_CODE + 2);
/// A value that was read from a provider, after [`bounded`].
const VALUE: Bound = Bytes(bounded::MAX_VALUE);
/// The key of an object: tenant id, process id, kind and hash.
const OBJECT_KEY: Bound = Bytes(260);
const REFERENCE: Bound = Bytes(bounded::MAX_REFERENCE + 2);

/// The largest size of each field that can grow, by type and field name. `[]` means an entry, `[key]` a key of a map.
fn bounds() -> Vec<(&'static str, Bound)> {
    vec![
        // A process. `workflow::create` checks its request, `workflow::decide` its decision, `process::bounded` everything
        // else.
        ("Process.provider", CODE),
        ("Process.provider_reference", REFERENCE),
        ("Process.status_reason", CODE),
        ("Process.evidence", Entries(MAX_PIECES)),
        ("Unread.present", Entries(unread::MAX_KINDS + 1)),
        ("Unread.present[]", Bytes(unread::MAX_PLACE + 2)),
        ("Unread.noted", Entries(unread::MAX_KINDS + 1)),
        ("Unread.noted[]", Bytes(unread::MAX_PLACE + 2)),
        ("Process.uploads", Entries(3)),
        ("ProcessRequest.provider", CODE),
        ("ProcessRequest.pictures", Entries(3)),
        ("ProcessRequest.options", Bytes(request::MAX_OPTIONS_BYTES)),
        ("ProcessRequest.metadata", Entries(1)),
        ("ProcessRequest.metadata[key]", Bytes(0)),
        ("ProcessRequest.metadata[]", Bytes(request::MAX_METADATA_BYTES)),
        ("ProcessRequest.tags", Entries(request::MAX_TAGS)),
        ("ProcessRequest.tags[]", chars(request::MAX_TAG_BYTES)),
        ("Person.name", chars(request::MAX_NAME_CHARS)),
        ("Person.email", chars(request::MAX_EMAIL_CHARS)),
        ("Person.phone", chars(request::MAX_PHONE_CHARS)),
        ("Person.person_id", OURS),
        ("Document.country", OURS),
        ("Document.kind", chars(request::MAX_TYPE_CHARS)),
        ("Document.number", chars(request::MAX_NUMBER_CHARS)),
        ("Consent.purpose", chars(request::MAX_NAME_CHARS)),
        ("Refusal.code", CODE),
        ("HeldVerdict.code", CODE),
        ("HeldVerdict.reason", CODE),
        ("TroubleSeries.kind", CODE),
        ("Decision.reason", chars(MAX_REASON_CHARS)),
        ("Actor.id", Bytes(40)),
        // `Actor::key` truncates it.
        ("Actor.name", Bytes(crate::common::actor::MAX_NAME_BYTES + 2)),
        ("ObjectLocks.complete", OURS),
        ("Findings.checks", Entries(bounded::MAX_CHECKS + 20)),
        ("Findings.document_type", VALUE),
        ("Findings.provider_result", VALUE),
        ("Check.name", CODE),
        ("Check.provider_code", CODE),
        ("Check.detail", CODE),
        ("Extracted.document_number", VALUE),
        ("Extracted.full_name", VALUE),
        ("Extracted.names", VALUE),
        ("Extracted.surnames", VALUE),
        ("Extracted.birth_date", VALUE),
        ("Extracted.birth_place", VALUE),
        ("Extracted.issue_date", VALUE),
        ("Extracted.expiry_date", VALUE),
        ("Extracted.issuing_state", VALUE),
        ("Extracted.nationality", VALUE),
        ("Extracted.sex", VALUE),
        ("Extracted.address", VALUE),
        ("Extracted.mrz", Entries(bounded::MAX_MRZ)),
        ("Extracted.mrz[]", VALUE),
        ("Extracted.other", Entries(bounded::MAX_OTHER)),
        ("Extracted.other[key]", CODE),
        ("Extracted.other[]", VALUE),
        ("Evidence.source", Bytes(bounded::MAX_SOURCE + 2)),
        ("Copy.reason", CODE),
        ("StoredCopy.key", OBJECT_KEY),
        ("StoredCopy.sha256", OURS),
        ("StoredCopy.content_type", OURS),
        ("Copy.sha256", OURS),
        ("Copy.content_type", OURS),
        ("Certificate.reference", REFERENCE),
        ("CertificateState.reason", CODE),
        ("CertificateState.sha256", OURS),
        ("Escalation.code", CODE),
        ("Timeline.0", Entries(timeline::MAX_ENTRIES)),
        ("TimelineEntry.event", CODE),
        ("TimelineEntry.detail", CODE),
        ("ProcessRecord.wake_token", OURS),
        ("ProcessRecord.inbox", Entries(MAX_INBOX)),
        ("ProcessRecord.inbox[key]", OURS),
        // A process makes few events, and they are delivered within minutes.
        ("ProcessRecord.outbox", Entries(50)),
        ("ProcessRecord.outbox[key]", OURS),
        ("ProcessRecord.fingerprint", OURS),
        ("ProcessRecord.created_by", OURS),
        ("ProcessRecord.claimed_by", OURS),
        // `workflow::callback`.
        ("InboxEntry.reference", REFERENCE),
        ("InboxEntry.code", CODE),
        ("InboxEntry.reason", CODE),
        ("InboxEntry.unread", OURS),
        ("CertificateNews.reference", REFERENCE),
        ("CallbackBody.Text", Bytes(2 * super::codec::MAX_CALLBACK_TEXT_BYTES)),
        ("CallbackBody.Object", OBJECT_KEY),
        // A channel: `workflow::channels`.
        ("Channel.name", chars(channel::MAX_NAME_CHARS)),
        ("Channel.events", Entries(TOPICS.len())),
        ("Topic.0", OURS),
        ("Config.url", Bytes(2 * MAX_URL_BYTES + 2)),
        ("Config.secrets", Entries(channel::MAX_SECRETS)),
        ("Config.emails", Entries(channel::MAX_EMAILS)),
        ("Config.emails[]", chars(request::MAX_EMAIL_CHARS)),
        // An encrypted URL, in base64.
        ("Sealed.0", Bytes(2 * MAX_URL_BYTES)),
        ("SigningSecret.hint", OURS),
        ("Disabled.reason", OURS),
        ("ChannelRecord.fingerprint", OURS),
        // A delivery. The payload about a record contains the record and its person; their sizes are below.
        ("Delivery.url", Bytes(2 * MAX_URL_BYTES + 2)),
        ("Delivery.attempts", Entries(20)),
        ("Attempt.error", OURS),
        ("Message.event", OURS),
        ("Message.resource_id", OURS),
        ("Message.resource_name", OURS),
        ("Message.payload", Bytes(LARGEST_TOLD)),
        // Three name fields of a person and two spaces.
        ("Message.person_name", chars(1502)),
        // A record of the registry.
        ("Record.fields", Entries(1)),
        ("Record.fields[key]", Bytes(0)),
        ("Record.fields[]", Bytes(LARGEST_RECORD)),
        // The projections are in maps of the item.
        ("Record.projections", Entries(1)),
        ("Record.projections[key]", Bytes(0)),
        ("Record.projections[]", Bytes(LARGEST_PROJECTIONS)),
        ("RecordEvent.name", OURS),
        ("RecordItem.outbox", Entries(records::MAX_OUTBOX)),
        ("RecordItem.outbox[key]", OURS),
        ("RecordItem.fingerprint", OURS),
        ("RecordItem.created_by", OURS),
        // Rows of one step of an import.
        ("RowsTaken.rows", Entries(1000)),
        // A job: `workflow::jobs`.
        ("Job.pieces", Entries(10_000)),
        ("Job.error", chars(300)),
        ("ExportShown.exclude", Entries(2)),
        ("Import.source", OBJECT_KEY),
        ("ImportShown.failures", Entries(1)),
        ("Failure.fields", Entries(1)),
        ("FieldError.field", Bytes(0)),
        ("FieldError.message", Bytes(2 * job::MAX_SHOWN_BYTES)),
        ("Cursor.month", OURS),
        ("Cursor.below", OURS),
        ("JobItem.fingerprint", OURS),
        // Progress of a move of guards: `workflow::unique_keys`.
        ("GuardMoves.in_dispute", Entries(100)),
        ("Rotation.from", OURS),
        ("Rotation.to", OURS),
        // Settings that operators make: `cargo admin`.
        ("Tenant.name", chars(tenants::MAX_NAME_CHARS)),
        // Only a provider in `providers::PROVIDERS` can be paused.
        ("Tenant.paused", Entries(PROVIDERS.len())),
        ("Tenant.paused[key]", CODE),
        ("ApiKey.key_id", OURS),
        ("ApiKey.name", chars(tenants::MAX_NAME_CHARS)),
        ("ApiKey.scopes", Entries(Scope::ALL.len())),
    ]
}

/// The largest fields of any record.
const LARGEST_RECORD: usize = 180 * 1024;
/// The largest projections of a person: short texts of addresses, and the results of biometrics.
const LARGEST_PROJECTIONS: usize = 150 * 1024;
/// The largest payload of an event: a record and the person that it belongs to.
const LARGEST_TOLD: usize = 300 * 1024;

/// The types that are items, or that contain every attribute of an item except its keys.
const ITEMS: [&str; 8] =
    ["ProcessRecord", "ChannelRecord", "DeliveryRecord", "RecordItem", "JobItem", "GuardMoves", "Tenant", "ApiKey"];

#[test]
fn stored_fields_have_bounds_and_items_fit_them() {
    let mut types = Types::read(bounds());
    for item in ITEMS {
        let size = types.size(item) + BESIDE;
        assert!(size <= ITEM, "{item} may have {size} bytes");
    }
    assert_eq!(types.missing, [""; 0], "without a bound");
    assert_eq!(types.unused(), [""; 0], "bounds of fields that are not stored");
}

#[test]
fn records_fit_with_every_field_at_its_longest() {
    // Fields that this system derives: a descriptor with every part given, and a copy of a property.
    let made = |field: &str| match field {
        "descriptor" => Some(3 * MAX_FREE),
        "dynamic_descriptor" => Some(4 * MAX_FREE),
        _ => None,
    };
    let largest = |family: &crate::people::Family| -> usize {
        let fields = family.fields.iter().filter(|field| field.is_shown());
        fields.map(|field| field.name.len() + 4 + made(field.name).unwrap_or_else(|| field.form.max_bytes())).sum()
    };
    for family in FAMILIES.into_iter() {
        assert!(largest(family) <= LARGEST_RECORD, "{}: {}", family.path, largest(family));
        let of_person = family.event(false).is_some();
        // A person's payload also shows its biometrics, with the results of checks.
        let told = largest(family) + largest(&PEOPLE) + 4 * MAX_FREE + 2048;
        assert!(!of_person || told <= LARGEST_TOLD, "{}: {told}", family.path);
    }
    // Parts of addresses are short, and each type of biometric result has two values.
    let biometrics = families::biometric::TYPES.len() * (MAX_FREE + 200);
    let addresses = projections::MAX_PROJECTIONS * (families::address::PARTS.len() * 40 + 100);
    let ids = 2 * projections::MAX_PROJECTIONS * 100;
    assert!(biometrics + addresses + ids <= LARGEST_PROJECTIONS, "{}", biometrics + addresses + ids);
}

#[test]
fn no_key_is_longer_than_dynamodb_allows() {
    let tenant: TenantId = "t".repeat(40).parse().unwrap();
    let (id, hash, name) = (Uuid::max(), "f".repeat(64), "n".repeat(40));
    let month = keys::month(Timestamp::MAX);
    let mut partitions = vec![
        ItemKey::Process(&tenant, ProcessId(id)).pk(),
        ItemKey::Reference(&tenant, &name, &"r".repeat(bounded::MAX_REFERENCE)).pk(),
        ItemKey::ApiKey(&hash).pk(),
        ItemKey::Code(&tenant, &hash).pk(),
        ItemKey::KeyId(&tenant, &name).pk(),
        keys::by_channel(&tenant, id, &month),
        keys::by_resource(&tenant, &id.to_string()),
        keys::by_kind(&tenant, &month),
        // A UUID in its longest notation.
        keys::by_owner(&tenant, &format!("urn:uuid:{id}")),
        keys::api_keys_of(&tenant),
        ItemKey::GuardMoves(&tenant).pk(),
    ];
    for family in FAMILIES.into_iter() {
        partitions.push(keys::owned_by(&tenant, id, family.kind));
        partitions.push(keys::records(&tenant, family.kind, &month));
        partitions.push(keys::deleted_records(&tenant, family.kind, &month));
        partitions.extend(family.listed.map(|field| keys::listed(&tenant, family.kind, field, &hash)));
        partitions.extend(family.unique.iter().map(|field| ItemKey::Unique(&tenant, family.kind, field, &hash).pk()));
    }
    for partition in partitions {
        assert!(partition.len() <= 2048, "{partition}");
    }
    let sort = keys::by_kind_sort(Timestamp::MAX, id);
    assert!(sort.len() <= 100, "a cursor holds it: {sort}");
}
