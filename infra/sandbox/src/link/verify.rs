//! `POST /identity/verify`: a new request, or one that comes again (seed `003_…`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::order::Order;
use super::request::Request;
use super::script::Script;
use super::{bearer, by_chance, invalid, unauthorized, unknown_error};
use crate::answers::Refused;
use crate::deliver::Claim;
use crate::faults::{Call, FaultKind};
use crate::ids::Id;
use crate::sandbox::Sandbox;
use crate::state;

/// An accepted request, and how the call continues.
struct Accepted {
    id: String,
    answer: Value,
    first_send: Option<Claim>,
    slow: bool,
    broken: bool,
}

pub(super) async fn verify(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    sandbox.state().calls.verifies += 1;
    let token = bearer(&sandbox, &headers)?;
    let (order, script) = Order::read(&body).map_err(|bad| invalid(&bad.id, &bad.why))?;
    let taken = begin(&sandbox, &token, order, script)?;
    // From here the caller may disconnect: the request exists, and the next tick sends what is still unsent.
    if let Some(claim) = taken.first_send {
        claim.send().await;
    }
    if taken.slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    if taken.broken {
        return Err(unknown_error(&taken.id).into());
    }
    Ok(Json(taken.answer).into_response())
}

/// Everything that happens under one lock.
fn begin(sandbox: &Sandbox, token: &str, order: Order, script: Script) -> Result<Accepted, Refused> {
    let (now, dice, id) = (sandbox.now(), sandbox.inner.dice, order.id.clone());
    let mut state = sandbox.state();
    let known = state.link.get(&id);
    let expires = known.map_or(script.token_expires, |request| request.script.token_expires);
    if !state.link_tokens.spend(token, expires) {
        return Err(unauthorized());
    }
    let label = format!("link {}", state.calls.verifies);
    let chance = state.faults.roll(dice, Call::Create, &label);
    if let Some(answer) = chance.and_then(|kind| by_chance(kind, dice, &label, &id)) {
        return Err(answer.into());
    }
    let slow = chance == Some(FaultKind::Hang);
    let broken = chance == Some(FaultKind::ErrorAfterEffect);
    if let Some(request) = state.link.get_mut(&id) {
        request.repeats += 1;
        let answer = request.answer();
        let refused = request.script.refuse_repeat;
        state.save_or_warn(&Id::Link(id.clone()));
        if refused {
            return Err(invalid(&id, "The id was used before").into());
        }
        return Ok(Accepted { id, answer, first_send: None, slow, broken });
    }
    if script.create.fails_before && state.link_refused.insert(id.clone()) {
        state.save_or_warn(&Id::Link(id.clone()));
        return Err(unknown_error(&id).into());
    }
    let mut request = Request::new(state.link.len() as u64, order, script, now, &sandbox.inner.times);
    let send_first = request.script.callbacks.before_answer;
    if send_first {
        request.hurry(now, &sandbox.inner.links);
    }
    let taken = Accepted {
        id: id.clone(),
        answer: request.answer(),
        slow: slow || request.script.create.slow,
        broken: broken || request.script.create.fails_after,
        first_send: None,
    };
    insert(&mut state, request)?;
    let first_send = if send_first { Claim::take(sandbox, &mut state, Id::Link(id), now) } else { None };
    Ok(Accepted { first_send, ..taken })
}

/// Saves before the call is answered, so that a restart loses nothing that was answered 200.
fn insert(state: &mut state::State, request: Request) -> Result<(), Refused> {
    let id = request.order.id.clone();
    state.link.insert(id.clone(), request);
    state.save(&Id::Link(id.clone())).map_err(|error| {
        tracing::warn!(%error, "the sandbox's state could not be saved");
        state.link.remove(&id);
        unknown_error(&id).into()
    })
}
