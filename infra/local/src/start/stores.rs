//! The first stage: the stores, and the tables and buckets in them.

use std::{collections::HashMap, sync::Arc};

use super::Base;
use crate::{
    options::{LocalError, Mode},
    servers::{Port, Tasks},
    stores::{dynamodb, s3},
};

pub(super) struct Stores {
    /// `None` where the environment names another server.
    pub database: Option<dynamodb::Embedded>,
    /// `None` where the environment names another server.
    pub bucket_store: Option<s3::Embedded>,
    /// The ARN of each stream, by its name in the template.
    pub streams: HashMap<String, String>,
    /// Whether the store deletes expired items by this system's clock. Another server has its own clock, which must not
    /// delete what a test's clock still keeps.
    pub has_ttl: bool,
}

impl Stores {
    pub async fn open(base: &Base, tasks: &mut Tasks, database: Port, bucket_store: Port) -> Result<Self, LocalError> {
        let database = open_database(base, tasks, database)?;
        let bucket_store = open_bucket_store(base, tasks, bucket_store)?;
        let has_ttl = database.is_some() || base.mode == Mode::Live;
        let streams = ensure_tables(base, has_ttl).await?;
        if let Some(database) = &database {
            database.index_ends(&base.template.tables).await?;
        }
        for bucket in &base.template.buckets {
            let bucket = s3::ensure_bucket(&base.access.s3(), &bucket.name).await;
            bucket.map_err(|error| base.overrides.named("AWS_ENDPOINT_URL_S3", error))?;
        }
        Ok(Self { database, bucket_store, streams, has_ttl })
    }
}

fn open_database(base: &Base, tasks: &mut Tasks, port: Port) -> Result<Option<dynamodb::Embedded>, LocalError> {
    if base.overrides.get("AWS_ENDPOINT_URL_DYNAMODB").is_some() {
        return Ok(None);
    }
    let file = base.kept_file("dynamodb.db");
    let embedded = dynamodb::Embedded::open(file.as_deref(), Arc::clone(&base.seams.clock))?;
    let server = embedded.serve(port.into_listener(), tasks.stopped());
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(error, "DynamoDB ended");
        }
    });
    Ok(Some(embedded))
}

fn open_bucket_store(base: &Base, tasks: &mut Tasks, port: Port) -> Result<Option<s3::Embedded>, LocalError> {
    if base.overrides.get("AWS_ENDPOINT_URL_S3").is_some() {
        return Ok(None);
    }
    let (id, secret) = (&base.access.access_key_id, &base.access.secret_access_key);
    let embedded = s3::Embedded::open(base.data.file("s3"), id, secret, Arc::clone(&base.seams.clock))?;
    tasks.serve(port, embedded.router());
    Ok(Some(embedded))
}

/// Creates or checks the template's tables, and gives their streams.
async fn ensure_tables(base: &Base, has_ttl: bool) -> Result<HashMap<String, String>, LocalError> {
    let mut streams = HashMap::new();
    for table in &base.template.tables {
        let stream = dynamodb::ensure_table(&base.access.dynamodb(), table, has_ttl).await;
        let stream = stream.map_err(|error| base.overrides.named("AWS_ENDPOINT_URL_DYNAMODB", error))?;
        streams.extend(stream.map(|arn| (table.stream_arn(), arn)));
    }
    Ok(streams)
}
