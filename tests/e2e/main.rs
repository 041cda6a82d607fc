//! The whole system through its own doors, one file a subject.

#![expect(clippy::unwrap_used, reason = "tests")]

mod callbacks;
mod elsewhere;
mod evidence;
mod faults;
mod http;
mod outcomes;
mod races;
mod requests;
mod restarts;
mod tecalis;
