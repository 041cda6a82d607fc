//! What customers send: links, cursors, keys, names of things.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use cotejo::{
    common::page::PageRequest,
    http::authenticator::presented_key,
    objects::MediaFormat,
    platform::http::{UrlGuard, is_public},
    store::keys::WorkKey,
};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

/// An input that is made of parts which mean something, in any order, and of what is said between them.
pub fn built(parts: &[&str], input: &[u8]) -> String {
    let mut text = String::new();
    for byte in input {
        match parts.get(usize::from(*byte)) {
            Some(part) => text.push_str(part),
            None => text.push(char::from(*byte)),
        }
    }
    text
}

#[test]
fn whatever_link_is_given() {
    let parts = [
        "https://",
        "http://",
        "user:secret@",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "0x7f.1",
        "2130706433",
        "169.254.169.254",
        "bucket.example",
        "bucket.example.",
        ":443",
        ":80",
        "/path",
        "?q=",
        "#f",
        "\\",
        "@",
        "..",
        "%00",
        "%2f",
        "\u{3002}",
        "ⓛocalhost",
        "xn--",
        "\t",
        "file:///etc/passwd",
    ];
    let listed = UrlGuard::new(&["bucket.example".to_owned()], false);
    let any = UrlGuard::any_public_host(false);
    fuzz!(|input: &[u8]| {
        for text in [built(&parts, input), format!("https://{}", built(&parts, input))] {
            for (guard, is_listed) in [(&listed, true), (&any, false)] {
                let Ok(url) = guard.check(&text) else { continue };
                assert_eq!((url.scheme(), url.port(), url.username()), ("https", None, ""), "{text}");
                let host = url.host_str().unwrap().trim_end_matches('.').to_owned();
                assert!(!is_listed || host == "bucket.example", "{text}");
                let address = host.trim_matches(['[', ']']).parse();
                assert!(address.is_err() || address.is_ok_and(is_public), "{text}");
                assert_ne!(host.rsplit('.').next(), Some("localhost"), "{text}");
            }
        }
    });
}

#[test]
fn whatever_cursor_is_sent_back() {
    fuzz!(|input: &[u8]| {
        let real = json!({"month": "2026-11", "below": "2026-11-02T09:00:00.000Z#x", "seen": 20});
        let changed = BASE64URL.encode(cotejo_fuzz::mutated(real.to_string().as_bytes(), input));
        let text = String::from_utf8_lossy(input).into_owned();
        for cursor in [changed.as_str(), text.as_str()] {
            for number in ["1", "50", "51", text.as_str()] {
                let read = PageRequest::read(|name| match name {
                    "cursor" => Some(cursor),
                    "page" => Some(number),
                    _ => None,
                });
                let Ok(page) = read else { continue };
                assert!(page.page >= 1 && (1..=100).contains(&page.per_page));
                // Clients send an empty one where they have none.
                let Some(cursor) = page.cursor else {
                    assert!(cursor.is_empty(), "{cursor} is passed over");
                    continue;
                };
                assert!(cursor.month.len() == 7 && cursor.month.is_ascii(), "{}", cursor.month);
            }
        }
    });
}

#[test]
fn whatever_key_is_presented() {
    fuzz!(|input: &[u8]| {
        let text = built(&["Bearer ", "bearer", "Basic ", "cotejo_live_", " ", "\t", ","], input);
        let (one, other) = text.split_at(text.char_indices().nth(text.len() / 3).map_or(0, |(at, _)| at));
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", one), ("x-api-key", other)] {
            if let Ok(value) = HeaderValue::from_str(value)
                && !value.is_empty()
            {
                headers.insert(name, value);
            }
        }
        if let Some(key) = presented_key(&headers) {
            assert!(!key.is_empty() && key.len() <= 200 && key.trim() == key);
            assert!(text.contains(key));
        }
    });
}

#[test]
fn whatever_names_an_item_of_the_table() {
    let parts = [
        "TENANT#",
        "acme",
        "#",
        "PROCESS#",
        "COPY#",
        "REFERENCE#",
        "5f0f2f6e-4f43-8d52-9a2e-6f1f0f3f1c11",
        "APIKEY#",
        "DELIVERY#",
        "{",
        "urn:uuid:",
        "5F0F2F6E4F438D529A2E6F1F0F3F1C11",
    ];
    fuzz!(|input: &[u8]| {
        let text = built(&parts, input);
        if let Some(key) = WorkKey::of(&text) {
            assert_eq!(WorkKey::of(&key.item().pk()).as_ref(), Some(&key), "{text}");
        }
    });
}

#[test]
fn whatever_is_said_to_be_a_picture() {
    let starts: [&[u8]; 6] =
        [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3", b"RIFF"];
    fuzz!(|input: &[u8]| {
        let (first, rest) = input.split_first().unwrap_or((&0, &[]));
        for bytes in [input.to_vec(), [starts[usize::from(*first) % starts.len()], rest].concat()] {
            let Some(format) = MediaFormat::of(&bytes) else { continue };
            let _ = format.is_whole(&bytes);
            assert!(!format.is_whole(&bytes[..bytes.len().min(2)]), "two bytes are no picture");
        }
    });
}
