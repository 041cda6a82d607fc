//! `POST /auth/token`, and the tokens it gives.
//!
//! A token is signed, so that it survives a restart without being stored.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{by_chance, unauthorized};
use crate::answers::Refused;
use crate::dice::{Dice, keyed_hash};
use crate::faults::{Call, FaultKind};
use crate::sandbox::Sandbox;

/// A token's life in seconds of the sandbox's clock.
const LIFE: i64 = 3600;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// The first is spelled as LINK spells it.
const SCOPES: [&str; 5] = [
    "kyc.idVeriication.auto",
    "kyc.facecomparison.auto",
    "kyc.idVerification.manual",
    "kyc.facecomparison.manual",
    "kyc.certification",
];

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

pub(super) async fn token(State(sandbox): State<Sandbox>, body: Bytes) -> Result<Response, Refused> {
    let (answer, slow) = answer(&sandbox, &body)?;
    if slow {
        tokio::time::sleep(sandbox.inner.times.slow).await;
    }
    Ok(answer)
}

fn answer(sandbox: &Sandbox, body: &[u8]) -> Result<(Response, bool), Refused> {
    let (now, dice) = (sandbox.now(), sandbox.inner.dice);
    let mut state = sandbox.state();
    state.calls.tokens += 1;
    let serial = state.calls.tokens;
    let label = format!("link token {serial}");
    let chance = state.faults.roll(dice, Call::Query, &label);
    if let Some(answer) = chance.and_then(|kind| by_chance(kind, dice, &label, "")) {
        return Err(answer.into());
    }
    let account = &state.link_account;
    let given: Option<Credentials> = serde_json::from_slice(body).ok();
    if !given.is_some_and(|given| given.user == account.user && given.password == account.password) {
        if account.refuse_with_401 {
            return Err(unauthorized());
        }
        let refused = Json(json!({ "code": "003", "message": "Validation Error: Invalid credentials" }));
        return Err((StatusCode::INTERNAL_SERVER_ERROR, refused).into_response().into());
    }
    let answer = json!({
        "token": mint(dice, serial, now),
        "scopes": SCOPES,
        "expiresIn": LIFE,
        "token_type": "bearer",
    });
    Ok((Json(answer).into_response(), chance == Some(FaultKind::Hang)))
}

/// What a token says; times are seconds since 1970.
#[derive(Deserialize, Serialize)]
struct Claims {
    jti: String,
    exp: i64,
}

/// A JSON Web Token. The serial makes two of the same second differ.
fn mint(dice: Dice, serial: u64, now: Timestamp) -> String {
    let jti = dice.uuid(&format!("link token {serial} of {now}"));
    let claims = serde_json::to_vec(&Claims { jti, exp: now.as_second() + LIFE }).unwrap_or_default();
    let signed = format!("{}.{}", BASE64.encode(HEADER), BASE64.encode(claims));
    let signature = sign(dice, &signed);
    format!("{signed}.{signature}")
}

/// Whether a token is valid. It expires exactly in the second that it names.
pub(super) fn is_good(dice: Dice, token: &str, now: Timestamp) -> bool {
    let Some((signed, signature)) = token.rsplit_once('.') else { return false };
    let claims = signed.split_once('.').and_then(|(_, claims)| BASE64.decode(claims).ok());
    let claims: Option<Claims> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
    sign(dice, signed) == signature && claims.is_some_and(|claims| now.as_second() < claims.exp)
}

fn sign(dice: Dice, text: &str) -> String {
    BASE64.encode(keyed_hash(&dice.bytes("link tokens"), text.as_bytes()))
}
