//! The second stage: Secrets Manager, the mailbox, Lambda's API and the sandbox.

use std::{io, sync::Arc};

use cotejo::platform::{Entropy as _, SystemEntropy};
use cotejo_sandbox::{AucoAccount, LinkAccount, Sandbox, SandboxConfig, Times};

use super::Base;
use crate::{
    data::{DataDir, read_json, write_private},
    functions::RunningFunctions,
    options::LocalError,
    seed::{Accounts, Keys},
    servers::{Port, Tasks},
    settings::{Endpoints, ProviderUrls},
    stores::{lambda::Invocations, mail::Mailbox, secrets::Secrets},
};

pub(super) struct ServicePorts {
    pub secrets: Port,
    pub mail: Port,
    /// `None` where other processes serve the functions.
    pub lambda: Option<Port>,
    pub sandbox: Port,
    pub api_url: String,
}

pub(super) struct Services {
    pub endpoints: Endpoints,
    pub functions: RunningFunctions,
    pub invocations: Invocations,
    pub mailbox: Mailbox,
    pub accounts: Accounts,
    pub keys: Keys,
    pub sandbox: Sandbox,
}

impl Services {
    pub fn start(
        base: &Base,
        tasks: &mut Tasks,
        ports: ServicePorts,
        seed: u64,
        times: Times,
    ) -> Result<Self, LocalError> {
        let endpoints = endpoints(base, &ports);
        let mailbox = Mailbox::default();
        tasks.serve(ports.mail, mailbox.router());
        let functions = RunningFunctions::default();
        let invocations = Invocations::new(functions.clone());
        if let Some(port) = ports.lambda {
            tasks.serve(port, invocations.router());
        }
        let keys_name = endpoints.config(base.first_function()?)?.secret_id;
        let secrets = Secrets::open(base.data.file("secrets.json"), &keys_name, &*base.seams.entropy)?;
        tasks.serve(ports.secrets, secrets.router());
        let accounts = Accounts { keys_name, secrets };
        let keys = Keys::choose(&base.overrides, &accounts, &base.seams, &endpoints.mail_url)?;
        let seed = sandbox_seed(seed, &base.data)?;
        let sandbox = open_sandbox(base, &keys, endpoints.sandbox_url.clone(), seed, times)?;
        tasks.serve(ports.sandbox, sandbox.router());
        Ok(Self { endpoints, functions, invocations, mailbox, accounts, keys, sandbox })
    }
}

fn endpoints(base: &Base, ports: &ServicePorts) -> Endpoints {
    let sandbox_url = ports.sandbox.url();
    Endpoints {
        access: base.access.clone(),
        secrets_url: ports.secrets.url(),
        mail_url: ports.mail.url(),
        // cargo-lambda serves Lambda's API at the address of the functions.
        lambda_url: ports.lambda.as_ref().map_or_else(|| ports.api_url.clone(), Port::url),
        provider_urls: ProviderUrls::choose(&base.overrides, &sandbox_url),
        api_url: ports.api_url.clone(),
        sandbox_url,
    }
}

fn open_sandbox(base: &Base, keys: &Keys, base_url: String, seed: u64, times: Times) -> Result<Sandbox, LocalError> {
    let clock = Arc::clone(&base.seams.clock);
    Ok(Sandbox::open(SandboxConfig {
        base_url,
        state_file: base.kept_file("sandbox.jsonl"),
        now: Arc::new(move || clock.now()),
        seed,
        times,
        auco: AucoAccount {
            public_key: keys.auco_public.clone(),
            private_key: keys.auco_private.clone(),
            webhooks: Vec::new(),
        },
        link: LinkAccount {
            user: keys.link_user.clone(),
            password: keys.link_password.clone(),
            refuse_with_401: false,
        },
        tecalis_api_key: keys.tecalis.clone(),
    })?)
}

/// The given seed, else that of the last run, else a new one.
fn sandbox_seed(given: u64, data: &DataDir) -> io::Result<u64> {
    if given != 0 {
        return Ok(given);
    }
    let file = data.file("sandbox-seed.json");
    if let Some(seed) = read_json(&file)? {
        return Ok(seed);
    }
    let mut seed = [0; 8];
    SystemEntropy.fill(&mut seed);
    let seed = u64::from_le_bytes(seed);
    write_private(&file, seed.to_string().as_bytes())?;
    Ok(seed)
}
