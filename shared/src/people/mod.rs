//! The people registry's domain: what a record is, which families of records there are, and their rules. No I/O, clock or
//! randomness. Fields, samples and rules are those of seed `002_62dc5acb5b5aea27`.
//!
//! | file | subject |
//! | --- | --- |
//! | `kind` | the kinds of records, and what they are called where |
//! | `record` | a record and its events |
//! | `schema` | fields: their forms, and reading a request's |
//! | `family` | what makes a family of records: kind, fields, owner, uniqueness, rules |
//! | `families` | the families that are only fields |
//! | `person` | the family of persons, and what is derived of one |
//! | `dynamic`, `rules` | dynamic properties, their rules, and the values that persons have |
//! | `job` | exports and imports of many persons |
//! | `sheet` | files of rows |
//! | `said` | what a row of a file says of a person |
//! | `temporary` | temporary people |
//! | `typed` | values whose type is told beside them |
//! | `lists` | built-in lists: nationalities, states, marital statuses, relations |
//! | `clabe` | Mexican account numbers |

pub mod clabe;
pub mod dynamic;
pub mod families;
pub mod family;
pub mod job;
pub mod kind;
pub mod lists;
pub mod person;
pub mod record;
pub mod rules;
pub mod said;
pub mod schema;
pub mod sheet;
pub mod temporary;
pub mod typed;

pub use family::{Family, Owner, OwnerProjection, ProjectionRule};
pub use kind::Kind;
pub use record::{Fields, Record, RecordEvent, View};
pub use schema::{Field, FieldType};
