//! What passes the gateway is measured as Lambda measures it: the whole event, the whole answer, as JSON.

use std::collections::{BTreeMap, HashMap};

use cotejo::{deployment::Deployment, platform::Config};
use futures_util::future::BoxFuture;

use super::*;
use crate::{
    functions::Handler,
    template::{DEPLOYED, Place, Template},
};

/// A gateway before a function that answers everything with `answer`.
fn before(answer: Value) -> Gateway {
    let place = Place { region: "eu-south-2".to_owned(), stack: "cotejo".to_owned(), parameters: BTreeMap::new() };
    let template = Template::read(DEPLOYED, &place).expect("template");
    let settings = ["TABLE", "BUCKET", "COTEJO_SECRET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let settings: HashMap<_, _> = settings.map(|name| (name.to_owned(), "x".to_owned())).into();
    let deployment = Deployment::real(Config::from_map(&settings).expect("settings"));
    let handler: Handler = Arc::new(move |_| -> BoxFuture<'static, _> {
        let answer = answer.clone();
        Box::pin(async move { Ok(answer) })
    });
    let deployed = Deployed::of("any", deployment, handler);
    Gateway {
        routes: Routes::new(&template.functions),
        find: Arc::new(move |_| Ok(deployed.clone())),
        seams: Seams::real(),
    }
}

async fn post(gateway: &Gateway, kind: &str, body: String) -> (u16, Value) {
    let request = http::Request::post("/processes").header("content-type", kind).body(body.into()).expect("request");
    said(gateway.answer(request, "r-1").await).await
}

async fn said(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn answer(body: String) -> Value {
    json!({"statusCode": 200, "headers": {}, "multiValueHeaders": {}, "body": body, "isBase64Encoded": false, "cookies": []})
}

#[tokio::test]
async fn an_answer_is_measured_as_it_is_handed_on_and_not_by_its_body() {
    let envelope = answer(String::new()).to_string().len();
    let room = ANSWER_LIMIT - envelope;
    let refused = (500, json!({"message": "Internal Server Error"}));
    for (sign, escaped) in [("a", 1), ("\"", 2), ("\n", 2), ("\u{1}", 6), ("ñ", 2), ("€", 3)] {
        let body = sign.repeat(room / escaped);
        let gateway = before(answer(body.clone()));
        assert_eq!(post(&gateway, "text/plain", String::new()).await.0, 200, "{sign:?}");
        let gateway = before(answer(body + sign));
        assert_eq!(post(&gateway, "text/plain", String::new()).await, refused, "{sign:?}");
    }
}

#[tokio::test]
async fn a_request_is_measured_as_the_event_that_it_becomes() {
    let gateway = before(answer("{}".to_owned()));
    let refused = (413, json!({"message": "Request Entity Too Large"}));
    let half = EVENT_LIMIT / 2;
    for (kind, body, taken) in [
        ("application/json", "a".repeat(EVENT_LIMIT - 4096), true),
        ("application/json", "a".repeat(EVENT_LIMIT), false),
        ("application/json", "\"".repeat(half - 4096), true),
        ("application/json", "\"".repeat(half), false),
        ("application/json", "ñ".repeat(half - 4096), true),
        // What is no text goes as base64, a third longer.
        ("image/jpeg", "a".repeat(EVENT_LIMIT / 4 * 3 - 4096), true),
        ("image/jpeg", "a".repeat(EVENT_LIMIT / 4 * 3), false),
        ("image/jpeg", "a".repeat(BODY_LIMIT + 1), false),
    ] {
        let (length, answer) = (body.len(), post(&gateway, kind, body).await);
        assert_eq!(answer, if taken { (200, json!({})) } else { refused.clone() }, "{length} bytes of {kind}");
    }
}
