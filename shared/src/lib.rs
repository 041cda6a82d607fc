//! Cotejo: one identity-verification API over several verification companies, as AWS Lambda functions.
//!
//! This crate is everything the functions share; each function is a thin handler over one use case. The modules read top
//! down like the life of a verification; what is lower knows of what is higher only the words they share (who is calling, what
//! is wrong with a field, how a list is paged):
//!
//! - [`workflow`]: the use cases: create, show, receive a callback, refresh, poll, deliver
//! - [`api`]: HTTP as customers see it: envelope, errors, who is calling, paging
//! - [`store`]: the DynamoDB table: typed keys, one codec, conditional writes
//! - [`evidence`]: copying pictures into S3 before the provider's links die
//! - [`notify`]: telling the customer's systems: channels, deliveries, signatures
//! - [`providers`]: the verification companies, one folder each
//! - [`people`]: the people registry's domain: records, their families and rules
//! - [`process`]: the domain: what a process is and how it may change
//! - [`platform`]: configuration, clock, entropy, clients, secrets, telemetry
//!
//! A callback's way, to find one's feet: `functions/receive-callback` → [`workflow::callback`] → the process's inbox in
//! the table → the table's stream → `functions/run-work` → [`workflow::refresh`] → [`process::Process::apply`].

pub mod common;
pub mod deployment;
pub mod evidence;
pub mod http;
pub mod lambda;
pub mod notify;
pub mod objects;
pub mod people;
pub mod platform;
pub mod process;
pub mod providers;
pub mod store;
pub mod workflow;
