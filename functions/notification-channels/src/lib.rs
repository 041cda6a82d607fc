//! `/notification-channels` and below it: a tenant's channels, their secrets, what was delivered to them, and delivering it
//! again.

use cotejo::{
    api::{
        ApiError, Gate, RequestScope, Scope, body,
        page::PageRequest,
        query::Query,
        response::{self, success},
        view::{ChannelView, DeliveryView},
    },
    notify::DeliveryState,
    platform::Platform,
    workflow::{
        channels::{ChannelWithSecret, Channels},
        deliveries::Deliveries,
    },
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use uuid::Uuid;

/// What the function needs, built once.
pub struct App {
    gate: Gate,
    channels: Channels,
    deliveries: Deliveries,
}

impl App {
    /// Builds it on the platform.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { gate: Gate::new(platform), channels: Channels::new(platform), deliveries: Deliveries::new(platform) }
    }
}

/// Answers one of the routes.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let visit = app.gate.visit(&request);
    visit.answer(route(app, &visit, &request)).await
}

async fn route(app: &App, visit: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let ["notification-channels", path @ ..] = path.as_slice() else { return Err(ApiError::no_route()) };
    let scope = if request.method() == Method::GET { Scope::ChannelsRead } else { Scope::ChannelsWrite };
    let caller = visit.caller(scope).await?;
    match (request.method(), path) {
        (&Method::GET, []) => {
            let channels = app.channels.list(&caller).await?;
            let views: Vec<_> = channels.iter().map(|channel| ChannelView::of(channel, None)).collect();
            Ok(success(200, &views))
        }
        (&Method::POST, []) => {
            let key = body::idempotency_key(request)?;
            Ok(created(&app.channels.create(&caller, &body::json(request)?, key).await?))
        }
        (&Method::GET, [id]) => {
            Ok(success(200, &ChannelView::of(&app.channels.get(&caller, channel(id)?).await?, None)))
        }
        (&Method::PUT, [id]) => {
            let shown = app.channels.update(&caller, channel(id)?, &body::json(request)?).await?;
            Ok(success(200, &ChannelView::of(&shown.channel, shown.secret.as_ref())))
        }
        (&Method::POST, [id, "secret"]) => {
            let shown = app.channels.rotate(&caller, channel(id)?, &body::json(request)?).await?;
            Ok(success(200, &ChannelView::of(&shown.channel, shown.secret.as_ref())))
        }
        (&Method::GET, [id, "deliveries"]) => {
            let query = Query::read(request, &["state", "page", "per_page", "cursor"])?;
            let state = query.get("state").map(|name| {
                let state = DeliveryState::from_name(name);
                state.ok_or_else(|| ApiError::invalid_field("state", "is not a state of deliveries"))
            });
            let page = PageRequest::read(|name| query.get(name))?;
            Ok(success(200, &app.deliveries.list(&caller, channel(id)?, state.transpose()?, &page).await?))
        }
        (&Method::GET, [id, "deliveries", delivery]) => {
            let delivery = app.deliveries.get(&caller, channel(id)?, delivery_id(delivery)?).await?;
            Ok(success(200, &DeliveryView::of(&delivery)))
        }
        (&Method::POST, [id, "deliveries", delivery, "replay"]) => {
            let delivery = app.deliveries.replay(&caller, channel(id)?, delivery_id(delivery)?).await?;
            Ok(success(202, &DeliveryView::of(&delivery)))
        }
        _ => Err(ApiError::no_route()),
    }
}

fn created(shown: &ChannelWithSecret) -> Response<Body> {
    let location = format!("/notification-channels/{}", shown.channel.id);
    response::created(201, &location, shown.replayed, &ChannelView::of(&shown.channel, shown.secret.as_ref()))
}

fn channel(text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("notification channel"))
}

fn delivery_id(text: &str) -> Result<Uuid, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("delivery"))
}
