//! Starting other functions of ours asynchronously.

use std::sync::{Arc, OnceLock};

use aws_sdk_lambda::{Client, error::ProvideErrorMetadata as _, primitives::Blob, types::InvocationType};
use serde::Serialize;

use super::{Platform, aws};

/// Why a function was not started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotStarted {
    /// The configuration does not name it.
    #[error("the function is not named in the configuration")]
    Unnamed,
    /// Lambda refused the event; the code is Lambda's.
    #[error("the function was not started ({0})")]
    Refused(String),
}

/// Starts functions. The client is built on first use, because most functions start none.
#[derive(Clone)]
pub struct Functions {
    aws: aws::Clients,
    client: Arc<OnceLock<Client>>,
}

impl Functions {
    /// Builds no client yet.
    #[must_use]
    pub fn new(platform: &Platform) -> Self {
        Self { aws: platform.aws.clone(), client: Arc::default() }
    }

    /// Starts the function called `name` with `event`. It may start late, or never.
    ///
    /// # Errors
    /// Lambda does not know the function, or refused the event. Without an answer, the function may have been
    /// started.
    pub async fn start(&self, name: Option<&str>, event: &impl Serialize) -> Result<(), NotStarted> {
        let name = name.ok_or(NotStarted::Unnamed)?;
        let event = serde_json::to_vec(event).map_err(|_| NotStarted::Refused("unserialisable".to_owned()))?;
        let client = self.client.get_or_init(|| self.aws.functions());
        let invoke = client.invoke().function_name(name).invocation_type(InvocationType::Event);
        match Box::pin(invoke.payload(Blob::new(event)).send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(NotStarted::Refused(error.code().unwrap_or("no_answer").to_owned())),
        }
    }
}
