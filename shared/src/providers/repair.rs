//! Inserting commas that a provider's JSON lacks.
//!
//! LINK's own samples of callbacks lack the comma between two members of an object, and the verdict in a callback
//! cannot be queried. Only one fault is repaired, without guessing: a missing comma between a complete value in an
//! object and the name of the next member on a later line. Anything else stays invalid.

use std::borrow::Cow;

/// The text with the missing commas at line ends.
#[must_use]
pub fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    with_missing_commas(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// The text with a comma after each member that is followed by another member's name on a later line; `None` where
/// there is no such place, or another fault.
fn with_missing_commas(json: &[u8]) -> Option<Vec<u8>> {
    let missing = Reader { json, at: 0, within: Vec::new(), after: After::Nothing, line_ended: false }.missing()?;
    if missing.is_empty() {
        return None;
    }
    let mut mended = Vec::with_capacity(json.len() + missing.len());
    let mut from = 0;
    for at in missing {
        mended.extend_from_slice(&json[from..at]);
        mended.push(b',');
        from = at;
    }
    mended.extend_from_slice(&json[from..]);
    Some(mended)
}

/// What the previous token was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Something that a value or a name may follow.
    Nothing,
    /// A colon: a value follows.
    Colon,
    /// A complete value, which ended here.
    Value(usize),
}

/// Scans the text token by token. It only checks what is needed to find the places; the parser checks the result.
struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    within: Vec<u8>,
    after: After,
    /// Whether a line ended since the last token.
    line_ended: bool,
}

impl Reader<'_> {
    /// The positions of all missing commas.
    fn missing(mut self) -> Option<Vec<usize>> {
        let mut missing = Vec::new();
        while let Some(&byte) = self.json.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.line_ended |= byte == b'\n';
                    self.at += 1;
                    continue;
                }
                b'"' => missing.extend(self.string()?),
                b'{' | b'[' => self.open(byte)?,
                b'}' | b']' => self.close(byte)?,
                b':' => self.punctuation(After::Colon),
                b',' => self.punctuation(After::Nothing),
                _ => self.word()?,
            }
            self.line_ended = false;
        }
        self.within.is_empty().then_some(missing)
    }

    /// Scans a text; returns the position before it where a comma is missing.
    fn string(&mut self) -> Option<Option<usize>> {
        let missing = match self.after {
            After::Value(end) if self.within.last() == Some(&b'{') && self.line_ended => Some(end),
            After::Value(_) => return None,
            After::Nothing | After::Colon => None,
        };
        let is_name = self.within.last() == Some(&b'{') && self.after != After::Colon;
        self.at += 1;
        loop {
            match *self.json.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                ..b' ' => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.after = if is_name { After::Nothing } else { After::Value(self.at) };
        Some(missing)
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        if matches!(self.after, After::Value(_)) {
            return None;
        }
        self.within.push(bracket);
        self.punctuation(After::Nothing);
        Some(())
    }

    fn close(&mut self, bracket: u8) -> Option<()> {
        let opened = if bracket == b'}' { b'{' } else { b'[' };
        self.within.pop().filter(|within| *within == opened)?;
        self.punctuation(After::Nothing);
        self.after = After::Value(self.at);
        Some(())
    }

    fn punctuation(&mut self, after: After) {
        self.at += 1;
        self.after = after;
    }

    /// A number or `true`, `false`, `null`.
    fn word(&mut self) -> Option<()> {
        if matches!(self.after, After::Value(_)) {
            return None;
        }
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = self.json[self.at..].iter().take_while(is_part).count();
        if length == 0 {
            return None;
        }
        self.at += length;
        self.after = After::Value(self.at);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        serde_json::from_slice(&mended(text.as_bytes()))
    }

    #[test]
    fn a_missing_comma_at_a_line_end_is_inserted() {
        for (broken, right) in [
            ("{\"a\": \"MATCH\"\n \"b\": \"LIVE\"}", json!({"a": "MATCH", "b": "LIVE"})),
            ("{\"a\": 1\r\n\"b\": null\n\n\"c\": true}", json!({"a": 1, "b": null, "c": true})),
            ("{\"a\": {\"x\": []}\n\"b\": [1, 2]\n\"c\": \"}\\\"\"}", json!({"a": {"x": []}, "b": [1, 2], "c": "}\""})),
            ("[{\"a\": -1.5e3\n\"b\": {}}]", json!([{"a": -1.5e3, "b": {}}])),
        ] {
            assert_eq!(read(broken).unwrap(), right, "{broken}");
        }
    }

    #[test]
    fn nothing_else_is_guessed() {
        for broken in [
            "",
            "{",
            "{\"a\": 1 \"b\": 2}",
            "{\"a\": \"x \"b\": 2}",
            "{\"a\": \"x\n\"b\": 2}",
            "{\"a\"\n\"b\": 2}",
            "{\"a\": 1\nb: 2}",
            "{\"a\": 1\n\"b\"}",
            "{\"a\": 1\n\"b\" \"c\": 2}",
            "{\"a\": 1\n{\"b\": 2}}",
            "{\"a\": 1,\n}",
            "[\"a\"\n\"b\"]",
            "[1\n2]",
            "{\"a\": 1\n\"b\": 2",
            "{\"a\": 1\n\"b\": 2]",
            "{\"a\": 1\n\"b\": 2}}",
            "{\"a\": 1}\n\"b\"",
            "{\"a\": tru\n\"b\": 2}",
            "{'a': 1\n'b': 2}",
            "{\"a\": 1\n\"b\": 2} and more",
            "{\"a\": \"\\",
        ] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\{}\\[\\],:\n ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z\": ]{0,5}", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_commas_between_members_are_taken_away_comes_back(value in any_json(), taken: u64) {
            let whole = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(with_missing_commas(whole.as_bytes()), None, "good JSON needs none");
            // In pretty-printed JSON, a member's comma ends its line, and the next line begins with a name.
            let lines: Vec<&str> = whole.lines().collect();
            let mut broken = String::new();
            for (number, line) in lines.iter().enumerate() {
                let next = lines.get(number + 1).map(|next| next.trim_start()).unwrap_or_default();
                let is_name = next.starts_with('"') && next.contains("\": ");
                let in_object = is_name && serde_json::from_str::<Value>(next.trim_end_matches(',')).is_err();
                let take = in_object && line.ends_with(',') && taken >> (number % 64) & 1 == 1;
                broken.push_str(if take { &line[..line.len() - 1] } else { line });
                broken.push('\n');
            }
            prop_assert_eq!(read(&broken).unwrap(), value);
        }

        #[test]
        fn whatever_comes_does_no_harm(bytes: Vec<u8>, text in "[\"a:,{}\\[\\]\n 1\\\\]{0,40}") {
            for body in [bytes.as_slice(), text.as_bytes()] {
                if let Some(mended) = with_missing_commas(body) {
                    let kept: Vec<u8> = mended.iter().copied().filter(|byte| *byte != b',').collect();
                    let given: Vec<u8> = body.iter().copied().filter(|byte| *byte != b',').collect();
                    prop_assert_eq!(kept, given, "only commas are added");
                }
            }
        }
    }
}
