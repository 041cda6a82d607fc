//! Lambda's entry point.

use copy_long::{App, handle};
use cotejo::platform::{Config, Platform, Seams, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let platform = Platform::new(Config::from_env()?, Seams::real());
    let app = App::new(&platform);
    run(service_fn(async |event: LambdaEvent<_>| handle(&app, event.payload).await)).await
}
