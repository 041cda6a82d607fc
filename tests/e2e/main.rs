//! The whole system through its own doors, one file a subject.

#![expect(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a test may be a long table")]

mod admin;
mod callbacks;
mod certificates;
mod contacts;
mod contention;
mod decisions;
mod dynamic;
mod elsewhere;
mod evidence;
mod faults;
mod files;
mod http;
mod indexes;
mod jobs;
mod keys;
mod lanes;
mod limits;
mod link;
mod logs;
mod machine;
mod notifications;
mod operating;
mod operations;
mod outcomes;
mod people;
mod pictures;
mod pocket;
mod poison;
mod privacy;
mod put_back;
mod races;
mod redaction;
mod refusals;
mod requests;
mod restarts;
mod retention;
mod routes;
mod seed_002;
mod sizes;
mod sweep;
mod tecalis;
mod temporary;
mod unique_keys;
mod unread;
mod unreadable;
mod values;
mod videos;
