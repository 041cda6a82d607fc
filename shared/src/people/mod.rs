//! The domain of the people registry: records, their families and rules. No I/O, clock or randomness. Fields, samples and rules are
//! those of seed `002_62dc5acb5b5aea27`.
//!
//! | file | subject |
//! | --- | --- |
//! | `kind` | the kinds of records |
//! | `record` | a record, its events, and how it is shown |
//! | `schema` | fields: who may set them, and reading those of a request |
//! | `field_type` | the types of fields |
//! | `family` | what a family of records is |
//! | `families` | the families, one declaration each |
//! | `birth` | dates of birth |
//! | `rules` | the rules of dynamic properties |
//! | `job` | exports and imports of many persons |
//! | `sheet` | files of rows |
//! | `said` | what a row of a file says of a person |
//! | `typed` | values whose type is given beside them |
//! | `lists` | built-in lists: nationalities, states, marital statuses, relations |
//! | `clabe` | Mexican account numbers |

pub mod birth;
pub mod clabe;
pub mod families;
pub mod family;
pub mod field_type;
pub mod job;
pub mod kind;
pub mod lists;
pub mod record;
pub mod rules;
pub mod said;
pub mod schema;
pub mod sheet;
pub mod typed;

pub use family::{Family, Owner, OwnerProjection, ProjectionRule};
pub use field_type::FieldType;
pub use kind::Kind;
pub use record::{Fields, Record, RecordEvent, View};
pub use schema::Field;
