//! `POST /veriface`: a new process (seed `004_…`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::authorize;
use super::order::Order;
use super::process::Process;
use super::script::Script;
use crate::answers::{Refused, fault, message, unavailable};
use crate::deliver::Claim;
use crate::faults::{Call, FaultKind};
use crate::ids::Id;
use crate::sandbox::Sandbox;
use crate::state;

/// A new process, and how the call continues.
struct Created {
    code: String,
    first_send: Option<Claim>,
    slow: bool,
    broken: bool,
}

pub(super) async fn create(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    sandbox.state().calls.creates += 1;
    authorize(&headers, &sandbox.inner.auco_keys.private)?;
    let created = begin(&sandbox, &body)?;
    // From here the caller may disconnect: the process exists, and the next tick sends what is still unsent.
    if let Some(claim) = created.first_send {
        claim.send().await;
    }
    if created.slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    if created.broken {
        return Err(unavailable().into());
    }
    Ok(Json(json!({ "code": created.code })).into_response())
}

/// Everything that happens under one lock.
fn begin(sandbox: &Sandbox, body: &[u8]) -> Result<Created, Refused> {
    let (now, dice) = (whole_milliseconds(sandbox.now()), sandbox.inner.dice);
    let mut state = sandbox.state();
    let call = state.calls.creates.to_string();
    let chance = state.faults.roll(dice, Call::Create, &call);
    if let Some(answer) = chance.and_then(|kind| fault(kind, dice, &call)) {
        return Err(answer.into());
    }
    let order = Order::read(body, now).map_err(|why| bad_request(&why))?;
    let script = order
        .script()
        .and_then(|text| Script::parse(text).map_err(|word| format!("custom.sandbox has the unknown word \"{word}\"")));
    let script = script.map_err(|why| bad_request(&why))?;
    if !order.targets.iter().all(|target| state.auco_webhooks.iter().any(|webhook| webhook.id == *target)) {
        return Err(bad_request("TARGET_WEBHOOKS_INVALID").into());
    }
    if script.create.fails_before {
        return Err(unavailable().into());
    }
    let serial = state.auco.len() as u64;
    let code = dice.code(&format!("auco code {serial}"));
    let mut process = Process::new(serial, code.clone(), order, script, now, &sandbox.inner.times);
    if process.script.callbacks.before_answer {
        process.hurry(now, dice);
    }
    let slow = process.script.create.slow || chance == Some(FaultKind::Hang);
    let broken = process.script.create.fails_after || chance == Some(FaultKind::ErrorAfterEffect);
    let send_first = process.script.callbacks.before_answer;
    insert(&mut state, process)?;
    let first_send =
        if send_first { Claim::take(sandbox, &mut state, Id::Auco(code.clone()), sandbox.now()) } else { None };
    Ok(Created { code, first_send, slow, broken })
}

/// Saves before the call is answered, so that a restart loses nothing that was answered 200.
fn insert(state: &mut state::State, process: Process) -> Result<(), Refused> {
    let code = process.code.clone();
    state.auco.insert(code.clone(), process);
    state.save(&Id::Auco(code.clone())).map_err(|error| {
        tracing::warn!(%error, "the sandbox's state could not be saved");
        state.auco.remove(&code);
        unavailable().into()
    })
}

/// The precision of Auco's times.
fn whole_milliseconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

fn bad_request(why: &str) -> Response {
    message(StatusCode::BAD_REQUEST, why)
}
