//! Tecalis's JSON, read field by field: one that is missing, empty or of another type affects nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    process::ProcessId,
    providers::wire::{Document, Place, code, code_in},
};

/// The operations that are documented.
const OPERATIONS: [&str; 5] = ["HOME", "DOCUMENTS", "OCR", "POL", "FINISH"];

/// Body of `POST /customer` (seed `000_…`).
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub auth_uuid: &'a str,
    pub api_key: &'a str,
}

/// The answer.
pub(super) struct Customer {
    /// In upper case; empty where there is none or it is not a code.
    pub process_status: String,
    pub general: General,
    pub operations: Vec<Operation>,
    pub identity: Fields,
    /// The fields that could not be read.
    pub unread: Vec<String>,
}

/// Values about the person or the session, by Tecalis's names.
pub(super) type Fields = BTreeMap<String, String>;

/// The session as a whole. The company and its metadata are not read.
pub(super) struct General {
    /// The authorization; empty where it could not be read.
    pub auth: Option<String>,
    pub location: Vec<Fields>,
    pub devices: Vec<Fields>,
    /// Links to recordings of the session with their positions; one is documented.
    pub video: Vec<(usize, String)>,
}

/// One step of the person's session.
pub(super) struct Operation {
    /// In upper case; empty where it is unknown.
    pub name: String,
    pub uuid: Option<String>,
    pub state: String,
    pub completed: bool,
    pub end_at: Option<Timestamp>,
    /// The result of each test; `None` where it could not be read.
    pub antifraud: Vec<(String, Option<String>)>,
    /// Links by the kind of picture, with their positions from 1.
    pub images: Vec<(String, usize, String)>,
    /// Everything else, including the data extracted from the document.
    pub fields: Fields,
}

/// Fields of an operation that are read separately.
const OWN_READER: [&str; 6] = ["uuid", "state", "completed", "end_at", "antifraud", "images"];
/// Fields of a list's item that may contain the operation's name.
const NAMES: [&str; 4] = ["operation", "operation_name", "name", "type"];
/// Fields of an operation that may contain anything and are not read.
const NOT_READ: [&str; 5] = ["start_at", "total_time", "total_tries", "details", "start_side"];
/// The kind of a picture in a list without kinds.
const NO_KIND: &str = "images";

impl Operation {
    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.completed || matches!(self.state.as_str(), "OK" | "KO")
    }
}

/// Reads an answer; `None` where it has no status.
pub(super) fn customer(body: &[u8]) -> Option<Customer> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    // A missing state may be written as null.
    if !root.is_map() || !root.has("process_status") {
        return None;
    }
    let general = root.field("general");
    let auth = general.field("auth");
    Some(Customer {
        process_status: state(&root.field("process_status")),
        general: General {
            auth: auth.text().or_else(|| auth.is_there().then(String::new)),
            location: general.field("location").items().iter().map(fields).collect(),
            devices: general.field("devices").items().iter().map(fields).collect(),
            video: general.field("video").links(),
        },
        operations: operations(&root.field("operations")),
        identity: fields(&root.field("identity")),
        unread: document.unread(),
    })
}

/// `/customer` has a map by name; other pages of Tecalis have a list.
fn operations(operations: &Place<'_>) -> Vec<Operation> {
    let named: Vec<_> = match operations.is_list() {
        true => operations.items().into_iter().map(|item| (None, item)).collect(),
        false => operations.entries().into_iter().map(|(name, item)| (Some(name), item)).collect(),
    };
    let is_operation = |item: &Place<'_>| {
        if item.is_there() && !item.is_map() {
            item.note();
        }
        item.is_map()
    };
    named.into_iter().filter(|(_, item)| is_operation(item)).map(|(key, item)| operation(key, &item)).collect()
}

fn operation(key: Option<&str>, operation: &Place<'_>) -> Operation {
    let name = key.and_then(name).or_else(|| name_of(operation));
    if name.is_none() {
        operation.note();
    }
    let name = name.unwrap_or_default();
    let known = [&OWN_READER[..], &NAMES, &NOT_READ].concat();
    operation.note_links_beside(&known);
    let entries = operation.entries();
    let others = entries.iter().filter(|(field, _)| !OWN_READER.contains(field) && !NOT_READ.contains(field));
    let others = others.filter_map(|(field, value)| {
        if NAMES.contains(field) && value.has_parts() {
            return None;
        }
        Some(((*field).to_owned(), value.text()?))
    });
    let is_name =
        |field: &str, value: &str| value.eq_ignore_ascii_case(&name) || matches!(field, "operation" | "operation_name");
    let uuid = operation.field("uuid").code();
    Operation {
        uuid: uuid.or_else(|| operation.field("operation").text().filter(|text| Uuid::try_parse(text).is_ok())),
        state: state(&operation.field("state")),
        completed: operation.field("completed").flag().unwrap_or_default(),
        end_at: operation.field("end_at").moment(),
        antifraud: antifraud(&operation.field("antifraud")),
        images: images(&operation.field("images")),
        fields: others.filter(|(field, value)| !is_name(field, value)).collect(),
        name,
    }
}

fn antifraud(tests: &Place<'_>) -> Vec<(String, Option<String>)> {
    tests.entries().into_iter().map(|(test, value)| (test.to_owned(), value.text())).collect()
}

/// Every link, by the kind of its picture and its position.
fn images(images: &Place<'_>) -> Vec<(String, usize, String)> {
    if !images.is_map() {
        let links = images.links().into_iter();
        return links.map(|(position, link)| (NO_KIND.to_owned(), position, link)).collect();
    }
    let of_kind = |(kind, links): (&str, Place<'_>)| {
        let kind = code(kind).unwrap_or(NO_KIND).to_owned();
        links.links().into_iter().map(move |(position, link)| (kind.clone(), position, link)).collect::<Vec<_>>()
    };
    images.entries().into_iter().flat_map(of_kind).collect()
}

/// The ids say nothing about the person.
fn fields(place: &Place<'_>) -> Fields {
    let entries = place.entries().into_iter().filter(|(name, _)| *name != "uuid");
    entries.filter_map(|(name, value)| Some((name.to_owned(), value.text()?))).collect()
}

/// The body of a callback, whose form is not documented.
pub(super) struct Callback(pub Value);

impl Callback {
    /// The authorization, in our spelling.
    pub(super) fn authorization(&self) -> Option<String> {
        ["/auth_uuid", "/auth", "/general/auth"]
            .iter()
            .find_map(|path| Uuid::try_parse(self.0.pointer(path)?.as_str()?.trim()).ok())
            .map(|uuid| uuid.to_string())
    }

    /// Our own id, from the authorization's metadata.
    pub(super) fn process_id(&self) -> Option<ProcessId> {
        ["/metadata/cotejo_id", "/general/metadata/cotejo_id"]
            .iter()
            .find_map(|path| self.0.pointer(path)?.as_str()?.parse().ok())
    }

    /// The status, if it is a code.
    pub(super) fn state(&self) -> Option<String> {
        let state = ["process_status", "status", "state"].iter().find_map(|name| self.0.get(name)?.as_str());
        state.and_then(code).map(str::to_ascii_uppercase)
    }
}

/// The code in the body of a refusal: `{"internal_code": 401, …}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code_in(&body, &["internal_code"])
}

/// A status in upper case; a missing one counts as unknown.
fn state(state: &Place<'_>) -> String {
    state.code().unwrap_or_default().to_ascii_uppercase()
}

/// Whether a text is an id or a position, not a word.
fn is_no_word(text: &str) -> bool {
    Uuid::try_parse(text).is_ok() || text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of an operation. Some of Tecalis's pages have the operation's id in its place.
fn name(text: &str) -> Option<String> {
    code(text).filter(|name| !is_no_word(name)).map(str::to_ascii_uppercase)
}

/// The name of a list's item. It is not documented which field has it, so a documented word counts in any of them.
/// `name` and `type` may also contain other things (a person's name, the kind of a proof of life), so only a
/// documented word counts there.
fn name_of(operation: &Place<'_>) -> Option<String> {
    let texts: Vec<_> = NAMES.iter().map(|field| word(&operation.field(field))).collect();
    let documented = texts.iter().flatten().find(|name| OPERATIONS.contains(&name.as_str()));
    documented.or_else(|| texts.iter().take(2).flatten().next()).cloned()
}

fn word(place: &Place<'_>) -> Option<String> {
    if place.has_parts() { None } else { name(&place.text()?) }
}
