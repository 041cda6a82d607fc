//! Lambda's entry point.

use contact_verification::{App, handle};
use cotejo::platform::{Config, Platform, Seams, telemetry};
use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let platform = Platform::new(Config::from_env()?, Seams::real());
    platform.warm().await?;
    let app = App::new(&platform);
    run(service_fn(async |request| Ok::<_, Error>(handle(&app, request).await))).await
}
