//! DynamoDB's temporary errors, in its own words. The local store runs one request at a time and never gives them.

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector as _, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};

use crate::{transport::RequestInfo, trouble::Refusal};

const NAMESPACE: &str = "com.amazonaws.dynamodb.v20120810";

/// Answers a request as `refusal` says. Of a batch, half is done by whoever `sends`.
pub(crate) async fn refuse(
    refusal: Refusal,
    info: &RequestInfo,
    request: HttpRequest,
    sends: &SharedHttpConnector,
) -> Result<HttpResponse, ConnectorError> {
    // Differs from call to call, and not from run to run.
    let number = info.body.to_string().len();
    match refusal {
        Refusal::Conflict if info.operation == "TransactWriteItems" => {
            cancelled(number % info.items_of_transaction().len().max(1))
        }
        Refusal::Conflict => answer(
            400,
            &json!({
                "__type": format!("{NAMESPACE}#TransactionConflictException"),
                "message": "Transaction is ongoing for the item",
            }),
        ),
        Refusal::Throttle => throttled(number),
        Refusal::PartialBatch => half(info, request, sends).await,
    }
}

/// It is asked too much. The SDK waits and tries again. A transaction is cancelled for it every other time, which the SDK does not
/// try again.
pub(crate) fn throttled(number: usize) -> Result<HttpResponse, ConnectorError> {
    let kinds = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];
    let reason =
        json!({"reason": "TableWriteKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:local:0:table/t"});
    let kind = format!("{NAMESPACE}#{}", kinds[number % kinds.len()]);
    answer(400, &json!({"__type": kind, "message": "busy", "throttlingReasons": [reason]}))
}

/// Another transaction is running on the item number `at`, even if both only check it.
pub(crate) fn cancelled(at: usize) -> Result<HttpResponse, ConnectorError> {
    let reasons: Vec<_> =
        (0..=at).map(|item| json!({"Code": if item == at { "TransactionConflict" } else { "None" }})).collect();
    let kind = format!("{NAMESPACE}#TransactionCanceledException");
    answer(400, &json!({"__type": kind, "message": "cancelled", "CancellationReasons": reasons}))
}

/// Sends the first half of a batch's keys, and leaves the others unprocessed.
async fn half(
    info: &RequestInfo,
    mut request: HttpRequest,
    sends: &SharedHttpConnector,
) -> Result<HttpResponse, ConnectorError> {
    let (mut first, mut rest) = (info.body.clone(), info.body["RequestItems"].clone());
    let mut sent = 0;
    for (table, batch) in rest.as_object_mut().into_iter().flatten() {
        let keys = batch["Keys"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let (now, later) = keys.split_at(keys.len() / 2);
        sent += now.len();
        first["RequestItems"][table]["Keys"] = now.into();
        batch["Keys"] = later.into();
    }
    if sent == 0 {
        return answer(200, &json!({"Responses": {}, "UnprocessedKeys": rest}));
    }
    let body = first.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let found = ByteStream::new(sends.call(request).await?.into_body()).collect().await;
    let found = found.map_err(|error| ConnectorError::other(error.into(), None))?.into_bytes();
    let mut found: Value = serde_json::from_slice(&found).map_err(|error| ConnectorError::other(error.into(), None))?;
    found["UnprocessedKeys"] = rest;
    answer(200, &found)
}

fn answer(status: u16, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(body.to_string()));
    answer.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(answer)
}
