//! Lambda's entry point.

use cotejo::lambda::{Error, serve_http};
use query_status::App;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_http::<App>().await
}
