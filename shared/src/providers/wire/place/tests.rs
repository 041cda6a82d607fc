//! The forms in which a value may come, and what is noted of the others.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// What `read` makes of the field `x`, and what is noted.
fn read<T>(body: &str, read: impl Fn(Place<'_>) -> T) -> (T, Vec<String>) {
    let document = Document::read(body.as_bytes()).unwrap();
    let value = read(document.root().field("x"));
    let unread = document.unread();
    (value, unread)
}

#[test]
fn a_value_is_read_in_every_sensible_form() {
    for (json, expected) in
        [("91.3", 91.3), ("\"91.3\"", 91.3), ("\" 91,3 %\"", 91.3), ("[91.3]", 91.3), ("\"1e1\"", 10.0)]
    {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.number()), (Some(expected), vec![]), "{json}");
    }
    for (json, expected) in [("true", true), ("\"False\"", false), ("1", true), ("\"0\"", false), ("\"Sí\"", true)] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.flag()), (Some(expected), vec![]), "{json}");
    }
    let at = "2025-05-29T17:16:51Z".parse().unwrap();
    for json in [
        "\"2025-05-29T17:16:51.000Z\"",
        "1748539011",
        "1748539011000",
        "\"1748539011\"",
        "\"2025-05-29T12:16:51-05:00\"",
    ] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.moment()), (Some(at), vec![]), "{json}");
    }
    for (json, expected) in [("\" a \"", "a"), ("7", "7"), ("true", "true"), ("[\"a\"]", "a")] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.text()), (Some(expected.to_owned()), vec![]), "{json}");
    }
}

#[test]
fn only_unreadable_values_are_recorded_not_missing_ones() {
    for json in ["null", "\"\"", "\" \"", "[]", "{}"] {
        let body = format!(r#"{{"x": {json}}}"#);
        let all = |x: Place<'_>| (x.text(), x.number(), x.flag(), x.moment(), x.field("y").text(), x.links());
        assert_eq!(read(&body, all), ((None, None, None, None, None, vec![]), vec![]), "{json}");
    }
    let unread = vec!["/x".to_owned()];
    for json in ["\"high\"", "\"NaN\"", "\"inf\"", "\"1e999\"", "{\"y\": 1}", "[[1]]", "true", "[1, 2]"] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.number()), (None, unread.clone()), "{json}");
    }
    for json in ["2", "\"perhaps\"", "{\"y\": 1}"] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.flag()), (None, unread.clone()), "{json}");
    }
    for json in ["\"yesterday\"", "\"2025-05-29 17:16:51\"", "true", "1e300"] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), |x| x.moment()), (None, unread.clone()), "{json}");
    }
    assert_eq!(read(r#"{"x": "of Juan"}"#, |x| x.code()), (None, unread.clone()));
    assert_eq!(read(r#"{"x": "text"}"#, |x| x.field("y").text()), (None, unread));
}

#[test]
fn values_of_one_name_must_agree_where_one_is_expected() {
    assert_eq!(read(r#"{"x": true, "x": null, "x": true}"#, |x| x.flag()), (Some(true), vec![]));
    assert_eq!(read(r#"{"x": "1", "x": true}"#, |x| x.flag()), (Some(true), vec![]));
    assert_eq!(read(r#"{"x": true, "x": false}"#, |x| x.flag()), (None, vec!["/x".to_owned()]));
    assert_eq!(read(r#"{"x": {}, "x": 7}"#, |x| x.number()), (Some(7.0), vec![]));
}

#[test]
fn lists_and_maps_of_one_name_all_count() {
    let texts = |x: Place<'_>| x.items().iter().map(|item| item.text()).collect::<Vec<_>>();
    let a_b = vec![Some("a".to_owned()), Some("b".to_owned())];
    for json in [r#"["a", "b"]"#, r#"["a"], "x": ["b"]"#, r#"["a", "b"], "x": ["a", "b"]"#, r#"{"2": "b", "0": "a"}"#] {
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), texts), (a_b.clone(), vec![]), "{json}");
    }
    assert_eq!(read(r#"{"x": "a"}"#, texts).0, [Some("a".to_owned())]);
    let holes = (vec![None, None, Some("a".to_owned())], vec!["/x/*".to_owned()]);
    assert_eq!(read(r#"{"x": [null, {"y": 1}, "a"]}"#, texts), holes);
    let names = |x: Place<'_>| x.entries().iter().map(|(name, y)| format!("{name}={:?}", y.text())).collect::<Vec<_>>();
    for json in [r#"{"b": 1, "a": 2}"#, r#"[{"b": 1}, {"a": 2}]"#, r#"{"b": 1}, "x": {"a": 2}"#] {
        let expected = (vec![r#"a=Some("2")"#.to_owned(), r#"b=Some("1")"#.to_owned()], vec![]);
        assert_eq!(read(&format!(r#"{{"x": {json}}}"#), names), expected, "{json}");
    }
}

#[test]
fn a_link_is_a_url_that_can_be_fetched() {
    let links = |x: Place<'_>| x.links();
    assert_eq!(read(r#"{"x": " https://a.example/1 "}"#, links), (vec![(1, "https://a.example/1".to_owned())], vec![]));
    for odd in [
        "\"pending\"",
        "\"ftp://a.example/1\"",
        "\"https:\"",
        "\"data:image/png;base64,AA\"",
        "\"https://u:p@a.example\"",
        "7",
        "null",
    ] {
        let expected = (vec![(2, "http://a.example/".to_owned())], vec!["/x/*".to_owned()]);
        assert_eq!(read(&format!(r#"{{"x": [{odd}, "http://a.example/"]}}"#), links), expected, "{odd}");
    }
    let beside = |x: Place<'_>| x.note_links_beside(&["photo"]);
    assert_eq!(read(r#"{"x": {"photo": "https://a.example"}}"#, beside).1, Vec::<String>::new());
    for odd in ["\"https://a.example\"", "[1, \"https://a.example\"]"] {
        assert_eq!(read(&format!(r#"{{"x": {{"crop of Juan": {odd}}}}}"#), beside).1, ["/x/*"]);
    }
}

#[test]
fn notes_are_bounded_and_hold_no_name_of_the_answer() {
    let many: String = (0..100_000).map(|n| format!(r#""name {n}": [], "x": {n},"#)).collect();
    let (_, unread) = read(&format!("{{{many} \"y\": 1}}"), |x| x.text());
    assert_eq!(unread, ["/x"]);
    let (_, unread) = read(r#"{"x": {"Juan": {"y": 1}}}"#, |x| x.entries()[0].1.text());
    assert_eq!(unread, ["/x/*"]);
}
