//! Sending a notification: one POST of JSON, where only 2xx in time counts and no redirect is followed.

use serde_json::Value;

use crate::config::Times;

/// Where a notification goes, and the header that goes with it.
pub(crate) struct Address {
    pub url: String,
    pub header: Option<(String, String)>,
}

/// The one client for all notifications. No proxy: the receivers are on this machine.
pub(crate) fn client(times: &Times) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(times.webhook_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("cotejo-sandbox")
        .build()
}

/// Whether the receiver answered 2xx.
pub(crate) async fn post(client: &reqwest::Client, address: &Address, body: &Value) -> bool {
    let mut request = client.post(&address.url).json(body);
    if let Some((name, value)) = &address.header {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) if answer.status().is_success() => true,
        Ok(answer) => {
            tracing::debug!(status = answer.status().as_u16(), "notification refused");
            false
        }
        Err(error) => {
            tracing::debug!(error = %error.without_url(), "notification failed");
            false
        }
    }
}
