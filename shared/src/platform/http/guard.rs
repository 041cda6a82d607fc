//! The URLs that may be called, judged by their text.
//!
//! The guard parses the URL as the client does (with the `url` crate, so that odd spellings of an address are already
//! that address) and refuses everything that is not known to be harmless. It does not resolve names:
//! [`crate::platform::http::guarded_client`] checks the addresses while it connects. Only both together protect.

use std::net::IpAddr;

use url::{Host, Url};

use super::{UrlFault, is_public, names_this_machine, read_url};

/// Why a URL is refused. It contains no part of the URL, whose query may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UrlRefused {
    /// It cannot be parsed, or has no host.
    #[error("the link is not a URL")]
    NotAUrl,
    /// Its scheme is not `https`.
    #[error("the link is not https")]
    NotHttps,
    /// It contains a user name or a password.
    #[error("the link contains credentials")]
    Credentials,
    /// It has another port than 443.
    #[error("the link has another port than 443")]
    Port,
    #[error("the link leads to this machine")]
    Loopback,
    /// Its host is, or resolves to, an address outside the public Internet.
    #[error("the link leads to an address that is not public")]
    NotPublic,
    /// Its host is not in the list.
    #[error("the link's host is not on the list")]
    HostNotListed,
    /// It is too long.
    #[error("the link is longer than 2048 bytes")]
    TooLong,
    /// It contains blanks, line ends or control characters.
    #[error("the link has blanks or control characters in it")]
    Blanks,
    /// Its host name is longer than DNS allows.
    #[error("the link has a host name that is too long")]
    LongHost,
}

impl From<UrlFault> for UrlRefused {
    fn from(fault: UrlFault) -> Self {
        match fault {
            UrlFault::NotAUrl => Self::NotAUrl,
            UrlFault::TooLong => Self::TooLong,
            UrlFault::Blanks => Self::Blanks,
            UrlFault::Credentials => Self::Credentials,
            UrlFault::LongHost => Self::LongHost,
        }
    }
}

impl UrlRefused {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAUrl => "link_not_a_url",
            Self::NotHttps => "link_not_https",
            Self::Credentials => "link_with_credentials",
            Self::Port => "link_port",
            Self::Loopback => "link_to_this_machine",
            Self::NotPublic => "link_not_public",
            Self::HostNotListed => "link_host_not_listed",
            Self::TooLong => "link_too_long",
            Self::Blanks => "link_with_blanks",
            Self::LongHost => "link_host_too_long",
        }
    }
}

/// The rule for one purpose.
#[derive(Debug, Clone)]
pub struct UrlGuard {
    hosts: Hosts,
    allow_loopback: bool,
}

#[derive(Debug, Clone)]
enum Hosts {
    Listed(Vec<Host>),
    AnyPublic,
}

impl UrlGuard {
    /// Allows exactly `hosts` (names or addresses, in any case, without ports); an entry that is no host allows
    /// nothing. With `allow_loopback`, for local systems, it also allows this machine, over HTTP and on any port.
    #[must_use]
    pub fn new(hosts: &[String], allow_loopback: bool) -> Self {
        let listed = hosts.iter().filter_map(|host| Host::parse(host).ok()).map(without_trailing_dot).collect();
        Self { hosts: Hosts::Listed(listed), allow_loopback }
    }

    /// Allows every host on the public Internet, as for customers' webhooks.
    #[must_use]
    pub fn any_public_host(allow_loopback: bool) -> Self {
        Self { hosts: Hosts::AnyPublic, allow_loopback }
    }

    /// The URL to store for a text that a customer registers: like [`Self::check`], and by the rules of [`read_url`],
    /// which do not apply to a link that is used once.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn register(&self, text: &str) -> Result<Url, UrlRefused> {
        let url = read_url(text)?;
        self.check(url.as_str())
    }

    /// The URL to call: `url` as parsed.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn check(&self, url: &str) -> Result<Url, UrlRefused> {
        let mut url = Url::parse(url).map_err(|_| UrlRefused::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(UrlRefused::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefused::Credentials);
        }
        let host = without_trailing_dot(url.host().ok_or(UrlRefused::NotAUrl)?.to_owned());
        if is_this_machine(&host) {
            return if self.allow_loopback { Ok(url) } else { Err(UrlRefused::Loopback) };
        }
        if url.scheme() != "https" {
            return Err(UrlRefused::NotHttps);
        }
        if url.port().is_some() {
            return Err(UrlRefused::Port);
        }
        match &host {
            Host::Ipv4(ip) if !is_public(IpAddr::V4(*ip)) => return Err(UrlRefused::NotPublic),
            Host::Ipv6(ip) if !is_public(IpAddr::V6(*ip)) => return Err(UrlRefused::NotPublic),
            Host::Domain(name) if name.split('.').any(str::is_empty) => return Err(UrlRefused::NotAUrl),
            _ => {}
        }
        if let Hosts::Listed(listed) = &self.hosts
            && !listed.contains(&host)
        {
            return Err(UrlRefused::HostNotListed);
        }
        // Certificates and the Host header have no trailing dot.
        url.set_host(Some(&host.to_string())).map_err(|_| UrlRefused::NotAUrl)?;
        Ok(url)
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Domain(name) => names_this_machine(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

fn without_trailing_dot(host: Host) -> Host {
    match host {
        Host::Domain(mut name) if name.ends_with('.') => {
            name.pop();
            Host::Domain(name)
        }
        host => host,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn listed(hosts: &[&str]) -> UrlGuard {
        UrlGuard::new(&hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>(), false)
    }

    /// Every line of the corpus, with the hosts that a line's URL would need to be let through.
    #[test]
    fn hostile_urls_are_refused_for_the_listed_reason() {
        let guard = listed(&[
            "pictures.example.com",
            "bücher.example",
            "8.8.8.8",
            "127.0.0.1",
            "10.0.0.1",
            "localhost",
            "[::1]",
        ]);
        let mut seen = 0;
        for line in include_str!("testdata/hostile_urls.txt").lines().filter(|line| !line.starts_with('#')) {
            let (reason, url) = line.split_once(' ').unwrap();
            let url = url.replace("\\t", "\t").replace("\\0", "\0");
            let refused = guard.check(&url).err().unwrap_or_else(|| panic!("{url} was let through"));
            assert_eq!(refused.code(), reason, "{url}");
            if refused != UrlRefused::HostNotListed {
                assert_eq!(UrlGuard::any_public_host(false).check(&url), Err(refused), "{url}");
            }
            seen += 1;
        }
        assert!(seen >= 60, "{seen}");
    }

    #[test]
    fn a_listed_host_is_let_through_however_it_is_spelled() {
        let guard = listed(&[
            "Pictures.Example.COM.",
            "bücher.example",
            "8.8.8.8",
            "2001:4860:4860::8888",
            "[2606:4700::1111]",
        ]);
        for (url, understood) in [
            (
                "https://pictures.example.com/a.jpg?X-Amz-Signature=1",
                "https://pictures.example.com/a.jpg?X-Amz-Signature=1",
            ),
            ("https://PICTURES.example.com/", "https://pictures.example.com/"),
            ("https://pictures.example.com:443/", "https://pictures.example.com/"),
            ("https://pictures.example.com./a", "https://pictures.example.com/a"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            ("https://0x08080808/", "https://8.8.8.8/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ] {
            assert_eq!(guard.check(url).unwrap().as_str(), understood);
        }
        // Unbracketed, an IPv6 address is no host.
        assert_eq!(guard.check("https://[2001:4860:4860::8888]/"), Err(UrlRefused::HostNotListed));
    }

    #[test]
    fn loopback_is_allowed_locally_but_not_the_local_network() {
        let guard = UrlGuard::new(&[], true);
        for url in ["http://localhost:9000/a", "https://127.0.0.1/a", "http://127.8.8.8:1/", "http://[::1]:80/"] {
            assert!(guard.check(url).is_ok(), "{url}");
        }
        assert_eq!(guard.check("http://10.0.0.1/"), Err(UrlRefused::NotHttps));
        assert_eq!(guard.check("https://10.0.0.1/"), Err(UrlRefused::NotPublic));
        assert_eq!(guard.check("https://pictures.example.com/"), Err(UrlRefused::HostNotListed));
        assert_eq!(guard.check("http://me@localhost/"), Err(UrlRefused::Credentials));
    }

    #[test]
    fn a_webhook_may_go_to_any_public_host() {
        let guard = UrlGuard::any_public_host(false);
        assert!(guard.check("https://hooks.example.org/path?query").is_ok());
        assert!(guard.check("https://8.8.8.8/").is_ok());
        assert_eq!(guard.check("https://192.168.1.1/"), Err(UrlRefused::NotPublic));
    }

    #[test]
    fn what_is_registered_is_kept_as_it_was_understood() {
        let guard = UrlGuard::any_public_host(false);
        assert_eq!(guard.register("HTTPS://Example.com./a").unwrap().as_str(), "https://example.com/a");
        assert_eq!(guard.register("https://example.com/\n"), Err(UrlRefused::Blanks));
        assert_eq!(guard.register("ftp://example.com/"), Err(UrlRefused::NotAUrl));
        assert_eq!(guard.register("http://example.com/"), Err(UrlRefused::NotHttps));
        assert_eq!(guard.register("https://me@example.com/"), Err(UrlRefused::Credentials));
        // A link that is used once may be as its maker likes.
        assert!(guard.check(" https://example.com/\n").is_ok());
    }

    #[test]
    fn a_refusal_prints_nothing_of_the_url() {
        let refused = listed(&[]).check("https://secret-host.example/path?token=abc").unwrap_err();
        assert_eq!(refused.to_string(), "the link's host is not on the list");
    }
}
