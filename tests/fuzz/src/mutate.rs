//! Changing a body: its JSON at any place, or its bytes.

use serde_json::{Value, json};

/// The most changes made to one body.
const MOST_CHANGES: usize = 6;

/// `body` with the changes that `input` asks for, three bytes each: where, what, and how much of it.
#[must_use]
pub fn mutated(body: &[u8], input: &[u8]) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    let mut steps = input.chunks_exact(3).take(MOST_CHANGES);
    let mut bytes = None;
    for step in steps.by_ref() {
        let (place, what, how) = (step[0], step[1], step[2]);
        match what % 21 {
            // Most changes are to the JSON, which a change of bytes would seldom leave JSON.
            20 => bytes = Some(with_names_twice(&json, how).into_bytes()),
            0 => bytes = Some(flipped(serde_json::to_vec(&json).unwrap_or_default(), place, how)),
            1 => bytes = Some(cut(serde_json::to_vec(&json).unwrap_or_default(), place)),
            what => change(&mut json, usize::from(place), what, how),
        }
        if bytes.is_some() {
            break;
        }
    }
    bytes.unwrap_or_else(|| serde_json::to_vec(&json).unwrap_or_default())
}

/// The JSON with one name of each map written twice, the second time with another value.
fn with_names_twice(json: &Value, how: u8) -> String {
    match json {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| with_names_twice(item, how)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let entry = |name: &String, value: String| format!("{}:{value}", Value::from(name.as_str()));
            let mut entries: Vec<_> =
                fields.iter().map(|(name, value)| entry(name, with_names_twice(value, how))).collect();
            if let Some((name, value)) = fields.iter().nth(usize::from(how) % fields.len().max(1)) {
                entries.push(entry(name, other(value.clone(), how % 20, how).to_string()));
            }
            format!("{{{}}}", entries.join(","))
        }
        value => value.to_string(),
    }
}

fn flipped(mut bytes: Vec<u8>, place: u8, how: u8) -> Vec<u8> {
    let at = bytes.len() * usize::from(place) / 256;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= how;
    }
    bytes
}

fn cut(mut bytes: Vec<u8>, place: u8) -> Vec<u8> {
    bytes.truncate(bytes.len() * usize::from(place) / 256);
    bytes
}

/// Changes the node that is `place`th as one walks through the tree.
fn change(json: &mut Value, place: usize, what: u8, how: u8) {
    let count = count(json);
    if let Some(node) = find(json, &mut (place * count / 256)) {
        *node = other(std::mem::take(node), what, how);
    }
}

fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn find<'a>(json: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(json);
    }
    *left -= 1;
    match json {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, left)),
        _ => None,
    }
}

fn other(node: Value, what: u8, how: u8) -> Value {
    let many = usize::from(how);
    match what {
        2 => Value::Null,
        3 => json!(how.is_multiple_of(2)),
        4 => json!(""),
        5 => json!("x".repeat(many * many)),
        6 => json!(-1.5e300),
        7 => json!(u64::MAX),
        8 => json!(how),
        9 => json!([node]),
        10 => json!({ "x": node }),
        11 => Value::Array(vec![node; many]),
        12 => (0..many).map(|n| (format!("{n}"), node.clone())).collect(),
        13 => json!([]),
        14 => json!({}),
        15 => json!(format!(" {}\u{a0}", node.as_str().unwrap_or_default())),
        16 => json!(node.as_str().unwrap_or_default().to_uppercase()),
        17 => json!("../../secret?x=1#\r\n\u{0}\u{202e}ñ"),
        18 => (0..many).fold(node, |inner, _| json!([inner])),
        _ => json!(node.to_string()),
    }
}
