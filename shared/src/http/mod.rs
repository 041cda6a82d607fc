//! HTTP as customers see it: the gate in front of every function, the envelope, errors, authentication, request bodies and
//! paging.

pub mod authenticator;
pub mod body;
pub mod error;
pub mod gate;
mod limit;
pub mod multipart;
mod once;
pub mod query;
pub mod response;
pub mod routes;
pub mod view;

pub use error::ApiError;
pub use gate::{Gate, RequestScope};
