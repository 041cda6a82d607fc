//! `GET /veriface?code=`: how a process stands (seed `001_…`). Fields come in the order of the seed's samples, and are
//! absent where the samples leave them out.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::process::{Attempt, Flaw, Process, Status};
use super::{authorize, files};
use crate::answers::{Refused, fault, message, unavailable};
use crate::config::later;
use crate::faults::{Call, FaultKind};
use crate::ids::Id;
use crate::sandbox::Sandbox;

pub(super) async fn query(
    State(sandbox): State<Sandbox>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    sandbox.state().calls.queries += 1;
    authorize(&headers, &sandbox.inner.auco_keys.public)?;
    let (answer, slow) = answer(&sandbox, parameters.get("code").map(String::as_str).unwrap_or_default())?;
    if slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer)
}

fn answer(sandbox: &Sandbox, code: &str) -> Result<(Response, bool), Refused> {
    let dice = sandbox.inner.dice;
    if code.len() != 16 || !code.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()) {
        return Err(message(StatusCode::BAD_REQUEST, "CODE_INVALID").into());
    }
    let mut state = sandbox.state();
    let faults = state.faults.clone();
    let Some(process) = state.auco.get_mut(code) else {
        return Err(message(StatusCode::BAD_REQUEST, "PROCESS_NOT_FOUND").into());
    };
    let before = process.queries;
    process.queries += 1;
    if before < u64::from(process.script.query_5xx) {
        state.save_or_warn(&Id::Auco(code.to_owned()));
        return Err(unavailable().into());
    }
    let label = format!("{code} {before}");
    let chance = faults.roll(dice, Call::Query, &label);
    let stopped = chance.and_then(|kind| fault(kind, dice, &label));
    let answer = stopped.unwrap_or_else(|| Json(body(process, sandbox)).into_response());
    state.save_or_warn(&Id::Auco(code.to_owned()));
    Ok((answer, chance == Some(FaultKind::Hang)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    email: &'a str,
    created_at: String,
    platform: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_validated: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    country: &'a str,
    identification_type: &'a str,
    identification_number: &'a str,
    attempts: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ocr_data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<&'a Map<String, Value>>,
    /// Only the newer page shows it; what it covers is not said.
    hash: String,
}

fn body<'a>(process: &'a Process, sandbox: &Sandbox) -> Body<'a> {
    let order = &process.order;
    let attempts = process.attempts.iter().enumerate();
    let mut attempts: Vec<_> = attempts.map(|(number, attempt)| shown(process, number, attempt, sandbox)).collect();
    if process.queries <= u64::from(process.script.odd) {
        attempts.iter_mut().for_each(make_odd);
        attempts.extend([Value::Null, "an attempt".into()]);
    }
    Body {
        email: &order.email,
        created_at: written(process.created_at),
        platform: &order.platform,
        status: process.status,
        email_validated: process.reviewer.as_deref(),
        name: &order.name,
        user_email: order.user_email.as_deref(),
        phone: order.phone.as_deref(),
        country: &order.country,
        identification_type: &order.document,
        identification_number: &order.identification,
        attempts,
        ocr_data: (process.status == Status::Approved).then(|| ocr_data(process)),
        custom: order.custom.as_ref(),
        hash: hex::encode(sandbox.inner.dice.bytes(&format!("hash {} {:?}", process.code, process.status))),
    }
}

/// One attempt, its links signed at this moment. The page's two spellings of the flag each serve half of the processes.
fn shown(process: &Process, number: usize, attempt: &Attempt, sandbox: &Sandbox) -> Value {
    let expires_at = later(sandbox.now(), sandbox.inner.times.link_life);
    let mut shown = Map::new();
    for kind in attempt.kinds() {
        let path = files::path(&process.code, number, kind);
        shown.insert((*kind).to_owned(), sandbox.inner.links.sign(&path, expires_at).into());
    }
    shown.insert("similarity".to_owned(), attempt.similarity.into());
    if attempt.flaw != Some(Flaw::BackIsNoDocument) || process.status != Status::Invalidated {
        shown.insert("identificationCardData".to_owned(), card_data(process));
    }
    let at = if process.script.same_date { process.created_at } else { attempt.at };
    shown.insert("date".to_owned(), written(at).into());
    if let Some((key, error)) = attempt.flaw.map(Flaw::key_and_error) {
        shown.insert("errorMessages".to_owned(), json!([{ "key": key, "error": error }]));
    }
    let newer = sandbox.inner.dice.coin(&format!("spelling {}", process.code));
    let flag = if newer { "successful" } else { "successfull" };
    shown.insert(flag.to_owned(), attempt.flaw.is_none().into());
    Value::Object(shown)
}

/// Undocumented forms: both spellings of the flag, a number as text, a message of the wrong type.
fn make_odd(attempt: &mut Value) {
    let flag = [&attempt["successful"], &attempt["successfull"]].into_iter().find(|flag| !flag.is_null()).cloned();
    attempt["successful"] = flag.clone().unwrap_or_default();
    attempt["successfull"] = flag.unwrap_or_default();
    attempt["similarity"] = attempt["similarity"].to_string().into();
    attempt["errorMessages"] = json!([null]);
}

fn card_data(process: &Process) -> Value {
    let name = process.order.name.to_uppercase();
    let (given, surname) = name.rsplit_once(' ').unwrap_or((&name, ""));
    json!({
        "documentNumber": process.order.identification,
        "fullName": format!("{surname} {given}").trim(),
        "givenNames": given,
        "issuingStateName": if process.order.country == "CO" { "Colombia" } else { &process.order.country },
        "surname": surname,
        "documentType": "Id Card",
        "name": name,
    })
}

fn ocr_data(process: &Process) -> Value {
    let mut data = card_data(process);
    data["bloodGroup"] = "O+".into();
    data["dateOfBirth"] = "1990-05-15".into();
    data["firstIssueDate"] = "2015-03-20".into();
    data["height"] = "175 cm".into();
    data["placeOfBirth"] = "BOGOTÁ (CUNDINAMARCA)".into();
    data["placeOfIssue"] = "BOGOTÁ".into();
    data["sex"] = "M".into();
    data
}

/// As JavaScript writes a date: UTC, with three decimals.
fn written(time: Timestamp) -> String {
    format!("{time:.3}")
}
