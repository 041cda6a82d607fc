//! Reading the query string: every parameter of it is known, or an error names it.

use lambda_http::{Request, RequestExt as _};
use uuid::Uuid;

use super::ApiError;

/// How long a link works where nothing else is asked for, in minutes.
const DEFAULT_LINK_MINUTES: u64 = 15;

/// The query string, every parameter of which is known.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query string of a request that takes the parameters `known`.
    ///
    /// # Errors
    /// 422 naming the first parameter that is not among them, or is given twice.
    pub fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let parameters = request.query_string_parameters();
        // An `&` too many, with nothing beside it, says nothing.
        let pairs = parameters.iter().filter(|(name, value)| !(name.is_empty() && value.is_empty()));
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if !known.contains(&name) {
                return Err(ApiError::invalid_field(name, "is not a known parameter"));
            }
            if read.iter().any(|(other, _)| other == name) {
                return Err(ApiError::invalid_field(name, "is given twice"));
            }
            read.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Self(read))
    }

    /// A parameter's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that names a record.
    ///
    /// # Errors
    /// 422 where it is no UUID.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>, ApiError> {
        let id = self.get(name).map(str::parse).transpose();
        id.map_err(|_| ApiError::invalid_field(name, "must be a UUID"))
    }

    /// A parameter that is `true` or `false`, in any case (Python), or `1` or `0` (PHP); absent is `false`.
    ///
    /// # Errors
    /// 422 where it is neither.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name).map(str::to_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid_field(name, "must be true or false")),
        }
    }

    /// `expires_in_min`: how long a link is to work.
    ///
    /// # Errors
    /// 422 where it is not a number from 1 to 60.
    pub fn link_minutes(&self) -> Result<u64, ApiError> {
        match self.get("expires_in_min") {
            None => Ok(DEFAULT_LINK_MINUTES),
            Some(text) => text
                .parse()
                .ok()
                .filter(|minutes| (1..=60).contains(minutes))
                .ok_or_else(|| ApiError::invalid_field("expires_in_min", "must be a number from 1 to 60")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use lambda_http::Body;

    use super::*;
    use crate::common::page::PageRequest;

    fn read(text: &str) -> Result<Query, ApiError> {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        let mut parameters = std::collections::HashMap::<String, Vec<String>>::new();
        pairs.for_each(|(name, value)| parameters.entry(name.into()).or_default().push(value.into()));
        let request = lambda_http::http::Request::new(Body::Empty).with_query_string_parameters(parameters);
        Query::read(&request, &["page", "per_page", "cursor", "person_id", "refresh"])
    }

    #[test]
    fn a_query_is_read_as_any_client_writes_it() {
        for text in
            ["refresh=true", "refresh=True", "refresh=1", "refresh=+TRUE", "&refresh=true&=&", "refresh=%20true%20"]
        {
            assert!(read(text).unwrap().flag("refresh").unwrap(), "{text}");
        }
        for text in ["", "refresh=False", "refresh=0"] {
            assert!(!read(text).unwrap().flag("refresh").unwrap(), "{text}");
        }
        assert!(read("refresh=").unwrap().flag("refresh").is_err());
        let query = read("cursor=&per_page=&page=%203").unwrap();
        let page = PageRequest::read(|name| query.get(name)).unwrap();
        assert_eq!((page.page, page.per_page, page.cursor), (3, crate::common::page::DEFAULT_PER_PAGE, None));
        let id = "71266B80-F04B-4A2C-9314-963D3A182F2B";
        assert_eq!(read(&format!("person_id={id}+")).unwrap().id("person_id").unwrap(), id.parse().ok());
        // Whose is left out by mistake would list everybody's.
        assert!(read("person_id=").unwrap().id("person_id").is_err());
    }

    #[test]
    fn what_is_given_twice_is_not_chosen_from() {
        for text in ["page=1&page=2", "refresh=true&refresh=true", "more=1", "Page=1"] {
            assert_eq!(read(text).err().unwrap().status(), 422, "{text}");
        }
    }
}
