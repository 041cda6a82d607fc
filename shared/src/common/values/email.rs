//! E-mail addresses that mail systems accept. The part before the `@` is ASCII letters, digits and the signs that
//! need no quotes, because others are not delivered everywhere. A host may have letters of any script.

use email_address::{EmailAddress, Options};
use url::Host;

use super::text::normal;

/// Bytes of an e-mail address.
pub const MAX_EMAIL: usize = 254;

/// The address in a text, as typed, without blanks around it; `None` where it is invalid. The host may be one word.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let text = normal(text.trim());
    let is_address = parts(&text).is_some();
    is_address.then(|| text.into_owned())
}

/// Like [`address`], but the host must be public: it has a dot.
#[must_use]
pub fn public_address(text: &str) -> Option<String> {
    let address = address(text)?;
    parts(&address).is_some_and(|(_, host)| host.contains('.')).then_some(address)
}

/// The canonical form by which addresses are compared: lower case, and the host as name servers know it.
#[must_use]
pub fn mailbox(text: &str) -> String {
    let text = normal(text.trim());
    match parts(&text) {
        Some((user, host)) => format!("{}@{host}", user.to_ascii_lowercase()),
        None => text.to_lowercase(),
    }
}

/// The user, and the host in ASCII.
fn parts(address: &str) -> Option<(&str, String)> {
    let options = Options::default().without_display_text().without_domain_literal();
    EmailAddress::parse_with_options(address, options).ok()?;
    let (user, host) = address.rsplit_once('@')?;
    // Parsing a host drops invisible characters.
    let is_seen = host.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '-' | '.'));
    let Ok(Host::Domain(host)) = Host::parse(host) else { return None };
    let fits = user.is_ascii() && !user.contains('"') && is_seen && address.len() <= MAX_EMAIL;
    fits.then_some((user, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address_and_nothing_else() {
        for good in [
            "user@example",
            "a@b.mx",
            "o'neil+tag@x.co",
            "a@müller.mx",
            "!#$%&'*+-/=?^_`{|}~@x.mx",
            "user@xn--mller-kva.mx",
            " juan@gmail.com ",
        ] {
            assert_eq!(address(good).as_deref(), Some(good.trim()), "{good}");
        }
        for bad in [
            "",
            "user",
            "juan@gmail.com;",
            "Juan<juan@gmail.com>",
            "<juan@gmail.com>",
            "juan,perez@gmail.com",
            ".a@b.mx",
            "a..b@c.mx",
            "a.@b.mx",
            "my@-leading.com",
            "my@trailing-.com",
            "juan@gmail.com\u{200b}",
            "ju\u{200b}an@gmail.com",
            "ju\u{ad}an@gmail.com",
            "\u{202e}a@b.mx",
            "ju an@gmail.com",
            "juan@gmail,com",
            "a@b@c.mx",
            "a@b.mx.",
            "a@b..mx",
            "\"a b\"@x.mx",
            "\"ab\"@x.mx",
            "a(c)@x.mx",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@b_c.mx",
            "josé@x.mx",
            "a@x.mx\nb",
            "a@gm\u{200b}ail.com",
            "a@b.mx,c@d.mx",
            "mailto:a@b.mx",
        ] {
            assert_eq!(address(bad), None, "{bad:?}");
        }
        assert_eq!(address(&format!("a@{}.mx", "b".repeat(300))), None);
        assert_eq!((public_address("user@example"), public_address("a@b.mx")), (None, Some("a@b.mx".to_owned())));
    }

    #[test]
    fn a_mailbox_has_one_writing() {
        for (one, other) in [
            ("Juan@Gmail.com", "juan@gmail.com"),
            ("a@MÜLLER.mx", "a@xn--mller-kva.mx"),
            ("a@mu\u{308}ller.mx", "a@müller.mx"),
            (" a@b.mx", "a@b.mx"),
        ] {
            assert_eq!(mailbox(one), mailbox(other), "{one:?}");
        }
        assert_ne!(mailbox("a@b.mx"), mailbox("a.b@b.mx"));
    }
}
