//! Lambda's entry point.

use cotejo::lambda::{Error, serve_events};
use deliver_notifications::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_events::<App>().await
}
