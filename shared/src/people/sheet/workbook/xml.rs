//! A workbook's parts as XML.

use std::{
    borrow::Cow,
    io::{BufReader, Cursor},
};

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};
use zip::read::ZipFile;

use super::{BROKEN, broken};

/// The most characters of a cell; spreadsheets keep 32,767.
const MAX_CELL_BYTES: usize = 4 * 32_767;

/// A part as XML.
pub(super) struct Xml<'b, 'a> {
    pub(super) reader: Reader<BufReader<ZipFile<'b, Cursor<&'a [u8]>>>>,
    pub(super) buffer: Vec<u8>,
}

impl Xml<'_, '_> {
    pub(super) fn next(&mut self) -> Result<Event<'_>, String> {
        self.buffer.clear();
        self.reader.read_event_into(&mut self.buffer).map_err(broken)
    }

    /// The next start of an element.
    pub(super) fn element(&mut self) -> Result<Option<BytesStart<'static>>, String> {
        loop {
            match self.next()? {
                Event::Start(element) | Event::Empty(element) => return Ok(Some(element.into_owned())),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }
}

/// Whether the reader is in a text `t`, outside of a phonetic guide.
#[derive(Default)]
pub(super) struct InText {
    is_text: bool,
    is_aid: bool,
}

impl InText {
    pub(super) fn begin(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "t" => self.is_text = true,
            "rPh" => self.is_aid = true,
            _ => {}
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        match name {
            "t" => self.is_text = false,
            "rPh" => self.is_aid = false,
            _ => {}
        }
    }

    pub(super) fn take(&self, event: &Event<'_>, text: &mut String) -> Result<(), String> {
        if self.is_text && !self.is_aid { content(event, text) } else { Ok(()) }
    }
}

/// Adds an event's text.
pub(super) fn content(event: &Event<'_>, text: &mut String) -> Result<(), String> {
    match event {
        Event::Text(part) => text.push_str(&part.xml10_content()),
        Event::CData(part) => text.push_str(&part.xml10_content()),
        Event::GeneralRef(reference) => text.push(letter(reference).ok_or_else(|| BROKEN.to_owned())?),
        _ => {}
    }
    if text.len() > MAX_CELL_BYTES { Err("has a cell that is too long".to_owned()) } else { Ok(()) }
}

fn letter(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &**reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
}

pub(super) fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name)?.parse().ok()
}

pub(super) fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true")
}

/// Decodes the characters that XML cannot contain, written as `_x000D_` (ST_Xstring).
pub(super) fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("_x") {
        plain.push_str(before);
        let code = after.get(..4).filter(|_| after.as_bytes().get(4) == Some(&b'_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                plain.push(letter);
                rest = &after[5..];
            }
            None => {
                plain.push_str("_x");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}
