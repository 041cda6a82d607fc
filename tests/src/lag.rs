//! Indexes that lag behind the table, as DynamoDB's do: a query of an index sees every item as it was some seconds ago.
//!
//! The local stores bring an index up to date within the write. Here each item is read before it is written, and an answer
//! from an index is corrected: what was written a moment ago is shown as it was before, or not at all. Time is the world's.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use cotejo::platform::Clock as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::SteppedClock;

/// The lag of a world's indexes. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Lag(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How far the indexes are behind; not at all where nobody said so.
    behind: Option<(Arc<SteppedClock>, SignedDuration)>,
    /// When items were written, the oldest first, and what each was before.
    written: HashMap<ItemId, Vec<(Timestamp, Option<Value>)>>,
}

/// Table, `pk` and `sk`.
type ItemId = (String, String, String);

/// What the items were that a request is about to write.
pub(crate) struct Before(Vec<(ItemId, Option<Value>)>);

impl Lag {
    /// From now on indexes are `time` behind.
    pub(crate) fn set(&self, clock: Arc<SteppedClock>, time: SignedDuration) {
        self.state().behind = (time > SignedDuration::ZERO).then_some((clock, time));
    }

    /// Reads what `request` is about to write. Nothing where indexes do not lag.
    pub(crate) async fn before(
        &self,
        inner: &SharedHttpConnector,
        request: Option<HttpRequest>,
        (operation, body): (&str, &Value),
    ) -> Result<Before, ConnectorError> {
        let ids = written(operation, body);
        let Some(request) = request.filter(|_| self.state().behind.is_some() && !ids.is_empty()) else {
            return Ok(Before(Vec::new()));
        };
        let mut found: BTreeMap<ItemId, Value> = BTreeMap::new();
        let mut wanted = json!({});
        for (table, pk, sk) in &ids {
            let keys = &mut wanted[table]["Keys"];
            if keys.is_null() {
                *keys = json!([]);
            }
            keys.as_array_mut().into_iter().for_each(|keys| keys.push(json!({"pk": {"S": pk}, "sk": {"S": sk}})));
            wanted[table]["ConsistentRead"] = json!(true);
        }
        while wanted.as_object().is_some_and(|wanted| !wanted.is_empty()) {
            let answer = ask(inner, &request, "BatchGetItem", &json!({"RequestItems": wanted})).await?;
            for (table, items) in answer["Responses"].as_object().into_iter().flatten() {
                let items = items.as_array().into_iter().flatten();
                found.extend(items.map(|item| (id_of(table, item), item.clone())));
            }
            wanted = answer["UnprocessedKeys"].clone();
        }
        let before = ids.into_iter().map(|id| (found.remove(&id), id)).map(|(item, id)| (id, item));
        Ok(Before(before.collect()))
    }

    /// Notes the writes of a request that succeeded.
    pub(crate) fn note(&self, Before(items): Before) {
        let mut state = self.state();
        let Some(now) = state.behind.as_ref().map(|(clock, _)| clock.now()) else { return };
        for (id, item) in items {
            state.written.entry(id).or_default().push((now, item));
        }
    }

    /// What an index answers to `query`, where the table as it is now would have it answer `answer`.
    pub(crate) async fn behind(&self, query: &Value, answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
        let Some(index) = query["IndexName"].as_str().filter(|_| answer.status().is_success()) else {
            return Ok(answer);
        };
        let earlier = self.earlier(query["TableName"].as_str().unwrap_or_default());
        if earlier.is_empty() {
            return Ok(answer);
        }
        let status = answer.status();
        let headers: Vec<_> =
            answer.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut page = read(answer).await?;
        put_back(&mut page, query, index, earlier);
        let mut answer = HttpResponse::new(status, SdkBody::from(page.to_string()));
        for (name, value) in headers.into_iter().filter(|(name, _)| !OF_THE_BODY.contains(&name.as_str())) {
            answer.headers_mut().append(name, value);
        }
        Ok(answer)
    }

    /// Items of a table that an index does not show as they are, and what it shows instead.
    fn earlier(&self, table: &str) -> HashMap<ItemId, Option<Value>> {
        let mut state = self.state();
        let Some(seen_until) = state.behind.as_ref().map(|(clock, time)| clock.now() - *time) else {
            return HashMap::new();
        };
        state.written.retain(|_, writes| {
            writes.retain(|(at, _)| *at > seen_until);
            !writes.is_empty()
        });
        let of_table = state.written.iter().filter(|((of, ..), _)| of == table);
        of_table.filter_map(|(id, writes)| Some((id.clone(), writes.first()?.1.clone()))).collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Headers that say something of a body that is no longer the same.
const OF_THE_BODY: [&str; 3] = ["content-length", "transfer-encoding", "x-amz-crc32"];

/// Whether this reads the table in a way that may miss what was just written. Whoever means to use an index says so.
pub(crate) fn is_stale_read(operation: &str, body: &Value) -> bool {
    let is_sure = |part: &Value| part["ConsistentRead"] == json!(true);
    match operation {
        "GetItem" => !is_sure(body),
        "Query" => body["IndexName"].is_null() && !is_sure(body),
        "BatchGetItem" => !body["RequestItems"].as_object().into_iter().flatten().all(|(_, part)| is_sure(part)),
        _ => false,
    }
}

/// The items that a request writes.
fn written(operation: &str, body: &Value) -> Vec<ItemId> {
    let of = |write: &Value| {
        let key = if write["Key"].is_object() { &write["Key"] } else { &write["Item"] };
        id_of(write["TableName"].as_str().unwrap_or_default(), key)
    };
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => vec![of(body)],
        "TransactWriteItems" => {
            let actions = body["TransactItems"].as_array().into_iter().flatten();
            let writes =
                actions.filter_map(|action| ["Put", "Update", "Delete"].into_iter().find_map(|w| action.get(w)));
            writes.map(of).collect()
        }
        _ => Vec::new(),
    }
}

fn id_of(table: &str, item: &Value) -> ItemId {
    let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    (table.to_owned(), text("pk"), text("sk"))
}

/// Sends another request of the same sender.
async fn ask(
    inner: &SharedHttpConnector,
    like: &HttpRequest,
    operation: &str,
    body: &Value,
) -> Result<Value, ConnectorError> {
    let no_copy = || ConnectorError::user("a request that cannot be copied".into());
    let mut request = like.try_clone().ok_or_else(no_copy)?;
    let body = body.to_string();
    request.headers_mut().insert("x-amz-target", format!("DynamoDB_20120810.{operation}"));
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let answer = inner.call(request).await?;
    if !answer.status().is_success() {
        return Err(ConnectorError::user(format!("{operation} was refused").into()));
    }
    read(answer).await
}

async fn read(answer: HttpResponse) -> Result<Value, ConnectorError> {
    let body = ByteStream::new(answer.into_body()).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    serde_json::from_slice(&body).map_err(|error| ConnectorError::user(error.into()))
}

/// Makes of a page of an index what it was: without what was written since, and with what was there instead.
fn put_back(page: &mut Value, query: &Value, index: &str, earlier: HashMap<ItemId, Option<Value>>) {
    let table = query["TableName"].as_str().unwrap_or_default();
    let (hash, sort) = match index {
        "due" => ("due_shard".to_owned(), "due_at".to_owned()),
        index => (format!("{index}_pk"), format!("{index}_sk")),
    };
    let place = |item: &Value| [&sort, "pk"].map(|name| item[name]["S"].as_str().unwrap_or_default().to_owned());
    let is_forward = query["ScanIndexForward"] != json!(false);
    let order = |a: &Value, b: &Value| match (place(a).cmp(&place(b)), is_forward) {
        (order, true) => order,
        (order, false) => order.reverse(),
    };
    let (start, end) = (query["ExclusiveStartKey"].clone(), page["LastEvaluatedKey"].clone());
    let is_of_page = |item: &Value| {
        (start.is_null() || order(&start, item) == Ordering::Less)
            && (end.is_null() || order(item, &end) != Ordering::Greater)
    };
    let mut items = page["Items"].as_array().cloned().unwrap_or_default();
    items.retain(|item| !earlier.contains_key(&id_of(table, item)));
    let shown = |item: Value| -> Value {
        let mut names = vec!["pk", "sk", &hash, &sort];
        names.extend((index != "due").then_some("summary"));
        let parts = names.into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
        parts.collect::<Map<_, _>>().into()
    };
    let were = earlier.into_values().flatten();
    let were = were.filter(|item| item[&hash].is_object() && item[&sort].is_object());
    let were = were.filter(|item| holds(query, "KeyConditionExpression", item) && is_of_page(item));
    items.extend(were.filter(|item| holds(query, "FilterExpression", item)).map(shown));
    items.sort_by(order);
    if let Some(limit) = query["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok())
        && items.len() > limit
    {
        items.truncate(limit);
        let key = |item: &Value| ["pk", "sk", &hash, &sort].map(|name| (name.to_owned(), item[name].clone()));
        page["LastEvaluatedKey"] = items.last().map(|last| Map::from_iter(key(last))).into();
    }
    page["Count"] = json!(items.len());
    page["ScannedCount"] = json!(items.len());
    page["Items"] = json!(items);
}

/// Whether an item fulfils an expression of the query: comparisons of texts, joined by `AND`.
fn holds(query: &Value, expression: &str, item: &Value) -> bool {
    let Some(expression) = query[expression].as_str() else { return true };
    let value = |name: &str| query["ExpressionAttributeValues"][name]["S"].as_str().map(str::to_owned);
    let found = |path: &str| {
        let mut at = item;
        for (depth, part) in path.split('.').enumerate() {
            let name = query["ExpressionAttributeNames"][part].as_str().unwrap_or(part);
            at = if depth == 0 { &at[name] } else { &at["M"][name] };
        }
        at["S"].as_str().map(str::to_owned)
    };
    expression.split(" AND ").all(|comparison| {
        let words: Vec<_> = comparison.split_whitespace().collect();
        let [path, comparator, wanted] = words[..] else { panic!("an expression of another form: {comparison}") };
        let Some((found, wanted)) = found(path).zip(value(wanted)) else { return false };
        match comparator {
            "=" => found == wanted,
            "<" => found < wanted,
            "<=" => found <= wanted,
            _ => panic!("another comparison: {comparison}"),
        }
    })
}
