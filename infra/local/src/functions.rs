//! The functions, called as Lambda calls them: JSON in, JSON out, through the same event types as in the cloud.

use std::{
    any::Any,
    collections::HashMap,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use cotejo::{
    deployment::Deployment,
    lambda::{EventFunction, HttpFunction, answer},
    platform::clock::in_time,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use lambda_http::{LambdaEvent, Service as _, request::LambdaRequest, service_fn};
use serde_json::Value;

use crate::template::Function;

/// A function, called with an event.
pub type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, InvokeError>> + Send + Sync>;

/// A call that failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// No function of this name is deployed.
    #[error("there is no function {0}")]
    Unknown(String),
    /// The event is not of the type that the function takes.
    #[error("the event is not what {function} takes: {problem}")]
    Event { function: String, problem: String },
    /// The function ended with an error.
    #[error("{function} failed: {problem}")]
    Failed { function: String, problem: String },
    #[error("{function} timed out after {} seconds", after.as_secs())]
    TimedOut { function: String, after: Duration },
}

#[derive(Clone)]
pub struct Deployed {
    pub name: String,
    /// The function's name in the deployed stack.
    pub deployed_name: String,
    pub timeout: Duration,
    /// The deployment with which the function was built.
    pub deployment: Deployment,
    handler: Handler,
}

/// All functions, by crate. Creating them is their cold start.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: HashMap<String, Deployed>,
}

impl Functions {
    /// Starts a function that this binary contains.
    ///
    /// # Errors
    /// The crate's name, if it does not contain it: a new function must be added to `start` in this file.
    pub fn add(&mut self, function: &Function, deployment: Deployment) -> Result<(), InvokeError> {
        let (name, timeout) = (function.crate_name.clone(), function.timeout);
        let handler = start(&name, &deployment).ok_or_else(|| InvokeError::Unknown(name.clone()))?;
        let deployed_name = function.deployed_name.clone();
        self.by_name.insert(name.clone(), Deployed { name, deployed_name, timeout, deployment, handler });
        Ok(())
    }

    /// A function by its name in the deployed stack.
    pub fn deployed(&self, name: &str) -> Result<&Deployed, InvokeError> {
        let function = self.by_name.values().find(|function| function.deployed_name == name);
        function.ok_or_else(|| InvokeError::Unknown(name.to_owned()))
    }

    /// A function by its crate's name.
    pub fn get(&self, name: &str) -> Result<&Deployed, InvokeError> {
        self.by_name.get(name).ok_or_else(|| InvokeError::Unknown(name.to_owned()))
    }
}

/// The functions that run now. A cold start replaces them, as a deployment would.
#[derive(Clone, Default)]
pub(crate) struct RunningFunctions(Arc<RwLock<Functions>>);

impl RunningFunctions {
    /// A function by its crate's name.
    pub(crate) fn get(&self, name: &str) -> Result<Deployed, InvokeError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A function by its name in the deployed stack.
    pub(crate) fn deployed(&self, name: &str) -> Result<Deployed, InvokeError> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).deployed(name).cloned()
    }

    pub(crate) fn replace(&self, functions: Functions) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = functions;
    }
}

impl Deployed {
    /// A function with this handler.
    #[cfg(test)]
    pub(crate) fn of(name: &str, deployment: Deployment, handler: Handler) -> Self {
        let deployed_name = name.to_owned();
        Self { name: name.to_owned(), deployed_name, timeout: Duration::from_secs(1), deployment, handler }
    }

    /// Calls the function. Dropping the future stops it where it stands, as a crash would.
    ///
    /// # Errors
    /// What Lambda would report as a function error: the function failed, panicked or took too long.
    pub async fn invoke(&self, event: Value) -> Result<Value, InvokeError> {
        let call = AssertUnwindSafe((self.handler)(event)).catch_unwind();
        let clock = self.deployment.platform.seams.clock.as_ref();
        let outcome = match in_time(clock, clock.now() + self.timeout, call).await {
            None => Err(InvokeError::TimedOut { function: self.name.clone(), after: self.timeout }),
            Some(Err(panic)) => Err(InvokeError::Failed { function: self.name.clone(), problem: panic_text(&*panic) }),
            Some(Ok(answer)) => answer,
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "function error");
        }
        outcome
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    format!("panicked: {}", text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
}

/// A function behind API Gateway.
fn http<F: HttpFunction>(name: &str, deployment: &Deployment) -> Handler {
    let function = Arc::new(F::new(deployment));
    let name = name.to_owned();
    Arc::new(move |event: Value| -> BoxFuture<'static, _> {
        let (function, name) = (Arc::clone(&function), name.clone());
        let service = service_fn(move |request: lambda_http::Request| {
            let function = Arc::clone(&function);
            async move { Ok::<_, Infallible>(answer(&*function, request).await) }
        });
        Box::pin(async move {
            // From text: lambda_http reads the raw JSON to distinguish the kinds of gateways.
            let payload: LambdaRequest = parse(&name, &event.to_string())?;
            let mut adapter = lambda_http::Adapter::from(service);
            let Ok(answer) = adapter.call(LambdaEvent::new(payload, lambda_http::Context::default())).await;
            serde_json::to_value(answer).map_err(|error| failed(&name, &error))
        })
    })
}

/// A function for any other event, which may fail.
fn event<F: EventFunction>(name: &str, deployment: &Deployment) -> Handler {
    let function = Arc::new(F::new(deployment));
    let name = name.to_owned();
    Arc::new(move |event: Value| -> BoxFuture<'static, _> {
        let (function, name) = (Arc::clone(&function), name.clone());
        Box::pin(async move {
            let event = parse(&name, &event.to_string())?;
            let answer = function.handle(event).await.map_err(|error| failed(&name, &error))?;
            serde_json::to_value(answer).map_err(|error| failed(&name, &error))
        })
    })
}

/// The functions this binary contains. A new one is one line here.
fn start(name: &str, deployment: &Deployment) -> Option<Handler> {
    Some(match name {
        "create-process" => http::<create_process::App>(name, deployment),
        "query-status" => http::<query_status::App>(name, deployment),
        "decide-process" => http::<decide_process::App>(name, deployment),
        "fetch-certificate" => http::<fetch_certificate::App>(name, deployment),
        "notification-channels" => http::<notification_channels::App>(name, deployment),
        "people" => http::<people::App>(name, deployment),
        "person-records" => http::<person_records::App>(name, deployment),
        "catalogs" => http::<catalogs::App>(name, deployment),
        "temporary-people" => http::<temporary_people::App>(name, deployment),
        "contact-verification" => http::<contact_verification::App>(name, deployment),
        "receive-callback" => http::<receive_callback::App>(name, deployment),
        "poll-due" => event::<poll_due::App>(name, deployment),
        "run-work" => event::<run_work::App>(name, deployment),
        "copy-long" => event::<copy_long::App>(name, deployment),
        "deliver-notifications" => event::<deliver_notifications::App>(name, deployment),
        _ => return None,
    })
}

fn parse<T: serde::de::DeserializeOwned>(function: &str, event: &str) -> Result<T, InvokeError> {
    serde_json::from_str(event)
        .map_err(|error| InvokeError::Event { function: function.to_owned(), problem: error.to_string() })
}

fn failed(function: &str, error: &dyn std::fmt::Display) -> InvokeError {
    InvokeError::Failed { function: function.to_owned(), problem: error.to_string() }
}
