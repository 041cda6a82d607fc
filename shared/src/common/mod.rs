//! What every other module shares. Nothing here imports another module of ours.
//!
//! | file | subject |
//! | --- | --- |
//! | `actor` | who did something |
//! | `authority` | who is calling, and the proof of it |
//! | `field` | one invalid field of a request |
//! | `ids` | ids: of a tenant, and derived ids |
//! | `page` | paging |
//! | `private` | values that cannot be printed |
//! | `raw_json` | JSON kept as the text it came as |
//! | `shape` | reading JSON into a known type |
//! | `values` | values with several spellings: e-mail addresses, phone numbers, numbers, moments |

pub mod actor;
pub mod authority;
pub mod field;
pub mod ids;
pub mod page;
pub mod private;
pub mod raw_json;
pub mod shape;
pub mod values;

pub use actor::{Actor, ActorType};
pub use authority::{Authority, Caller, Operator, Scope};
pub use field::FieldError;
pub use ids::TenantId;
pub use private::Private;
pub use raw_json::RawJson;
