//! Lambda's entry point.

use cotejo::lambda::{Error, serve_events};
use run_work::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_events::<App>().await
}
