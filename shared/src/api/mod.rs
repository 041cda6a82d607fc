//! HTTP as customers see it: the envelope, errors, who is calling, request bodies, paging.

pub mod body;
pub mod callback_token;
pub mod caller;
pub mod error;
pub mod page;
pub mod query;
pub mod response;
pub mod view;

pub use caller::{Authority, Caller, NewApiKey, Scope};
pub use error::ApiError;
