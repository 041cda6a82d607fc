//! Cotejo: one identity-verification API over several providers, as AWS Lambda functions.
//!
//! This crate is everything that the functions share; each function is one type over some use cases. The modules are floors, the
//! highest first: none imports anything of a floor above its own (a test reads the imports and fails on one that does).
//!
//! - [`lambda`]: what Lambda calls: how a function is built and served
//! - [`http`]: HTTP as customers see it: the gate, routes, bodies, answers, error codes
//! - [`workflow`]: the use cases: create, show, receive a callback, refresh, poll, deliver
//! - [`store`]: the DynamoDB table: typed keys, one codec, conditional writes
//! - [`notify`]: telling the customer's systems: channels, deliveries, signatures
//! - [`evidence`]: copying pictures before the provider's links die
//! - [`objects`]: the S3 bucket: names, formats, links, locks
//! - [`deployment`]: the platform and the providers that it knows
//! - [`people`]: the people registry's domain: records, their families and rules
//! - [`providers`]: the providers, one folder each
//! - [`process`]: the domain of a verification: what a process is and how it may change
//! - [`platform`]: configuration, clock, entropy, clients, secrets, telemetry
//! - [`common`]: the words that everybody shares
//!
//! For example, the way of a callback: `functions/receive-callback` → [`workflow::callback`] → the process's inbox in
//! the table → the table's stream → `functions/run-work` → [`workflow::refresh`] → [`process::Process::apply`].

#![cfg_attr(test, allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a test may be a long table"))]

pub mod common;
pub mod deployment;
pub mod evidence;
#[cfg(test)]
mod floors;
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
