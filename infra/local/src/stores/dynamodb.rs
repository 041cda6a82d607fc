//! DynamoDB: dynoxide over HTTP on loopback, in a file or in memory; and the tables that the template defines.
//!
//! Dynoxide is as strict as AWS where it matters here (conditions, transactions, reserved words, index names). What
//! it lacks is a clock of its own: whoever runs the schedules calls [`Embedded::sweep_ttl`].

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType as SdkKeyType,
        Projection as SdkProjection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
        TableStatus, TimeToLiveSpecification,
    },
};
use cotejo::platform::Clock;
use dynoxide::Database;
use tokio::net::TcpListener;

use super::{StoreError, TABLE_PATIENCE};
use crate::template::{KeyAttribute, KeyType, Projection, Table};

/// The embedded database.
pub struct Embedded {
    database: Database,
}

/// Lets an in-memory database follow the clock of a test.
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
            Some(file) => Database::new(&file.to_string_lossy()),
            None => Database::memory_with_clock(Arc::new(Follow(clock))),
        };
        let database = opened.map_err(|error| StoreError::Files {
            store: "DynamoDB",
            path: file.unwrap_or_else(|| Path::new("memory")).to_owned(),
            problem: error.to_string(),
        })?;
        Ok(Self { database })
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

    /// Deletes what is past its end, as DynamoDB does within some hours. Gives the number of items.
    ///
    /// # Errors
    /// What the database said.
    pub async fn sweep_ttl(&self) -> Result<usize, StoreError> {
        let database = self.database.clone();
        // The sweep waits for other requests in between, and blocks while it does.
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl());
        match swept.await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) => Err(StoreError::call("sweep_ttl", &error)),
            Err(error) => Err(StoreError::call("sweep_ttl", &error)),
        }
    }
}

/// Creates `table` unless it exists, and waits until it can be used. Gives the ARN of its stream, if it has one.
///
/// # Errors
/// The table cannot be created, or exists without the stream it should have.
pub async fn ensure_table(client: &Client, table: &Table) -> Result<Option<String>, StoreError> {
    let call = |step: &str| format!("{step} of table {}", table.name);
    let described = client.describe_table().table_name(&table.name).send().await;
    match described {
        Ok(_) => {}
        Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
            create(client, table).await?;
        }
        Err(error) => return Err(StoreError::call(call("DescribeTable"), &error)),
    }
    let deadline = tokio::time::Instant::now() + TABLE_PATIENCE;
    let described = loop {
        let answer = client.describe_table().table_name(&table.name).send().await;
        let described = answer.map_err(|error| StoreError::call(call("DescribeTable"), &error))?.table;
        let ready = described.as_ref().is_some_and(|described| described.table_status == Some(TableStatus::Active));
        if ready || tokio::time::Instant::now() > deadline {
            break described;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    if let Some(attribute) = &table.ttl_attribute {
        ensure_ttl(client, table, attribute).await?;
    }
    let stream = described.and_then(|described| described.latest_stream_arn);
    if table.stream_view.is_some() && stream.is_none() {
        return Err(StoreError::Call { call: call("DescribeTable"), problem: "the table has no stream".to_owned() });
    }
    Ok(stream)
}

async fn create(client: &Client, table: &Table) -> Result<(), StoreError> {
    let failed = |error: &dyn std::error::Error| StoreError::call(format!("CreateTable {}", table.name), error);
    let mut request = client
        .create_table()
        .table_name(&table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(&table.key).map_err(|error| failed(&error))?));
    for (name, kind) in &table.attributes {
        let kind = ScalarAttributeType::from(kind.as_str());
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
        request = request.attribute_definitions(attribute.map_err(|error| failed(&error))?);
    }
    for index in &table.indexes {
        let projection = match &index.projection {
            Projection::All => SdkProjection::builder().projection_type(ProjectionType::All),
            Projection::KeysOnly => SdkProjection::builder().projection_type(ProjectionType::KeysOnly),
            Projection::Include(names) => SdkProjection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(names.clone())),
        };
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(key_schema(&index.key).map_err(|error| failed(&error))?))
            .projection(projection.build())
            .build();
        request = request.global_secondary_indexes(index.map_err(|error| failed(&error))?);
    }
    if let Some(view) = &table.stream_view {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::from(view.as_str()))
            .build();
        request = request.stream_specification(stream.map_err(|error| failed(&error))?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        // Somebody else was faster.
        Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => Ok(()),
        Err(error) => Err(failed(&error)),
    }
}

fn key_schema(key: &[KeyAttribute]) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    let element = |part: &KeyAttribute| {
        let kind = match part.kind {
            KeyType::Hash => SdkKeyType::Hash,
            KeyType::Range => SdkKeyType::Range,
        };
        KeySchemaElement::builder().attribute_name(&part.name).key_type(kind).build()
    };
    key.iter().map(element).collect()
}

async fn ensure_ttl(client: &Client, table: &Table, attribute: &str) -> Result<(), StoreError> {
    let failed = |error: &dyn std::error::Error| StoreError::call(format!("time to live of {}", table.name), error);
    let answer = client.describe_time_to_live().table_name(&table.name).send().await;
    let described = answer.map_err(|error| failed(&error))?.time_to_live_description;
    if described.and_then(|described| described.attribute_name).as_deref() == Some(attribute) {
        return Ok(());
    }
    let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
    let wanted = wanted.map_err(|error| failed(&error))?;
    let request = client.update_time_to_live().table_name(&table.name).time_to_live_specification(wanted);
    request.send().await.map_err(|error| failed(&error))?;
    Ok(())
}
