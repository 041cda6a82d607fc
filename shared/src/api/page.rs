//! Paging: `page` for the first pages, a cursor for any depth.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::{Deserialize, Serialize};

use super::ApiError;

/// Entries of a page where nothing else is asked for.
pub const DEFAULT_PER_PAGE: usize = 20;
/// The most entries of a page.
pub const MAX_PER_PAGE: usize = 100;
/// The deepest page that can be asked for by number.
pub const MAX_PAGE: usize = 50;

/// The deepest place that a cursor may claim to lead to.
const DEEPEST: usize = 1_000_000_000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the page, from 1.
    pub page: usize,
    /// Entries on it.
    pub per_page: usize,
    /// Where to go on, for a page reached by link.
    pub cursor: Option<Cursor>,
}

/// A place in a list that is kept newest first in months. It names no tenant: that is always the caller's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Month to go on in, such as `2026-11`.
    pub month: String,
    /// Only entries sorted below this; `None` for the month's beginning.
    pub below: Option<String>,
    /// Entries before this place.
    pub seen: usize,
}

impl Cursor {
    fn encode(&self) -> String {
        // A struct of strings and a number always serialises.
        BASE64URL.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&BASE64URL.decode(text).ok()?).ok()?;
        let is_month = cursor.month.len() == 7 && format!("{}-01", cursor.month).parse::<jiff::civil::Date>().is_ok();
        (is_month && cursor.seen <= DEEPEST).then_some(cursor)
    }
}

impl PageRequest {
    /// Reads `page`, `per_page` and `cursor` of a query string.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, ApiError> {
        let number = |name: &str, default: usize, max: usize| match get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=max).contains(n))
                .ok_or_else(|| ApiError::invalid_field(name, &format!("must be a number from 1 to {max}"))),
        };
        let cursor = match get("cursor") {
            None => None,
            Some(text) => {
                let message = "must be the cursor of a next_page_url";
                Some(Cursor::decode(text).ok_or_else(|| ApiError::invalid_field("cursor", message))?)
            }
        };
        // Beyond MAX_PAGE the number is only a label on a cursor.
        let deepest = if cursor.is_some() { DEEPEST } else { MAX_PAGE };
        Ok(Self {
            page: number("page", 1, deepest)?,
            per_page: number("per_page", DEFAULT_PER_PAGE, MAX_PER_PAGE)?,
            cursor,
        })
    }
}

/// A page of a list as customers see it (seed `002_62dc5acb5b5aea27`).
#[derive(Debug, Serialize)]
pub struct PageView<T> {
    /// Number of the page.
    pub current_page: usize,
    /// Its entries.
    pub data: Vec<T>,
    /// Position of the first, from 1.
    pub from: Option<usize>,
    /// Position of the last.
    pub to: Option<usize>,
    /// Entries a full page has; a page may have fewer although another follows.
    pub per_page: usize,
    /// The next page, where there may be one.
    pub next_page_url: Option<String>,
    /// The page before, where it can be reached by number.
    pub prev_page_url: Option<String>,
}

impl<T> PageView<T> {
    /// The page of `path` (with `filters` as its further query) that begins after `seen` entries.
    pub fn new(
        path: &str,
        filters: &[(&str, &str)],
        request: &PageRequest,
        seen: usize,
        data: Vec<T>,
        next: Option<&Cursor>,
    ) -> Self {
        let link = |more: &[(&str, &str)]| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(filters).extend_pairs(more);
            format!("{path}?{}", query.finish())
        };
        let per_page = request.per_page.to_string();
        let next_page_url = next.map(|cursor| {
            let page = (request.page + 1).to_string();
            link(&[("per_page", &per_page), ("page", &page), ("cursor", &cursor.encode())])
        });
        let prev_page_url = (request.page > 1 && request.page - 1 <= MAX_PAGE).then(|| {
            let page = (request.page - 1).to_string();
            link(&[("per_page", &per_page), ("page", &page)])
        });
        let some = !data.is_empty();
        Self {
            current_page: request.page,
            from: some.then_some(seen + 1),
            to: some.then_some(seen + data.len()),
            per_page: request.per_page,
            data,
            next_page_url,
            prev_page_url,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<PageRequest, ApiError> {
        PageRequest::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    }

    #[test]
    fn a_page_out_of_range_is_an_error_that_names_the_parameter() {
        assert_eq!(read(&[]).unwrap(), PageRequest { page: 1, per_page: 20, cursor: None });
        for (name, value) in [("page", "0"), ("page", "51"), ("page", "x"), ("per_page", "101"), ("cursor", "e30")] {
            assert_eq!(read(&[(name, value)]).unwrap_err().fields[0].field, name);
        }
    }

    #[test]
    fn the_next_link_leads_on_at_any_depth() {
        let cursor = Cursor { month: "2026-11".into(), below: Some("x".into()), seen: 1020 };
        let request = PageRequest { page: 51, per_page: 20, cursor: None };
        let view = PageView::new("/processes", &[("status", "approved")], &request, 1000, vec![1], Some(&cursor));
        let next = view.next_page_url.unwrap();
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(next.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
        let get = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(get("status"), Some("approved"));
        let read = PageRequest::read(get).unwrap();
        assert_eq!((read.page, read.cursor), (52, Some(cursor)));
        assert_eq!((view.from, view.to), (Some(1001), Some(1001)));
    }
}
