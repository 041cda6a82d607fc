//! HTTP as customers see it: the gate in front of every function, the envelope, errors, who is calling, request bodies,
//! paging.

pub mod authenticator;
pub mod body;
pub mod callback_token;
pub mod caller;
pub mod error;
pub mod gate;
mod limit;
pub mod multipart;
mod once;
pub mod page;
pub mod query;
pub mod response;
pub mod view;

pub use caller::{Authority, Caller, Operator, Scope};
pub use error::ApiError;
pub use gate::{Gate, RequestScope};
