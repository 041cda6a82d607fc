//! The whole system through its own doors, one file a subject.

#![expect(clippy::unwrap_used, reason = "tests")]

mod callbacks;
mod certificates;
mod decisions;
mod elsewhere;
mod evidence;
mod faults;
mod http;
mod link;
mod machine;
mod outcomes;
mod pictures;
mod pocket;
mod poison;
mod privacy;
mod races;
mod redaction;
mod requests;
mod restarts;
mod retention;
mod sweep;
mod tecalis;
mod videos;
