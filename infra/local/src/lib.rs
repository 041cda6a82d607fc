//! The whole of Cotejo on one machine.
//!
//! [`Local::start`] puts together, in this process and on loopback only: DynamoDB, S3 and Secrets Manager
//! ([`stores`]), the stand-ins for the providers (`cotejo_sandbox`), an API Gateway ([`gateway`]), the table's stream
//! ([`stream`]) and the schedules ([`schedule`]), and between them the functions' own handlers ([`functions`]), called
//! through the event types Lambda uses. What exists and what calls what is read from template.yaml ([`template`]) and
//! written nowhere else.
//!
//! It promises that everything survives a kill at any moment, and that it does not pretend: what the template says and
//! this crate cannot do is an error at the start. What it leaves out: permissions, encryption, versions, throttling.
//!
//! | reading on | subject |
//! | --- | --- |
//! | [`runtime`] | the running system, and what tests do with it |
//! | `start` | the stages of the start; `system`: what they put together |
//! | [`options`] | how to start, and why that may fail |
//! | [`settings`] | what the environment may change |
//! | [`seed`] | the first tenant, key and webhook |
//! | [`live`] | what runs by itself, or only when told |
//! | [`data`] | the data directory |
//! | [`program`], [`cli`], [`demo`] | `cargo local`, `cargo local demo` |

#![cfg_attr(test, allow(clippy::too_many_lines, clippy::excessive_nesting, reason = "a test may be a long table"))]

pub mod cli;
pub mod data;
pub mod demo;
pub mod filter;
pub mod functions;
pub mod gateway;
pub mod live;
pub mod options;
pub mod program;
pub mod runtime;
pub mod schedule;
pub mod seed;
pub mod servers;
pub mod settings;
mod start;
pub mod stores;
pub mod stream;
mod system;
pub mod template;

pub use live::Pumped;
pub use options::{LocalError, Mode, Options};
pub use runtime::Local;
pub use seed::TenantAccess;
