//! `POST /customer`: everything about an authorization (seed `000_…`), for an invented person.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::authorization::{Authorization, Done, OCR_PICTURES, POL_PICTURES, Status};
use super::files;
use crate::answers::{Refused, fault, unavailable};
use crate::config::later;
use crate::faults::{Call, FaultKind};
use crate::ids::Id;
use crate::sandbox::Sandbox;

/// The antifraud tests of the document, as in the seed's sample.
const OCR_TESTS: [&str; 14] = [
    "LEGAL_AGE",
    "EXPIRATED",
    "AML",
    "PEP",
    "AEAT",
    "MANIPULATED_PHOTO",
    "PHOTOCOPY",
    "SCREENPHOTO",
    "INCOMPLETE",
    "PROHIBITED_CAMERAS",
    "FRAUD_FACE",
    "FACIAL_RECOGNITION",
    "KO",
    "MRZ_VALIDATE",
];
/// The antifraud tests of the proof of life.
const POL_TESTS: [&str; 2] = ["PROHIBITED_CAMERAS", "FRAUD_FACE_BLOCK"];
/// The test that a rejected document fails.
const FAILS: &str = "MRZ_VALIDATE";

#[derive(Deserialize)]
struct CustomerRequest {
    auth_uuid: String,
    api_key: String,
}

pub(super) async fn customer(
    State(sandbox): State<Sandbox>,
    Query(parameters): Query<HashMap<String, String>>,
    body: Bytes,
) -> Result<Response, Refused> {
    sandbox.state().calls.queries += 1;
    let parts = parameters.get("data").map(String::as_str).unwrap_or_default();
    let (answer, slow) = answer(&sandbox, parts, &body)?;
    if slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer)
}

fn answer(sandbox: &Sandbox, parts: &str, body: &[u8]) -> Result<(Response, bool), Refused> {
    let dice = sandbox.inner.dice;
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let question: Option<CustomerRequest> = serde_json::from_slice(body).ok();
    let question = question.filter(|question| question.api_key == sandbox.inner.tecalis_api_key);
    let Some(one) = question.and_then(|question| state.tecalis.get_mut(&question.auth_uuid)) else {
        return Err(unauthorized().into());
    };
    let (uuid, before) = (one.uuid.clone(), one.queries);
    one.queries += 1;
    if before < u64::from(one.script.query_5xx) {
        state.save_or_warn(&Id::Tecalis(uuid.clone()));
        return Err(unavailable().into());
    }
    let label = format!("{uuid} {before}");
    let chance = faults.roll(dice, Call::Query, &label);
    let stopped = chance.and_then(|kind| fault(kind, dice, &label));
    let answer = stopped.unwrap_or_else(|| Json(shown(one, parts, sandbox)).into_response());
    state.save_or_warn(&Id::Tecalis(uuid.clone()));
    Ok((answer, chance == Some(FaultKind::Hang)))
}

/// The one error for a wrong key and for a wrong authorization.
fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({ "internal_code": 401, "message": "Not authorized" }))).into_response()
}

/// What an answer shows of an authorization.
struct CustomerAnswer<'a> {
    one: &'a Authorization,
    sandbox: &'a Sandbox,
    /// The parts that were asked for, separated by commas.
    parts: &'a str,
    links_end: Timestamp,
}

fn shown(one: &Authorization, parts: &str, sandbox: &Sandbox) -> Value {
    let links_end = later(sandbox.now(), sandbox.inner.times.link_life);
    let shown = CustomerAnswer { one, sandbox, parts, links_end };
    let mut answer = json!({
        "general": shown.general(),
        "process_uuid": one.process_uuid,
        "process_details": "",
        "process_status": one.status,
        "operations": shown.operations(),
    });
    if shown.wants("identity") && matches!(one.status, Status::Ok | Status::Ko) {
        answer["identity"] = shown.identity();
    }
    answer
}

impl CustomerAnswer<'_> {
    fn wants(&self, part: &str) -> bool {
        self.parts.split(',').any(|wanted| wanted.trim() == part)
    }

    fn general(&self) -> Value {
        let mut general = json!({
            "auth": self.one.uuid,
            "company": "SOLUCIONES TECH GLOBAL S.A.",
            "metadata": [],
            "location": [{ "lat": "40.416775", "lon": "-3.703790" }],
            "devices": [{ "user_agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Mobile" }],
        });
        if self.wants("video") && self.one.has_video() {
            let path = files::video_path(&self.one.uuid);
            general["video"] = self.sandbox.inner.links.sign(&path, self.links_end).into();
        }
        general
    }

    fn operations(&self) -> Value {
        let ocr = self.document();
        let pol = self.proof_of_life();
        if self.one.script.array {
            json!([self.named(pol, "POL"), self.named(ocr, "OCR")])
        } else {
            json!({ "OCR": ocr, "POL": pol })
        }
    }

    fn document(&self) -> Map<String, Value> {
        let mut ocr = operation(&self.one.ocr_uuid, self.one.ocr);
        if let Some(done) = self.one.ocr {
            ocr.extend(read_from_document());
            self.add_parts(&mut ocr, "OCR", done, &OCR_TESTS, &OCR_PICTURES);
        }
        ocr
    }

    fn proof_of_life(&self) -> Map<String, Value> {
        let mut pol = operation(&self.one.pol_uuid, self.one.pol);
        if let Some(done) = self.one.pol {
            pol.extend([("low_age".to_owned(), "35".into()), ("high_age".to_owned(), "40".into())]);
            pol.insert("type".to_owned(), "random".into());
            self.add_parts(&mut pol, "POL", done, &POL_TESTS, &POL_PICTURES);
        }
        pol
    }

    /// Adds the antifraud tests and the links to pictures, as far as they are asked for.
    fn add_parts(
        &self,
        operation: &mut Map<String, Value>,
        name: &str,
        done: Done,
        tests: &[&str],
        kinds: &[(&str, usize)],
    ) {
        if self.wants("antifraud") {
            let value = |test: &str| if test == FAILS && !done.passed { "KO" } else { "OK" };
            let tests: Map<_, _> = tests.iter().map(|test| ((*test).to_owned(), value(test).into())).collect();
            operation.insert("antifraud".to_owned(), tests.into());
        }
        if self.wants("images") {
            operation.insert("images".to_owned(), self.images(name, kinds).into());
        }
    }

    fn images(&self, name: &str, kinds: &[(&str, usize)]) -> Map<String, Value> {
        let link = |kind: &str, place: usize| {
            self.sandbox.inner.links.sign(&files::path(&self.one.uuid, name, kind, place), self.links_end)
        };
        let links = |(kind, count): &(&str, usize)| {
            ((*kind).to_owned(), (1..=*count).map(|place| link(kind, place)).collect::<Value>())
        };
        let mut images: Map<_, _> = kinds.iter().map(links).collect();
        if self.one.queries <= u64::from(self.one.script.odd) {
            images.entry("selfie").and_modify(|links| *links = json!(["in process"]));
        }
        images
    }

    /// An operation as an element of a list, which says its name.
    fn named(&self, mut operation: Map<String, Value>, name: &str) -> Map<String, Value> {
        operation.insert("operation".to_owned(), name.into());
        if self.one.script.named_by_type {
            let id = operation.get("uuid").cloned();
            operation.insert("operation".to_owned(), id.unwrap_or_default());
            operation.insert("type".to_owned(), name.into());
        }
        operation
    }

    fn identity(&self) -> Value {
        json!({
            "uuid": self.sandbox.inner.dice.uuid(&format!("tecalis identity of {}", self.one.uuid)),
            "identifier": "99999999R",
            "names": "CARMEN",
            "surnames": "ESPAÑOLA ESPAÑOLA",
            "nationality": "ESP",
            "gender": "F",
            "birthdate": "1980-01-01",
            "expiration_date": "2031-06-02",
            "country_code": "ESP",
            "document_type": "DNI_ESP",
        })
    }
}

fn operation(uuid: &str, done: Option<Done>) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("uuid".to_owned(), uuid.into());
    operation.insert("completed".to_owned(), done.is_some().into());
    let state = match done {
        None => "NOT_STARTED",
        Some(Done { passed: true, .. }) => "OK",
        Some(_) => "KO",
    };
    operation.insert("state".to_owned(), state.into());
    if let Some(done) = done {
        operation.insert("ip".to_owned(), "185.22.41.102".into());
        operation.insert("total_tries".to_owned(), 1.into());
        operation.insert("end_at".to_owned(), written(done.at).into());
    }
    operation
}

/// The Spanish authorities' specimen card, with the times that Tecalis adds to dates.
fn read_from_document() -> Map<String, Value> {
    let fields = [
        ("address", "AVENIDA DE MADRID S/N"),
        ("birthdate", "1980-01-01 10:01:00"),
        ("country", "ESP"),
        ("expiration_date", "2031-06-02 10:01:00"),
        ("gender", "F"),
        ("identifier", "99999999R"),
        ("mrz1", "IDESPBAA000589599999999R<<<<<<"),
        ("mrz2", "8001014F3106028ESP<<<<<<<<<<<9"),
        ("mrz3", "ESPANOLA<ESPANOLA<<CARMEN<<<<<"),
        ("municipality", "MADRID"),
        ("names", "CARMEN"),
        ("nationality", "ESP"),
        ("parents_names", "PEDRO / MARIA"),
        ("place_of_birth", "MADRID MADRID"),
        ("province", "MADRID"),
        ("support_number", "BAA000589"),
        ("surnames", "ESPAÑOLA ESPAÑOLA"),
        ("document_type", "DNI_ESP"),
        ("aml", "false"),
        ("pep", "false"),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// As the sample writes times: UTC, with six decimals.
fn written(time: Timestamp) -> String {
    format!("{time:.6}")
}
