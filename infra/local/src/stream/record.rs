//! A record of a table's stream, in the JSON that Lambda hands to a function.

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

/// The record as one element of a Lambda event's `Records`.
#[must_use]
pub fn to_lambda(record: &Record, stream_arn: &str, region: &str) -> Value {
    let mut change = Map::new();
    if let Some(dynamodb) = &record.dynamodb {
        for (name, image) in
            [("Keys", &dynamodb.keys), ("NewImage", &dynamodb.new_image), ("OldImage", &dynamodb.old_image)]
        {
            if let Some(image) = image {
                change.insert(name.to_owned(), item(image));
            }
        }
        if let Some(created) = &dynamodb.approximate_creation_date_time {
            change.insert("ApproximateCreationDateTime".to_owned(), json!(created.as_secs_f64()));
        }
        change.insert("SequenceNumber".to_owned(), json!(dynamodb.sequence_number));
        change.insert("SizeBytes".to_owned(), json!(dynamodb.size_bytes.unwrap_or_default()));
        change.insert(
            "StreamViewType".to_owned(),
            json!(dynamodb.stream_view_type.as_ref().map(|view| view.as_str().to_owned())),
        );
    }
    let mut event = json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().map(|name| name.as_str().to_owned()),
        "eventVersion": record.event_version,
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    });
    if let Some(identity) = &record.user_identity {
        event["userIdentity"] = json!({"type": identity.r#type, "principalId": identity.principal_id});
    }
    event
}

/// A record's sequence number.
#[must_use]
pub fn sequence_number(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

fn item(attributes: &std::collections::HashMap<String, AttributeValue>) -> Value {
    Value::Object(attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": BASE64.encode(bytes)}),
        AttributeValue::Bool(truth) => json!({"BOOL": truth}),
        AttributeValue::Null(is_null) => json!({"NULL": is_null}),
        AttributeValue::L(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": item(map)}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::Ns(numbers) => json!({"NS": numbers}),
        AttributeValue::Bs(list) => json!({"BS": list.iter().map(|bytes| BASE64.encode(bytes)).collect::<Vec<_>>()}),
        // A type that DynamoDB gets in future; a function that needs it will fail.
        _ => Value::Null,
    }
}
