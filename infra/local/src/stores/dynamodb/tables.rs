//! Creates the template's tables, in the embedded or another DynamoDB.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
        KeyType as SdkKeyType, Projection as SdkProjection, ProjectionType, ScalarAttributeType, StreamSpecification,
        StreamViewType, TableDescription, TableStatus, TimeToLiveSpecification,
    },
};
use jiff::Timestamp;

use crate::{
    stores::{StoreError, TABLE_TIMEOUT},
    template::{KeyAttribute, KeyType, Projection, Table},
};

/// Creates `table` unless it exists, and waits until it can be used. Its items end by themselves only where that is said. Gives the
/// ARN of its stream, if it has one.
///
/// # Errors
/// The table cannot be created, or exists without the stream it should have.
pub async fn ensure_table(client: &Client, table: &Table, ends_by_itself: bool) -> Result<Option<String>, StoreError> {
    let call = |step: &str| format!("{step} of table {}", table.name);
    let described = client.describe_table().table_name(&table.name).send().await;
    match described {
        Ok(_) => {}
        Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() && !table.is_there => {
            create(client, table).await?;
        }
        Err(error) => return Err(StoreError::call(call("DescribeTable"), &error)),
    }
    let deadline = tokio::time::Instant::now() + TABLE_TIMEOUT;
    let described = loop {
        let answer = client.describe_table().table_name(&table.name).send().await;
        let described = answer.map_err(|error| StoreError::call(call("DescribeTable"), &error))?.table;
        let ready = described.as_ref().is_some_and(|described| described.table_status == Some(TableStatus::Active));
        if ready || tokio::time::Instant::now() > deadline {
            break described;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    if let Some(described) = &described {
        let differences = differences(described, table);
        if !differences.is_empty() {
            return Err(StoreError::Table { table: table.name.clone(), differences });
        }
    }
    if let Some(attribute) = table.ttl_attribute.as_ref().filter(|_| ends_by_itself) {
        ensure_ttl(client, table, attribute).await?;
    }
    let stream = described.and_then(|described| described.latest_stream_arn);
    if table.stream_view.is_some() && stream.is_none() {
        return Err(StoreError::Call { call: call("DescribeTable"), problem: "the table has no stream".to_owned() });
    }
    Ok(stream)
}

/// How a table's key and indexes differ from the template. Nothing changes them after the table's creation.
fn differences(described: &TableDescription, table: &Table) -> Vec<String> {
    let same_key = |there: &[KeySchemaElement], wanted: &[KeyAttribute]| {
        key_schema(wanted)
            .is_ok_and(|wanted| wanted.len() == there.len() && wanted.iter().all(|part| there.contains(part)))
    };
    let mut differences = Vec::new();
    if !same_key(described.key_schema(), &table.key) {
        differences.push("it has another key".to_owned());
    }
    let there = described.global_secondary_indexes();
    for index in &table.indexes {
        match there.iter().find(|there| there.index_name() == Some(&index.name)) {
            None => differences.push(format!("index {} is missing", index.name)),
            Some(there) if !same_key(there.key_schema(), &index.key) => {
                differences.push(format!("index {} has another key", index.name));
            }
            Some(there) if !same_projection(there.projection(), &index.projection) => {
                differences.push(format!("index {} holds other attributes", index.name));
            }
            Some(_) => {}
        }
    }
    let known = |name: &str| table.indexes.iter().any(|index| index.name == name);
    let unknown = there.iter().filter_map(|there| there.index_name()).filter(|name| !known(name));
    differences.extend(unknown.map(|name| format!("index {name} is not known")));
    differences
}

fn same_projection(there: Option<&SdkProjection>, wanted: &Projection) -> bool {
    let Some(there) = there else { return false };
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    match (there.projection_type(), wanted) {
        (Some(ProjectionType::All), Projection::All) | (Some(ProjectionType::KeysOnly), Projection::KeysOnly) => true,
        (Some(ProjectionType::Include), Projection::Include(names)) => {
            sorted(there.non_key_attributes()) == sorted(names)
        }
        _ => false,
    }
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
        // Another process created it first.
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

/// Deletes the items of `table` that expired before `now`, for a server with another clock.
///
/// # Errors
/// The server's error.
pub async fn delete_expired(client: &Client, table: &Table, now: Timestamp) -> Result<(), StoreError> {
    let failed = |error: &dyn std::error::Error| StoreError::call(format!("expired items of {}", table.name), error);
    let Some(attribute) = &table.ttl_attribute else { return Ok(()) };
    let now = AttributeValue::N(now.as_second().to_string());
    let expired = client.scan().table_name(&table.name).filter_expression("#end < :now").consistent_read(true);
    let expired =
        expired.expression_attribute_names("#end", attribute).expression_attribute_values(":now", now.clone());
    let mut items = expired.into_paginator().items().send();
    while let Some(item) = items.next().await {
        let item = item.map_err(|error| failed(&error))?;
        let is_key = |name: &String| table.key.iter().any(|part| part.name == *name);
        let key = item.into_iter().filter(|(name, _)| is_key(name)).collect();
        // The item may have been written again meanwhile.
        let delete =
            client.delete_item().table_name(&table.name).set_key(Some(key)).condition_expression("#end < :now");
        let delete =
            delete.expression_attribute_names("#end", attribute).expression_attribute_values(":now", now.clone());
        match delete.send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(())
}
