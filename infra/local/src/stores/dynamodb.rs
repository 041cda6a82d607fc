//! DynamoDB: dynoxide over HTTP on loopback, in a file or in memory; and the tables that the template defines.
//!
//! Dynoxide is as strict as AWS in the points that matter here (conditions, transactions, reserved words, index names). It
//! lacks a clock, so the program that runs the schedules calls [`Embedded::sweep_ttl`]. It also lacks indexes over its
//! stream records, trimming of these records, and a cheap search for expired items; [`schema`] adds all three to its SQLite
//! database.

mod empty_maps;
mod schema;
mod tables;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use cotejo::platform::Clock;
use dynoxide::Database;
use tokio::net::TcpListener;

pub(super) use empty_maps::repaired;
pub use tables::{delete_expired, ensure_table};

use super::StoreError;
use crate::template::Table;

/// The embedded database. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    database: Database,
    /// `None` in memory.
    file: Option<PathBuf>,
}

/// Makes an in-memory database use a test's clock.
struct Follow(Arc<dyn Clock>);

impl dynoxide::storage_backend::Clock for Follow {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}

impl Embedded {
    /// Opens the database in `file`, or a new one in memory whose items end by `clock`.
    ///
    /// # Errors
    /// The file is no database, or is in use.
    pub fn open(file: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let opened = match file {
            Some(file) => schema::open(file),
            None => schema::in_memory(Arc::new(Follow(clock))),
        };
        let database = opened.map_err(|error| StoreError::Files {
            store: "DynamoDB",
            path: file.unwrap_or_else(|| Path::new("memory")).to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self { database, file: file.map(Path::to_owned) })
    }

    /// Serves the API on `listener` until `stop` is done.
    ///
    /// # Errors
    /// What the server ended with.
    pub fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = Result<(), String>> + Send + 'static {
        dynoxide::server::serve_with_shutdown(listener, self.database.clone(), stop)
    }

    /// Deletes the expired items, as DynamoDB does within some hours. Gives their number.
    ///
    /// # Errors
    /// The database's error.
    pub async fn sweep_ttl(&self) -> Result<usize, StoreError> {
        let database = self.database.clone();
        // The sweep waits for other requests in between, and blocks its thread meanwhile.
        blocking("sweep_ttl", move || database.sweep_ttl()).await
    }

    /// Prepares the database for [`Embedded::has_expired`] of the tables, which exist.
    ///
    /// # Errors
    /// What the database said.
    pub async fn index_ends(&self, tables: &[Table]) -> Result<(), StoreError> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let tables = tables.to_vec();
        blocking("index_ends", move || schema::index_ends(&file, &tables)).await
    }

    /// Whether a sweep would delete anything. A sweep reads every item; this reads an index. A database in memory has no such
    /// index, so the answer is always yes.
    ///
    /// # Errors
    /// The database's error.
    pub async fn has_expired(&self, tables: &[Table]) -> Result<bool, StoreError> {
        let Some(file) = self.file.clone() else { return Ok(true) };
        let tables = tables.to_vec();
        blocking("has_expired", move || schema::has_expired(&file, &tables)).await
    }

    /// Removes the records before `position` from the stream, but never the newest one.
    ///
    /// # Errors
    /// What the database said, or it gave no such position.
    pub async fn trim_stream(&self, stream_arn: &str, position: &str) -> Result<(), StoreError> {
        let (database, arn, position) = (self.database.clone(), stream_arn.to_owned(), position.to_owned());
        blocking("trim_stream", move || schema::trim_stream(&database, &arn, &position)).await
    }
}

async fn blocking<T: Send + 'static, E: std::error::Error + Send + 'static>(
    call: &str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| StoreError::call(call, &error)),
        Err(error) => Err(StoreError::call(call, &error)),
    }
}
