//! `GET /certificate/{id}`: the certificate of a request, once it is made (seed `003_…`).

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::script::CertificateFault;
use super::{bearer, by_chance, certificate_of, unauthorized, unknown_error};
use crate::answers::{Refused, page};
use crate::faults::{Call, FaultKind};
use crate::ids::Id;
use crate::sandbox::Sandbox;

pub(super) async fn certificate(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    sandbox.state().calls.certificates += 1;
    let token = bearer(&sandbox, &headers)?;
    let (answer, slow) = answer(&sandbox, &token, &id)?;
    if slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer)
}

fn answer(sandbox: &Sandbox, token: &str, id: &str) -> Result<(Response, bool), Refused> {
    let dice = sandbox.inner.dice;
    let mut state = sandbox.state();
    let expires = state.link.get(id).is_some_and(|request| request.script.token_expires);
    if !state.link_tokens.spend(token, expires) {
        return Err(unauthorized());
    }
    let faults = state.faults.clone();
    let Some(request) = state.link.get_mut(id) else { return Err(not_found().into()) };
    let label = format!("link certificate {id} {}", request.fetches);
    request.fetches += 1;
    let chance = faults.roll(dice, Call::Query, &label);
    let answer = match chance.and_then(|kind| by_chance(kind, dice, &label, id)) {
        Some(answer) => answer,
        None => match certificate_of(request) {
            None => not_found(),
            Some(pdf) => {
                let before = request.fetches_of_made;
                request.fetches_of_made = before.saturating_add(1);
                match request.script.certificate.after(before) {
                    Some(CertificateFault::Late) => not_found(),
                    Some(CertificateFault::ServerError) => unknown_error(id),
                    Some(CertificateFault::Html) => with_content(id, page().0.as_bytes()),
                    None => {
                        request.served += 1;
                        with_content(id, &pdf)
                    }
                }
            }
        },
    };
    state.save_or_warn(&Id::Link(id.to_owned()));
    Ok((answer, chance == Some(FaultKind::Hang)))
}

/// 404 without a body, for an unknown request and for a certificate that does not exist yet.
fn not_found() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

fn with_content(id: &str, content: &[u8]) -> Response {
    Json(json!({ "id": id, "content": BASE64.encode(content) })).into_response()
}
