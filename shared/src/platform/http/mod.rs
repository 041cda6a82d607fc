//! The HTTP clients for everything that is not AWS.
//!
//! [`provider_client`] calls hosts from our configuration; [`guarded_client`] calls hosts that somebody else gave us.
//! Both use TLS with the machine's roots, follow no redirect, use no proxy and keep no cookie. Building one reads the
//! machine's root certificates (some milliseconds): build it on first use and keep it. The caller sets the timeout of
//! each request.

mod address;
mod guard;
mod url;

use std::{error::Error, time::Duration};

use reqwest::{
    Client, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

pub use self::url::{MAX_URL_BYTES, UrlFault, read_url};
pub use address::is_public;
pub use guard::{UrlGuard, UrlRefused};

const USER_AGENT: &str = concat!("cotejo/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// A function that was frozen finds its old connections dead, so idle ones are closed soon.
const IDLE_TIME: Duration = Duration::from_secs(15);

/// The client for provider APIs, whose base URLs are configuration.
#[must_use]
pub fn provider_client() -> Client {
    build(base())
}

/// The client for URLs that somebody else gave us: pictures, and customers' webhooks.
///
/// It connects to public addresses only. Addresses are checked while connecting, so that a name cannot resolve to one
/// address for the check and to another for the call. An address in the URL itself is never resolved:
/// [`crate::platform::http::UrlGuard`] judges those, and must have passed the URL first.
///
/// With `allow_loopback`, which is for local systems, plain HTTP works and names of this machine may mean this machine.
#[must_use]
pub fn guarded_client(allow_loopback: bool) -> Client {
    build(base().https_only(!allow_loopback).dns_resolver(PublicOnly { allow_loopback }))
}

/// Whether `error` says that a host has no address that [`guarded_client`] may connect to.
#[must_use]
pub fn leads_nowhere_public(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if error.is::<NoPublicAddress>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether `host`, a name without a trailing dot, always means this machine (RFC 6761).
#[must_use]
pub fn names_this_machine(host: &str) -> bool {
    let last_label = host.rsplit('.').next().unwrap_or_default();
    last_label.eq_ignore_ascii_case("localhost")
}

fn base() -> ClientBuilder {
    Client::builder()
        .tls_backend_rustls()
        .connect_timeout(CONNECT_TIME)
        .pool_idle_timeout(IDLE_TIME)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .user_agent(USER_AGENT)
}

#[expect(clippy::expect_used, reason = "fails only on a machine without root certificates, which can reach nobody")]
fn build(builder: ClientBuilder) -> Client {
    builder.build().expect("the machine has root certificates")
}

/// Every address of the host is forbidden.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
struct NoPublicAddress;

/// Resolves names to allowed addresses only.
struct PublicOnly {
    allow_loopback: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback_too = self.allow_loopback && names_this_machine(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut usable = found
                .filter(|address| is_public(address.ip()) || (loopback_too && address.ip().is_loopback()))
                .collect::<Vec<_>>()
                .into_iter()
                .peekable();
            if usable.peek().is_none() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(usable) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_name_that_means_a_private_address_is_never_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let error = guarded_client(false).get(url).send().await.unwrap_err();
        assert!(leads_nowhere_public(&error), "{error:?}");
        let nobody_came = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err();
        assert!(nobody_came);
    }

    #[tokio::test]
    async fn a_local_system_may_name_this_machine() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let asking = tokio::spawn(guarded_client(true).get(url).send());
        drop(listener.accept().await.unwrap());
        assert!(!leads_nowhere_public(&asking.await.unwrap().unwrap_err()));
    }

    #[tokio::test]
    async fn plain_http_is_for_local_systems_only() {
        let error = guarded_client(false).get("http://example.com/").send().await.unwrap_err();
        assert!(error.is_builder(), "{error:?}");
    }

    #[test]
    fn names_of_this_machine_are_known_by_their_last_label() {
        for name in ["localhost", "LOCALHOST", "a.localhost"] {
            assert!(names_this_machine(name), "{name}");
        }
        for name in ["localhost.example", "notlocalhost", ""] {
            assert!(!names_this_machine(name), "{name}");
        }
    }
}
