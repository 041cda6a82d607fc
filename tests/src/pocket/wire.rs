//! Pocket's JSON. Everything but the state and whose it is may be missing, empty or of another form.

use cotejo::providers::wire::{Document, Place, code};
use serde::Serialize;
use serde_json::Value;

/// Body of `POST /checks`. Pictures are base64.
#[derive(Serialize)]
pub(super) struct Creation<'a> {
    pub external_id: String,
    pub strict: bool,
    pub country: &'a str,
    pub number: &'a str,
    pub front: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selfie: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<&'a str>,
}

/// The id of a check that was created. Its state is always `pending`.
pub(super) fn created_id(body: &[u8]) -> Option<String> {
    Document::read(body).ok()?.root().field("check_id").code()
}

pub(super) struct CheckAnswer {
    pub check_id: String,
    /// `pending`, `review`, `pass` or `fail`.
    pub state: String,
    /// The reason for a `fail`.
    pub cause: Option<String>,
    pub tests: Vec<Test>,
    pub holder: Holder,
    pub photos: Vec<Photo>,
    /// `ready` once there is a report.
    pub report: Option<String>,
    /// The places that could not be read.
    pub unread: Vec<String>,
}

pub(super) struct Test {
    pub code: Option<String>,
    pub ok: Option<bool>,
}

/// What was read from the document. Dates are ISO 8601.
pub(super) struct Holder {
    pub number: Option<String>,
    pub name: Option<String>,
    pub born: Option<String>,
    pub expires: Option<String>,
}

/// A picture; `place` is `front`, `selfie`, or `frame-` with a number, and no two are the same.
pub(super) struct Photo {
    pub place: Option<String>,
    pub url: Option<String>,
}

/// Reads an answer; `None` where it does not say whose it is and how it stands.
pub(super) fn check(body: &[u8]) -> Option<CheckAnswer> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    let holder = root.field("holder");
    Some(CheckAnswer {
        check_id: root.field("check_id").text()?,
        state: root.field("state").text()?,
        cause: root.field("cause").text(),
        tests: root.field("tests").items().iter().map(test).collect(),
        holder: Holder {
            number: holder.field("number").text(),
            name: holder.field("name").text(),
            born: holder.field("born").text(),
            expires: holder.field("expires").text(),
        },
        photos: root.field("photos").items().iter().map(photo).collect(),
        report: root.field("report").text(),
        unread: document.unread(),
    })
}

fn test(test: &Place<'_>) -> Test {
    Test { code: test.field("code").code(), ok: test.field("ok").flag() }
}

fn photo(photo: &Place<'_>) -> Photo {
    photo.note_links_beside(&["url"]);
    let url = photo.field("url").links().into_iter().next();
    Photo { place: photo.field("place").code(), url: url.map(|(_, url)| url) }
}

pub(super) struct Callback {
    pub check_id: String,
    pub state: String,
}

/// Reads a callback; `None` where it does not say what it is about.
pub(super) fn callback(body: &[u8]) -> Option<Callback> {
    let document = Document::read(body).ok()?;
    let root = document.root();
    Some(Callback { check_id: root.field("check_id").text()?, state: root.field("state").text()? })
}

/// The code in the body of a refusal: `{"error": "…"}`.
pub(super) fn refusal_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code(body.get("error")?.as_str()?).map(str::to_owned)
}
