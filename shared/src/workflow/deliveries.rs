//! Shows the deliveries of a channel, and replays them.

use uuid::Uuid;

use super::{InfraError, Services, attempt::change_delivery};
use crate::{
    common::{
        Actor, Authority, Caller,
        page::{PageRequest, PageView},
    },
    deployment::Deployment,
    notify::{Channel, Delivery, DeliveryState},
    workflow::Error,
};

pub struct Deliveries(Services);

impl Deliveries {
    /// Built once per execution environment.
    #[must_use]
    pub fn new(deployment: &Deployment) -> Self {
        Self(Services::new(deployment))
    }

    /// One page of the deliveries to a channel, newest first. Two requests, and one more for each further month.
    ///
    /// # Errors
    /// `NotFound` if the tenant has no such channel.
    pub async fn list(
        &self,
        caller: &Caller,
        channel: Uuid,
        state: Option<DeliveryState>,
        request: &PageRequest,
    ) -> Result<PageView<serde_json::Value>, Error> {
        let channel = self.channel(caller, channel).await?;
        let page = self.0.store.list_deliveries(&channel, state, request, self.0.now()).await?;
        let filters: Vec<_> = state.map(|state| ("state", state.as_str())).into_iter().collect();
        let path = format!("/notification-channels/{}/deliveries", channel.id);
        Ok(PageView::new(&path, &filters, request, page))
    }

    /// One delivery. One request.
    ///
    /// # Errors
    /// `NotFound` if the channel has no such delivery.
    pub async fn get(&self, caller: &Caller, channel: Uuid, id: Uuid) -> Result<Delivery, Error> {
        let record = self.0.store.delivery(caller, id, self.0.now()).await?;
        let delivery = record.map(|record| record.delivery).filter(|delivery| delivery.channel == channel);
        delivery.ok_or(Error::NotFound("delivery"))
    }

    /// Delivers it again under the same event id, whatever its state. Two reads and one write.
    ///
    /// # Errors
    /// `NotFound` as in [`Self::get`].
    pub async fn replay(&self, caller: &Caller, channel: Uuid, id: Uuid) -> Result<Delivery, Error> {
        self.get(caller, channel, id).await?;
        let replayed = self.replay_any(caller, id, &caller.actor()).await.map_err(|_| Error::Unavailable)?;
        tracing::info!(tenant = %caller.tenant(), delivery = %id, key = caller.key_id(), "delivery replayed");
        replayed.ok_or(Error::NotFound("delivery"))
    }

    /// As [`Self::replay`], for a delivery of any channel. `None` if it does not exist.
    ///
    /// # Errors
    /// The store fails.
    pub async fn replay_any(&self, who: &impl Authority, id: Uuid, by: &Actor) -> Result<Option<Delivery>, InfraError> {
        let now = self.0.now();
        change_delivery(&self.0, who, id, |delivery| delivery.replay(by, now)).await
    }

    async fn channel(&self, caller: &Caller, id: Uuid) -> Result<Channel, Error> {
        let record = self.0.store.channel(caller, id).await?;
        record.map(|record| record.channel).ok_or(Error::NotFound("notification channel"))
    }
}
