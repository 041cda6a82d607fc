//! Lambda's entry point.

use contact_verification::App;
use cotejo::lambda::{Error, serve_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_http::<App>().await
}
