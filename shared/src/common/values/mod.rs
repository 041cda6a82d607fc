//! Values with several spellings, each with one form in which it is stored and compared. Every such value from
//! outside is read here, so that two spellings of one value are equal.
//!
//! | file | subject |
//! | --- | --- |
//! | `text` | spellings of a text |
//! | `number` | numbers, compared to the last digit |
//! | `time` | days and moments |
//! | `email` | e-mail addresses |
//! | `phone` | phone numbers |

pub mod email;
pub mod number;
pub mod phone;
pub mod text;
pub mod time;
