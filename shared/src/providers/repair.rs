//! Commas that a company forgot.
//!
//! LINK's own samples of callbacks miss the comma between two members of an object, and such a callback brings a verdict that
//! cannot be had again. One thing is mended, where nothing has to be guessed: between a whole value in an object and the name
//! of the next member, at least one line further down, a comma is missing. Whatever else is wrong stays wrong.

use std::borrow::Cow;

/// The text with the commas put in that are missing at ends of lines. What is wrong beyond that stays wrong.
#[must_use]
pub fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    with_missing_commas(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// The text with a comma behind each member of an object that is followed by another one's name on a later line; `None`
/// where there is no such place, or anything else that JSON forbids.
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

/// What stands before the next token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Something that a value or a name may follow.
    Nothing,
    /// A colon: a value follows.
    Colon,
    /// A whole value, which ended here.
    Value(usize),
}

/// Goes through the text token by token. Only what matters for finding the places is checked; the rest is left to whoever
/// parses what comes out.
struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    within: Vec<u8>,
    after: After,
    /// Whether a line ended since the last token.
    line_ended: bool,
}

impl Reader<'_> {
    /// The places of all commas that are missing.
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

    /// A text, and the place before it where a comma is missing, if one is.
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
    fn a_comma_between_members_at_the_end_of_a_line_is_put_in() {
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
            // In pretty JSON a member's comma ends its line, and the next line begins with a name.
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
