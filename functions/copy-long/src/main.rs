//! Lambda's entry point.

use copy_long::App;
use cotejo::lambda::{Error, serve_events};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_events::<App>().await
}
