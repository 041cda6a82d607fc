//! The functions' transport to DynamoDB, S3, Secrets Manager and Lambda, which a test can watch and disturb.

use std::{fmt, sync::Arc};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    SteppedClock, Wire,
    lag::{self, Lag},
    refusals::{cancelled, refuse, throttled},
    wire::{Call, Disturbance, When, Written},
};

/// An HTTP client for the AWS SDK that notes every request and disturbs those that a test chooses.
#[derive(Clone)]
pub struct Transport {
    inner: SharedHttpClient,
    wire: Wire,
    lag: Lag,
}

impl Transport {
    /// Watches the transport that is deployed.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: cotejo::platform::aws::transport(), wire: Wire::default(), lag: Lag::default() }
    }

    /// Another way to the same stores, whose indexes are as far behind, with notes and plans of its own.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { wire: Wire::default(), ..self.clone() }
    }

    /// From now on the table's indexes are `time` behind it, by `clock`.
    pub fn lag(&self, clock: &Arc<SteppedClock>, time: SignedDuration) {
        self.lag.set(Arc::clone(clock), time);
    }

    /// What it notes and plans.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The requests since the last call of this, by operation: `PutItem`, `Query`, …, `S3 PUT`, `S3 GET`, ….
    pub fn take_calls(&self) -> Vec<String> {
        self.wire.take().into_iter().map(|call| call.operation).collect()
    }

    /// The next request of `operation` never returns; [`Self::crashed`] tells when it is reached.
    pub fn crash(&self, operation: &str, when: When) {
        self.wire.plan(operation, None, 0, Disturbance::Crash(when));
    }

    /// The next request of `operation` fails, and the SDK does not try again.
    pub fn fail(&self, operation: &str, when: When) {
        self.wire.plan(operation, None, 0, Disturbance::Fail(when));
    }

    /// The next request of `operation` has its effect and its connection breaks, so that the SDK tries again.
    pub fn lose_answer(&self, operation: &str) {
        self.wire.plan(operation, None, 0, Disturbance::LoseAnswer);
    }

    /// Just before the next request of `operation` is sent, `what` happens.
    pub fn interleave(&self, operation: &str, what: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static) {
        self.wire.plan(operation, None, 0, Disturbance::Interleave(Box::new(what)));
    }

    /// Returns once a planned crash was reached.
    pub async fn crashed(&self) {
        self.wire.crashed().await;
    }

    /// Whether every planned disturbance has happened.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.wire.is_calm()
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Watched { inner, wire: self.wire.clone(), lag: self.lag.clone() })
    }
}

#[derive(Clone)]
struct Watched {
    inner: SharedHttpConnector,
    wire: Wire,
    lag: Lag,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let watched = self.clone();
        HttpConnectorFuture::new(async move { watched.answer(request).await })
    }
}

impl Watched {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let wire = &self.wire;
        if wire.is_dead() {
            return std::future::pending().await;
        }
        let info = RequestInfo::of(&request);
        if lag::is_stale_read(&info.operation, &info.body) {
            return Err(ConnectorError::user("a read of the table that may miss what was just written".into()));
        }
        let invocation = request.headers().get("amz-sdk-invocation-id").unwrap_or_default();
        if let Some(refusal) = wire.refusal(&info.operation, invocation) {
            return refuse(refusal, &info, request, &self.inner).await;
        }
        let disturbance = wire.note(info.call());
        let request = info.weakened(request, wire);
        for shard in info.shards() {
            wire.note_shard(shard);
        }
        match disturbance {
            None => self.send(&info, request).await,
            Some(disturbance) => self.disturbed(disturbance, &info, request).await,
        }
    }

    /// Sends a request. A sent request has its effect, and is noted, even if the caller no longer waits for the answer.
    async fn send(&self, info: &RequestInfo, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let before = self.lag.before(&self.inner, request.try_clone(), (&info.operation, &info.body)).await?;
        let held = match self.wire.hold(info.items_of_transaction()) {
            Ok(held) => held,
            Err(at) => return cancelled(at),
        };
        let (info, Self { inner, wire, lag }) = (info.clone(), self.clone());
        // For the test's own reads, indexes are up to date.
        let is_aside = wire.is_aside();
        let sent = tokio::spawn(async move {
            let answer = inner.call(request).await?;
            drop(held);
            if answer.status().is_success() {
                info.writes().into_iter().for_each(|written| wire.note_written(written));
                lag.note(before);
            }
            if is_aside { Ok(answer) } else { lag.behind(&info.body, answer).await }
        });
        sent.await.map_err(|error| ConnectorError::other(error.into(), None))?
    }

    async fn disturbed(
        &self,
        disturbance: Disturbance,
        info: &RequestInfo,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        match disturbance {
            Disturbance::Interleave(what) => {
                what().await;
                self.send(info, request).await
            }
            Disturbance::Fail(when) => {
                self.send_if(when == When::After, info, request).await?;
                Err(ConnectorError::user("disturbed".into()))
            }
            Disturbance::LoseAnswer => {
                self.send(info, request).await?;
                Err(ConnectorError::io("connection reset".into()))
            }
            Disturbance::Throttle => throttled(0),
            Disturbance::Refuse(refusal, _) => refuse(refusal, info, request, &self.inner).await,
            Disturbance::Answer(..) => Err(ConnectorError::user("only a provider can be made to answer".into())),
            Disturbance::Crash(when) => {
                self.send_if(when == When::After, info, request).await?;
                self.wire.crash();
                std::future::pending().await
            }
        }
    }

    async fn send_if(&self, wanted: bool, info: &RequestInfo, request: HttpRequest) -> Result<(), ConnectorError> {
        if wanted {
            self.send(info, request).await?;
        }
        Ok(())
    }
}

/// What the content of a request says.
#[derive(Clone)]
pub(crate) struct RequestInfo {
    pub(crate) operation: String,
    path: String,
    /// Of a call to DynamoDB.
    pub(crate) body: Value,
}

impl RequestInfo {
    fn of(request: &HttpRequest) -> Self {
        let path = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
        let path = path.split_once('/').map_or("", |(_, path)| path).to_owned();
        match request.headers().get("x-amz-target") {
            Some(target) => {
                let body = request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
                let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
                Self { operation, path, body: body.unwrap_or_default() }
            }
            None if path.starts_with("2015-03-31/functions/") => {
                Self { operation: "Lambda Invoke".to_owned(), path, body: Value::Null }
            }
            None => Self { operation: format!("S3 {}", request.method()), path, body: Value::Null },
        }
    }

    fn call(&self) -> Call {
        Call { operation: self.operation.clone(), about: self.about() }
    }

    /// The kind of item and what is done to it, the shard that is asked, or the kind of object. No ids, which differ.
    fn about(&self) -> String {
        if self.operation.starts_with("S3") {
            let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
            let kinds = ["evidence", "raw", "callbacks", "certificate", "_uploads"];
            let kind = kinds.into_iter().find(|kind| path.contains(kind)).unwrap_or("bucket");
            let steps = ["uploads", "partNumber", "uploadId", "versions", "delete"];
            let step = steps.into_iter().find(|step| query.contains(step)).unwrap_or_default();
            return format!("{kind} {step}").trim_end().to_owned();
        }
        if let Some(shard) =
            self.body.pointer("/ExpressionAttributeValues/:shard/S").filter(|_| self.operation == "Query")
        {
            return shard.as_str().unwrap_or_default().to_owned();
        }
        let key = ["/Key/pk/S", "/Item/pk/S", "/TransactItems/0/Put/Item/pk/S"];
        let key = key.into_iter().find_map(|key| self.body.pointer(key)?.as_str()).unwrap_or_default();
        // TENANT#whose#KIND#id, or KIND#id.
        let kind = key.strip_prefix("TENANT#").and_then(|rest| rest.split_once('#')).map_or(key, |(_, rest)| rest);
        let kind = kind.split('#').next().unwrap_or_default();
        format!("{kind} {}", self.doing()).trim_end().to_owned()
    }

    /// What an update is for.
    fn doing(&self) -> &'static str {
        let update = self.body["UpdateExpression"].as_str().unwrap_or_default();
        let condition = self.body["ConditionExpression"].as_str().unwrap_or_default();
        match () {
            () if update.contains("inbox") => "callback",
            () if update.contains("outbox") => "handed on",
            () if condition.contains(":seen") => "overdue",
            () if update.contains("REMOVE wake_token") => "claim",
            () if condition.contains(":claimed") => "begin",
            () if update.contains("SET wake_token") => "wake",
            () if update.is_empty() => "",
            () => "update",
        }
    }

    /// Shards of the index `due` that the request writes to.
    fn shards(&self) -> Vec<&str> {
        let places =
            ["/ExpressionAttributeValues/:shard/S", "/Item/due_shard/S", "/TransactItems/0/Put/Item/due_shard/S"];
        let written = places.into_iter().filter(|_| self.operation != "Query");
        written.filter_map(|place| self.body.pointer(place)?.as_str()).collect()
    }

    /// The items that a transaction writes or looks at.
    pub(crate) fn items_of_transaction(&self) -> Vec<String> {
        let actions = self.body["TransactItems"].as_array().into_iter().flatten();
        let actions = actions.filter_map(|action| action.as_object()?.values().next());
        let key = |action: &Value, name| {
            let of = if action["Key"].is_object() { &action["Key"] } else { &action["Item"] };
            of[name]["S"].as_str().unwrap_or_default().to_owned()
        };
        actions.map(|action| format!("{} {}", key(action, "pk"), key(action, "sk"))).collect()
    }

    /// What it writes into the table.
    fn writes(&self) -> Vec<Written> {
        let of_transaction = self.body["TransactItems"].as_array().into_iter().flatten();
        let items = of_transaction.map(|item| &item["Put"]["Item"]).chain([&self.body["Item"]]);
        let mut writes: Vec<_> = items.filter(|item| item.is_object()).cloned().map(Written::Item).collect();
        if self.operation == "UpdateItem" && self.doing() == "handed on" {
            let text = |place| self.body.pointer(place).and_then(Value::as_str).map(str::to_owned);
            let loaded = text("/ExpressionAttributeValues/:loaded/N").and_then(|loaded| loaded.parse().ok());
            writes.extend(text("/Key/pk/S").zip(loaded).map(|(pk, loaded)| Written::HandedOn { pk, loaded }));
        }
        writes
    }

    /// The request, without the conditions that a test takes away. DynamoDB refuses values that nothing names, so the
    /// condition stays and is made to hold always.
    fn weakened(&self, mut request: HttpRequest, wire: &Wire) -> HttpRequest {
        let mut body = self.body.clone();
        let mut changed = false;
        let mut weaken = |write: &mut Value| {
            let Some(condition) = write["ConditionExpression"].as_str() else { return };
            if wire.is_weakened(&self.call(), condition) {
                let always = format!("({condition}) OR attribute_exists(pk) OR attribute_not_exists(pk)");
                write["ConditionExpression"] = Value::String(always);
                changed = true;
            }
        };
        weaken(&mut body);
        for write in body.get_mut("TransactItems").and_then(Value::as_array_mut).into_iter().flatten() {
            write.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut).for_each(&mut weaken);
        }
        if changed {
            let body = body.to_string();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body);
        }
        request
    }
}
