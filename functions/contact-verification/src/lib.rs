//! `/contacts/sms-codes` and `/contacts/email-codes`: whether a phone or an e-mail address is a person's.

use cotejo::{
    api::{ApiError, Gate, RequestScope, Scope, body, response::success},
    platform::Platform,
    workflow::{
        contact_codes::{ContactCodes, Way},
        records::routes,
    },
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    codes: ContactCodes,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), codes: ContactCodes::new(platform) }
    }
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(&app.codes, &visit, &request)).await
}

async fn route(codes: &ContactCodes, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = visit.caller(Scope::PeopleWrite).await?;
    let (way, rest) = match (request.method(), routes::path(request).as_slice()) {
        (&Method::POST, ["contacts", "sms-codes", rest @ ..]) => (Way::Sms, rest.len()),
        (&Method::POST, ["contacts", "email-codes", rest @ ..]) => (Way::Email, rest.len()),
        _ => return Err(ApiError::no_route()),
    };
    let given = body::fields(request)?;
    if rest == 0 {
        codes.send(&caller, way, &given).await?;
        let told = match way {
            Way::Sms => "Sms code send",
            Way::Email => "Email code send",
        };
        return Ok(success(200, &told));
    }
    codes.verify(&caller, way, &given).await?;
    // The seed says so of either.
    Ok(success(200, &"Phone validated"))
}
