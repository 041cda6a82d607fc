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
    /// 422 naming the first parameter that is not among them.
    pub fn read(request: &Request, known: &[&str]) -> Result<Self, ApiError> {
        let parameters = request.query_string_parameters();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ApiError::invalid_field(name, "is not a known parameter")),
            None => Ok(Self(pairs)),
        }
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

    /// A parameter that is `true` or `false`; absent is `false`.
    ///
    /// # Errors
    /// 422 where it is neither.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
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
