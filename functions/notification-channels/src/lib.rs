//! `/notification-channels` and below it: a tenant's channels, their secrets, what was delivered to them, and delivering it
//! again.

use cotejo::{
    common::{Scope, page::PageRequest},
    deployment::Deployment,
    http::{
        ApiError, Gate, RequestScope, body,
        query::Query,
        response::{self, success},
        view::ChannelView,
    },
    lambda::HttpFunction,
    notify::{DeliveryState, DeliverySummary},
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

impl HttpFunction for App {
    fn new(deployment: &Deployment) -> Self {
        Self {
            gate: Gate::new(&deployment.platform),
            channels: Channels::new(deployment),
            deliveries: Deliveries::new(deployment),
        }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    async fn route(&self, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
        route(self, scope, request).await
    }
}

async fn route(app: &App, scope: &RequestScope<'_>, request: &Request) -> Result<Response<Body>, ApiError> {
    let path: Vec<&str> = request.raw_http_path().split('/').skip(1).collect();
    let ["notification-channels", path @ ..] = path.as_slice() else { return Err(ApiError::no_route()) };
    let needed = if request.method() == Method::GET { Scope::ChannelsRead } else { Scope::ChannelsWrite };
    let caller = scope.caller(needed).await?;
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
            Ok(success(200, &DeliverySummary::of(&delivery)))
        }
        (&Method::POST, [id, "deliveries", delivery, "replay"]) => {
            let delivery = app.deliveries.replay(&caller, channel(id)?, delivery_id(delivery)?).await?;
            Ok(success(202, &DeliverySummary::of(&delivery)))
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
