//! Reads the query string: every parameter must be known, otherwise an error names it.

use lambda_http::{Request, RequestExt as _};
use uuid::Uuid;

use super::ApiError;

/// The default lifetime of a link, in minutes.
const DEFAULT_LINK_MINUTES: u64 = 15;

/// A query string with known parameters only.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query string of a request that takes the parameters `known`.
    ///
    /// # Errors
    /// 422 with the name of the first parameter that is unknown or occurs twice.
    pub fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let parameters = request.query_string_parameters();
        // An extra `&` with nothing next to it is ignored.
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

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is the id of a record.
    ///
    /// # Errors
    /// 422 if it is not a UUID.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>, ApiError> {
        let id = self.get(name).map(str::parse).transpose();
        id.map_err(|_| ApiError::invalid_field(name, "must be a UUID"))
    }

    /// A parameter that is `true` or `false`, in any case (Python), or `1` or `0` (PHP); `false` if absent.
    ///
    /// # Errors
    /// 422 if it is none of these.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name).map(str::to_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid_field(name, "must be true or false")),
        }
    }

    /// `expires_in_min`: the lifetime of a link in minutes.
    ///
    /// # Errors
    /// 422 unless it is a number from 1 to 60.
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
    fn queries_of_all_common_clients_are_read() {
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
        // An empty filter would list the records of every person.
        assert!(read("person_id=").unwrap().id("person_id").is_err());
    }

    #[test]
    fn a_repeated_or_unknown_parameter_is_refused() {
        for text in ["page=1&page=2", "refresh=true&refresh=true", "more=1", "Page=1"] {
            assert_eq!(read(text).err().unwrap().status(), 422, "{text}");
        }
    }
}
