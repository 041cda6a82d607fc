//! The third stage: the tenants.

use cotejo::platform::{Platform, Seams};

use super::{Base, services::Services};
use crate::{
    options::LocalError,
    seed::{TENANT, Tenants},
};

pub(super) struct Seeded {
    /// A platform beside the functions': their seams count the functions' calls only.
    pub platform: Platform,
    pub tenants: Tenants,
    /// The API key of the tenant `local`.
    pub api_key: String,
    /// Where Auco sends the webhooks of the tenant `local`.
    pub webhook_url: String,
}

impl Seeded {
    /// Writes the tenant `local`, and those of the last run.
    pub async fn write(base: &Base, services: &Services) -> Result<Self, LocalError> {
        let seams = Seams { aws_http: Some(base.access.http.clone()), ..base.seams.clone() };
        let platform = Platform::new(services.endpoints.config(base.first_function()?)?, seams);
        let accounts = services.accounts.clone();
        let api_url = services.endpoints.api_url.clone();
        let tenants = Tenants::open(base.data.file("local.json"), accounts, base.seams.clone(), api_url)?;
        let api_key = tenants.ensure(TENANT, &services.keys, &platform).await?;
        for name in tenants.names() {
            tenants.ensure(&name, &services.keys, &platform).await?;
        }
        services.sandbox.set_auco_webhooks(tenants.webhooks()?);
        let webhook_url = tenants.webhook_url(TENANT)?;
        Ok(Self { platform, tenants, api_key, webhook_url })
    }
}
