//! Repairs what AWS's DynamoDB Local answers to `GetRecords`. Version 3.3 writes an empty map as `{}` instead of
//! `{"M":{}}`, which the SDK refuses together with all records of the answer. A right answer passes as it is.

use std::fmt;

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared as _,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};

/// The client under `http` for a client of streams.
pub(in crate::stores) fn repaired(http: SharedHttpClient) -> SharedHttpClient {
    Repairing(http).into_shared()
}

#[derive(Clone)]
struct Repairing(SharedHttpClient);

impl fmt::Debug for Repairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Repairing")
    }
}

impl HttpClient for Repairing {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        RepairingConnector(self.0.http_connector(settings, components)).into_shared()
    }
}

#[derive(Debug)]
struct RepairingConnector(SharedHttpConnector);

impl HttpConnector for RepairingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let gives_records = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with(".GetRecords"));
        let answer = self.0.call(request);
        if !gives_records {
            return answer;
        }
        HttpConnectorFuture::new(async move { repair_answer(answer.await?).await })
    }
}

async fn repair_answer(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let body = match serde_json::from_slice(&body) {
        Ok(records) => repair(records).map_or(body, |records| records.to_string().into()),
        // The SDK says what is wrong with it.
        Err(_) => body,
    };
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

/// The answer as it should be; `None` where it is that already.
fn repair(mut answer: Value) -> Option<Value> {
    let mut repaired = 0;
    for record in answer.get_mut("Records").and_then(Value::as_array_mut)? {
        for part in ["Keys", "NewImage", "OldImage"] {
            if let Some(image) = record.pointer_mut(&format!("/dynamodb/{part}")) {
                repaired += repair_attributes(image);
            }
        }
    }
    (repaired > 0).then_some(answer)
}

/// Repairs what is in a map from names to values. Gives the number of values that were wrong.
fn repair_attributes(attributes: &mut Value) -> usize {
    attributes.as_object_mut().map_or(0, |attributes| attributes.values_mut().map(repair_value).sum())
}

fn repair_value(value: &mut Value) -> usize {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        *value = json!({"M": {}});
        return 1;
    }
    let in_map = value.get_mut("M").map_or(0, repair_attributes);
    let list = value.get_mut("L").and_then(Value::as_array_mut);
    in_map + list.map_or(0, |list| list.iter_mut().map(repair_value).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_map_is_repaired_wherever_it_stands() {
        // As DynamoDB Local 3.3.0 wrote it.
        let answer = r#"{"Records":[{"eventID":"c1094467","eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"a"}},
            "NewImage":{"pk":{"S":"a"},"l":{"L":[{},{"L":[]}]},"m":{},"n":{"M":{"x":{}}}},"SequenceNumber":"1"}}],
            "NextShardIterator":"next"}"#;
        let right =
            json!({"pk": {"S": "a"}, "l": {"L": [{"M": {}}, {"L": []}]}, "m": {"M": {}}, "n": {"M": {"x": {"M": {}}}}});
        let repaired = repair(serde_json::from_str(answer).expect("JSON")).expect("something is wrong");
        assert_eq!(repaired["Records"][0]["dynamodb"]["NewImage"], right);
        assert_eq!(repaired["Records"][0]["dynamodb"]["Keys"], json!({"pk": {"S": "a"}}));
        assert_eq!(repaired["NextShardIterator"], "next");
        assert_eq!(repair(repaired), None, "a right answer is left alone");
    }

    #[test]
    fn an_answer_without_records_is_left_alone() {
        assert_eq!(repair(json!({"__type": "ExpiredIteratorException"})), None);
        assert_eq!(repair(json!({"Records": [], "NextShardIterator": "next"})), None);
    }
}
