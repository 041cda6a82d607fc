//! Values as people and programs write them, each with one form in which it is kept and compared. Whoever takes such a value from
//! outside reads it here, so that nothing is another thing because it is written differently.
//!
//! | file | subject |
//! | --- | --- |
//! | `text` | Unicode in one normal form |
//! | `number` | numbers compared to the last digit |
//! | `time` | days and moments |
//! | `email` | e-mail addresses |
//! | `phone` | phone numbers |

pub mod email;
pub mod number;
pub mod phone;
pub mod text;
pub mod time;
