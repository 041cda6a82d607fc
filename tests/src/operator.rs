//! What an operator of the deployment does. It uses its own transport to the stores, which [`World::aws`](crate::World) neither
//! notes nor disturbs unless a test asks for it; its indexes lag too.

#![expect(clippy::unwrap_used, reason = "a test's own failure is a failed test")]

use std::{collections::HashMap, io, sync::Arc};

use aws_smithy_runtime_api::shared::IntoShared as _;
use clap::Parser as _;
use cotejo::{
    common::{Operator, Scope},
    deployment::Deployment,
    platform::{Config, Platform, Seams},
    store::{ApiKey, Store, Tenant},
};
use cotejo_admin::{Admin, AdminError, Arguments, Report};

use crate::{Customer, World};

/// Whoever operates the deployment, acting for `tenant`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test is its system's operator")]
pub fn operator(tenant: &str) -> Operator {
    Operator::acting_for(tenant.parse().unwrap())
}

impl World {
    /// `cargo admin` with these words and this standard input.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub async fn admin(&self, words: &[&str], input: &str) -> Result<Report, AdminError> {
        run(&Admin::new(&self.settings().into(), self.operators_seams(), self.factories)?, words, input).await
    }

    /// The same with its calls on the wire: noted and disturbed like those of the functions.
    ///
    /// # Errors
    /// Likewise.
    pub async fn admin_on_the_wire(&self, words: &[&str]) -> Result<Report, AdminError> {
        run(&Admin::new(&self.settings().into(), self.watched_seams(), self.factories)?, words, "").await
    }

    /// Another execution environment of the functions. It reads the secrets when it first needs them.
    #[must_use]
    pub fn environment(&self) -> Deployment {
        Deployment::new(Config::from_map(&self.settings()).unwrap(), self.watched_seams(), self.factories)
    }

    /// Edits the secret with the deployment's keys.
    pub fn edit_keys(&self, edit: impl FnOnce(&mut serde_json::Value)) {
        let file = self.local.data().join("secrets.json");
        let mut secrets: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        edit(&mut secrets[self.local.env()["COTEJO_SECRET"].as_str()]);
        std::fs::write(&file, secrets.to_string()).unwrap();
    }

    /// A DynamoDB client that is not on the wire.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        Platform::new(Config::from_map(&self.settings()).unwrap(), self.operators_seams()).aws.dynamodb
    }

    /// Writes a secret of any name.
    pub fn set_secret(&self, name: &str, value: serde_json::Value) {
        let file = self.local.data().join("secrets.json");
        let mut secrets: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        secrets[name] = value;
        std::fs::write(&file, secrets.to_string()).unwrap();
    }

    /// Schedules the account of a tenant at a provider for deletion, as in AWS's console.
    pub async fn delete_secret(&self, tenant: &str, provider: &str) {
        let platform = Platform::new(Config::from_map(&self.settings()).unwrap(), self.operators_seams());
        let name = format!("{}/{tenant}/{provider}", self.local.env()["COTEJO_SECRET"]);
        platform.aws.secrets.delete_secret().secret_id(name).send().await.unwrap();
    }

    /// The path at which a provider calls back about the tenant `local` that is told one address for the whole account.
    pub async fn webhook_path(&self, provider: &str) -> String {
        let said = self.admin(&["provider", "webhook", "local", provider], "").await.unwrap();
        said.text().trim_end().strip_prefix(self.local.url()).unwrap().to_owned()
    }

    /// Somebody with a key of `tenant` called `key_id` that may do `scopes`.
    pub async fn holder(&self, tenant: &str, key_id: &str, scopes: &[Scope]) -> Customer {
        let key = ApiKey {
            key_id: key_id.to_owned(),
            name: "a test's".to_owned(),
            scopes: scopes.to_vec(),
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
        };
        self.holder_of(tenant, key).await
    }

    /// Somebody with exactly this key.
    pub async fn holder_of(&self, tenant: &str, key: ApiKey) -> Customer {
        let (secret, tenant) = (format!("cotejo_test_{tenant}_{}", key.key_id), self.tenant(tenant).await);
        self.store().put_api_key(&tenant, &secret, &key).await.unwrap();
        Customer::new(self.local.url(), &secret)
    }

    /// A tenant as it stands in the table.
    pub async fn tenant(&self, tenant: &str) -> Tenant {
        self.store().tenant(&operator(tenant)).await.unwrap().unwrap()
    }

    /// The account of a tenant at a provider, as its secret has it.
    #[must_use]
    pub fn secret(&self, tenant: &str, provider: &str) -> serde_json::Value {
        let secrets = std::fs::read(self.local.data().join("secrets.json")).unwrap();
        let mut secrets: serde_json::Value = serde_json::from_slice(&secrets).unwrap();
        secrets[format!("{}/{tenant}/{provider}", self.local.env()["COTEJO_SECRET"])].take()
    }

    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&Platform::new(Config::from_map(&self.settings()).unwrap(), self.operators_seams()))
    }

    fn settings(&self) -> HashMap<String, String> {
        self.local.env().clone().into_iter().collect()
    }

    fn watched_seams(&self) -> Seams {
        Seams { aws_http: Some(self.aws.clone().into_shared()), ..self.operators_seams() }
    }

    fn operators_seams(&self) -> Seams {
        let (clock, entropy) = (self.clock.clone(), Arc::clone(&self.entropy));
        Seams { clock, entropy, aws_http: Some(self.aws.beside().into_shared()) }
    }
}

async fn run(admin: &Admin, words: &[&str], input: &str) -> Result<Report, AdminError> {
    let words = std::iter::once("cargo admin").chain(words.iter().copied());
    let arguments = Arguments::try_parse_from(words).unwrap();
    admin.run(&arguments.command, &mut io::Cursor::new(input.to_owned())).await
}
