//! `/contacts/sms-codes` and `/contacts/email-codes`: verify that a phone or e-mail address belongs to a person.

use cotejo::{
    common::Scope,
    deployment::Deployment,
    http::{ApiError, Gate, RequestScope, body, response::success, routes},
    lambda::HttpFunction,
    workflow::contact_codes::{ContactCodes, Way},
};
use lambda_http::{Body, Request, Response, http::Method};

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    codes: ContactCodes,
}

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        Self { gate: Gate::new(&deployment.platform), codes: ContactCodes::new(deployment) }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(&self.codes, scope, request).await
    }
}

async fn route(codes: &ContactCodes, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let caller = scope.caller(Scope::PeopleWrite).await?;
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
    // The API's documentation has this text for both.
    Ok(success(200, &"Phone validated"))
}
