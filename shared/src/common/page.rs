//! Paging: `page` for the first pages, a cursor for any depth.
//!
//! A page ends at the requested number of entries, or at the size limit of an answer: Lambda allows 6 MB, counted in
//! its own escaped JSON. Page N begins at entry `(N - 1) * per_page + 1`, whether or not the pages before were full.
//! `from` and `to` say which entries a page has; the link to the next page continues after them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::{Deserialize, Serialize};

use crate::common::{FieldError, raw_json::escaped_length};

/// The default page size.
pub const DEFAULT_PER_PAGE: usize = 20;
/// The largest page size.
pub const MAX_PER_PAGE: usize = 100;
/// The highest page number; beyond it only a cursor works.
pub const MAX_PAGE: usize = 50;

/// The most bytes of a page's entries, as Lambda counts them. One entry always fits, because an item of the table has
/// at most 400 KB.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The highest position that a cursor may contain.
const DEEPEST: usize = 1_000_000_000;
/// The longest sort key in a cursor: a moment and an id.
const MAX_SORT_KEY: usize = 100;

/// The requested part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of the page, from 1.
    pub page: usize,
    /// Entries on it.
    pub per_page: usize,
    /// Set where the page was reached by a link.
    pub cursor: Option<Cursor>,
}

/// A position in a list that is stored newest first, by month. It contains no tenant: that is always the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The month to continue in, such as `2026-11`.
    pub month: String,
    /// The sort key to continue below; `None` for the start of the month.
    pub below: Option<String>,
    /// Entries before this place.
    pub seen: usize,
}

impl Cursor {
    /// As text for a link or a command line.
    #[must_use]
    pub fn encode(&self) -> String {
        // A struct of strings and a number always serializes.
        BASE64URL.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the text of [`Self::encode`].
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&BASE64URL.decode(text).ok()?).ok()?;
        let is_month = cursor.month.len() == 7 && format!("{}-01", cursor.month).parse::<jiff::civil::Date>().is_ok();
        let is_key = cursor.below.as_ref().is_none_or(|below| (1..=MAX_SORT_KEY).contains(&below.len()));
        (is_month && is_key && cursor.seen <= DEEPEST).then_some(cursor)
    }
}

impl PageRequest {
    /// Reads `page`, `per_page` and `cursor` of a query string. An empty value counts as none.
    ///
    /// # Errors
    /// The invalid parameter.
    pub fn read<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, FieldError> {
        Self::read_of(DEFAULT_PER_PAGE, get)
    }

    /// Like [`Self::read`], with another default page size.
    ///
    /// # Errors
    /// Likewise.
    pub fn read_of<'a>(per_page: usize, get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, FieldError> {
        let get = |name: &str| get(name).filter(|text| !text.is_empty());
        let number = |name: &str, default: usize, max: usize| match get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=max).contains(n))
                .ok_or_else(|| FieldError::new(name, format!("must be a number from 1 to {max}"))),
        };
        let cursor = match get("cursor") {
            None => None,
            Some(text) => {
                let message = "must be the cursor of a next_page_url";
                Some(Cursor::decode(text).ok_or_else(|| FieldError::new("cursor", message))?)
            }
        };
        // Beyond MAX_PAGE, the number only labels a cursor.
        let deepest = if cursor.is_some() { DEEPEST } else { MAX_PAGE };
        Ok(Self { page: number("page", 1, deepest)?, per_page: number("per_page", per_page, MAX_PER_PAGE)?, cursor })
    }
}

/// An entry of a list, and the position after it.
#[derive(Debug)]
pub struct Listed<T> {
    /// The entry.
    pub entry: T,
    /// The place behind it.
    pub after: Cursor,
}

/// A part of a list.
#[derive(Debug)]
pub struct ListedPage<T> {
    /// Entries before it.
    pub seen: usize,
    pub entries: Vec<Listed<T>>,
    /// The position to continue at; `None` at the end of the list.
    pub next: Option<Cursor>,
}

impl<T> ListedPage<T> {
    /// Maps each entry; entries that map to `None` are left out.
    #[must_use]
    pub fn map<U>(self, mut made: impl FnMut(T) -> Option<U>) -> ListedPage<U> {
        let entries = self.entries.into_iter();
        let entries = entries.filter_map(|Listed { entry, after }| Some(Listed { entry: made(entry)?, after }));
        ListedPage { seen: self.seen, entries: entries.collect(), next: self.next }
    }
}

impl<T: Serialize> ListedPage<T> {
    /// Cuts the part at `room` bytes, but keeps at least one entry.
    #[must_use]
    pub fn within(mut self, room: usize) -> Self {
        let mut taken = 0;
        let fitting = self.entries.iter().take_while(|listed| {
            // And a comma.
            taken += escaped_length(&listed.entry) + 1;
            taken <= room
        });
        let fitting = fitting.count().max(1);
        if fitting < self.entries.len() {
            self.entries.truncate(fitting);
            self.next = self.entries.last().map(|last| last.after.clone());
        }
        self
    }
}

/// A page of a list as customers see it (seed `002_62dc5acb5b5aea27`).
#[derive(Debug, Serialize)]
pub struct PageView<T> {
    /// Number of the page.
    pub current_page: usize,
    pub data: Vec<T>,
    /// Position of the first, from 1.
    pub from: Option<usize>,
    /// The link to the next page, where there may be one.
    pub next_page_url: Option<String>,
    /// The page size; a page may have fewer entries although another follows.
    pub per_page: usize,
    /// The link to the page before, where it can be reached by number.
    pub prev_page_url: Option<String>,
    /// Position of the last.
    pub to: Option<usize>,
    /// The number of entries of the whole list, where the list shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
}

/// The number of entries of a list; `null` where there are too many to count for each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Total(pub Option<usize>);

impl<T: Serialize> PageView<T> {
    /// A page of `path`, with `filters` in its links: as much of `listed` as fits.
    pub fn new(path: &str, filters: &[(&str, &str)], request: &PageRequest, listed: ListedPage<T>) -> Self {
        Self::within(MAX_PAGE_BYTES, path, filters, request, listed)
    }

    /// Like [`Self::new`], with room for `room` bytes only.
    pub fn within(
        room: usize,
        path: &str,
        filters: &[(&str, &str)],
        request: &PageRequest,
        listed: ListedPage<T>,
    ) -> Self {
        let ListedPage { seen, entries, next } = listed.within(room);
        let data: Vec<T> = entries.into_iter().map(|listed| listed.entry).collect();
        let link = |more: &[(&str, &str)]| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(filters).extend_pairs(more);
            format!("{path}?{}", query.finish())
        };
        let (page, per_page) = (request.page, request.per_page.to_string());
        let next_page_url = next.map(|next| {
            // Page numbers count on along the links, also where entries were left out.
            let cursor = Cursor { seen: seen + data.len(), ..next };
            link(&[("per_page", &per_page), ("page", &(page + 1).to_string()), ("cursor", &cursor.encode())])
        });
        // The page number leads to the entries before these only if every page up to here was full.
        let is_exact = (page - 1).checked_mul(request.per_page) == Some(seen);
        let prev_page_url = (page > 1 && page - 1 <= MAX_PAGE && is_exact)
            .then(|| link(&[("per_page", &per_page), ("page", &(page - 1).to_string())]));
        let some = !data.is_empty();
        Self {
            current_page: page,
            from: some.then_some(seen + 1),
            to: some.then_some(seen + data.len()),
            per_page: request.per_page,
            data,
            next_page_url,
            prev_page_url,
            total: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<PageRequest, FieldError> {
        PageRequest::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    }

    #[test]
    fn an_invalid_page_parameter_is_named() {
        assert_eq!(read(&[]).unwrap(), PageRequest { page: 1, per_page: 20, cursor: None });
        for (name, value) in [("page", "0"), ("page", "51"), ("page", "x"), ("per_page", "101"), ("cursor", "e30")] {
            assert_eq!(read(&[(name, value)]).unwrap_err().field, name);
        }
    }

    #[test]
    fn the_next_link_leads_on_at_any_depth() {
        let cursor = Cursor { month: "2026-11".into(), below: Some("x".into()), seen: 1020 };
        let request = PageRequest { page: 51, per_page: 20, cursor: None };
        let page = ListedPage { seen: 1000, entries: listed(&["x"], 1000), next: Some(cursor.clone()) };
        let view = PageView::new("/processes", &[("status", "approved")], &request, page);
        let (read, get) = follow(view.next_page_url.as_deref().unwrap());
        assert_eq!(get.iter().find(|(name, _)| name == "status").unwrap().1, "approved");
        // Entries that were read and not shown do not count.
        assert_eq!((read.page, read.cursor), (52, Some(Cursor { seen: 1001, ..cursor })));
        assert_eq!((view.from, view.to), (Some(1001), Some(1001)));
    }

    fn listed(texts: &[&str], seen: usize) -> Vec<Listed<String>> {
        let after = |at: usize| Cursor { month: "2026-11".into(), below: Some(format!("k{at}")), seen: seen + at };
        texts.iter().zip(1..).map(|(text, at)| Listed { entry: (*text).to_owned(), after: after(at) }).collect()
    }

    /// What a link asks for.
    fn follow(link: &str) -> (PageRequest, Vec<(String, String)>) {
        let query = url::form_urlencoded::parse(link.split_once('?').unwrap().1.as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let get = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        (PageRequest::read(get).unwrap(), query)
    }

    #[test]
    fn a_page_ends_by_bytes_and_the_next_continues() {
        // A quotation mark counts as four: it is escaped in the entry, and the entry in the answer.
        let quoted = "\"".repeat(MAX_PAGE_BYTES / 16);
        let texts = [quoted.as_str(); 6];
        let request = PageRequest { page: 1, per_page: 6, cursor: None };
        let page = ListedPage { seen: 0, entries: listed(&texts, 0), next: None };
        let view = PageView::new("/x", &[], &request, page);
        assert_eq!((view.data.len(), view.from, view.to), (3, Some(1), Some(3)));
        assert_eq!(view.prev_page_url, None);
        let (second, _) = follow(view.next_page_url.as_deref().unwrap());
        assert_eq!(second.cursor, Some(Cursor { month: "2026-11".into(), below: Some("k3".into()), seen: 3 }));
        let page = ListedPage { seen: 3, entries: listed(&texts[3..], 3), next: None };
        let view = PageView::new("/x", &[], &second, page);
        assert_eq!((view.current_page, view.from, view.to, view.next_page_url), (2, Some(4), Some(6), None));
        assert_eq!(view.prev_page_url, None, "page 1 has other entries than those before this one");
    }

    #[test]
    fn one_entry_is_shown_however_large_it_is() {
        let large = "x".repeat(2 * MAX_PAGE_BYTES);
        let request = PageRequest { page: 1, per_page: 20, cursor: None };
        let page = ListedPage { seen: 0, entries: listed(&[&large, "y"], 0), next: None };
        let view = PageView::new("/x", &[], &request, page);
        assert_eq!(view.data.len(), 1);
        assert!(view.next_page_url.is_some());
    }

    #[test]
    fn a_cursor_that_no_table_takes_is_refused() {
        for below in [String::new(), "x".repeat(MAX_SORT_KEY + 1)] {
            let cursor = Cursor { month: "2026-11".into(), below: Some(below), seen: 0 };
            assert_eq!(read(&[("cursor", &cursor.encode())]).unwrap_err().field, "cursor");
        }
    }
}
