//! What the tasks of a running system share.

use cotejo::{
    deployment::Deployment,
    platform::{Platform, Seams},
    providers::ProviderFactories,
};
use cotejo_sandbox::Sandbox;

use crate::{
    data::DataDir,
    functions::{Functions, RunningFunctions},
    options::{LocalError, Mode},
    seed::{Keys, Tenants},
    settings::Endpoints,
    stores::{dynamodb, lambda::Invocations, mail::Mailbox, s3},
    stream::{Poller, Trimmer},
    template::Template,
};

/// All parts of a running system.
pub(crate) struct System {
    pub(crate) template: Template,
    pub(crate) mode: Mode,
    pub(crate) has_functions: bool,
    pub(crate) functions: RunningFunctions,
    pub(crate) pollers: Vec<Poller>,
    /// `None` where the stream is in a store of the environment.
    pub(crate) trimmer: Option<Trimmer>,
    pub(crate) invocations: Invocations,
    pub(crate) sandbox: Sandbox,
    /// `None` where the environment names another server.
    pub(crate) database: Option<dynamodb::Embedded>,
    /// `None` where the environment names another server.
    pub(crate) bucket_store: Option<s3::Embedded>,
    pub(crate) endpoints: Endpoints,
    pub(crate) seams: Seams,
    pub(crate) factories: ProviderFactories,
    pub(crate) tenants: Tenants,
    pub(crate) keys: Keys,
    pub(crate) mailbox: Mailbox,
    pub(crate) platform: Platform,
    pub(crate) data: DataDir,
}

impl System {
    /// The cold start of all functions.
    pub(crate) fn restart_functions(&self) -> Result<(), LocalError> {
        let mut functions = Functions::default();
        for function in self.template.functions.iter().filter(|_| self.has_functions) {
            let config = self.endpoints.config(function)?;
            // All share one connection pool, unless a test brings its own transport.
            let http = self.seams.aws_http.clone().or_else(|| Some(self.endpoints.access.http.clone()));
            let seams = Seams { aws_http: http, ..self.seams.clone() };
            functions.add(function, Deployment::new(config, seams, self.factories))?;
        }
        self.functions.replace(functions);
        Ok(())
    }
}
