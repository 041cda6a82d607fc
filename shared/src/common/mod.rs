//! The words that everybody shares. Nothing here imports anything of ours.
//!
//! | file | subject |
//! | --- | --- |
//! | `actor` | who did something |
//! | `authority` | who is calling, and what proves it |
//! | `field` | what is wrong with one field of a request |
//! | `ids` | ids: of a tenant, and those that follow from something else |
//! | `page` | paging |
//! | `private` | values that cannot be printed |
//! | `raw_json` | JSON kept as the text it came as |
//! | `shape` | reading JSON into a known type |
//! | `values` | values that people write in more than one way: e-mail addresses, phones, numbers, moments |

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
