//! The value of `Forwarded` for one hop, RFC 7239.

use std::{fmt::Write as _, net::IpAddr};

use http::{HeaderName, HeaderValue, header, uri::Scheme};

/// The field's name.
pub const FORWARDED: HeaderName = header::FORWARDED;

/// `for=192.0.2.7;host="shop.test:8443";proto=https`: who asked, for which `Host`, and how.
///
/// A host that is none, such as one with `;` or `"` in it, is left out. It could be quoted, but
/// Rack up to 3.2.4 splits the field without looking at quotes and would read parameters out of it.
pub fn forwarded(client: IpAddr, host: Option<&HeaderValue>, scheme: &Scheme) -> HeaderValue {
    let mut text = String::with_capacity(96);
    // Writing into a string cannot fail.
    let _ = match client.to_canonical() {
        IpAddr::V4(client) => write!(text, "for={client}"),
        // Brackets and colons stand in quotes (§6).
        IpAddr::V6(client) => write!(text, "for=\"[{client}]\""),
    };
    if let Some(host) = host.and_then(|it| it.to_str().ok()).filter(|it| is_host(it)) {
        let quote = if host.contains(is_special) { "\"" } else { "" };
        let _ = write!(text, ";host={quote}{host}{quote}");
    }
    let _ = write!(text, ";proto={scheme}");
    // Everything above is visible ASCII; the other arm cannot be reached.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("for=unknown"))
}

/// Token characters (RFC 9110 §5.6.2), and those of IPv6 addresses and ports.
fn is_host(host: &str) -> bool {
    let is_part =
        |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(it) || is_special(it);
    !host.is_empty() && host.chars().all(is_part)
}

/// Stands only in quotes.
fn is_special(part: char) -> bool {
    matches!(part, ':' | '[' | ']')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(client: &str, host: Option<&str>, scheme: &Scheme) -> String {
        let host = host.map(|it| HeaderValue::from_str(it).unwrap());
        let value = forwarded(client.parse().unwrap(), host.as_ref(), scheme);
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn one_hop_is_written_as_the_standard_says() {
        for (client, host, scheme, value) in [
            (
                "192.0.2.7",
                Some("shop.test:8443"),
                Scheme::HTTPS,
                "for=192.0.2.7;host=\"shop.test:8443\";proto=https",
            ),
            (
                "192.0.2.7",
                Some("shop.test"),
                Scheme::HTTP,
                "for=192.0.2.7;host=shop.test;proto=http",
            ),
            ("192.0.2.7", None, Scheme::HTTP, "for=192.0.2.7;proto=http"),
            (
                "2001:db8::17",
                Some("[2001:db8::1]:80"),
                Scheme::HTTP,
                "for=\"[2001:db8::17]\";host=\"[2001:db8::1]:80\";proto=http",
            ),
            ("::ffff:192.0.2.7", None, Scheme::HTTPS, "for=192.0.2.7;proto=https"),
        ] {
            assert_eq!(written(client, host, &scheme), value);
        }
    }

    #[test]
    fn a_host_that_could_be_read_as_something_else_is_left_out() {
        for host in [
            "",
            "a;proto=https",
            "a,for=10.0.0.1",
            "a\"b",
            "a\\",
            "a=b",
            "a b",
            "a\tb",
            "\"a\"",
            "a/b",
        ] {
            assert_eq!(written("192.0.2.7", Some(host), &Scheme::HTTP), "for=192.0.2.7;proto=http");
        }
        let bytes = HeaderValue::from_bytes(&[0xe9]).unwrap();
        let value = forwarded("192.0.2.7".parse().unwrap(), Some(&bytes), &Scheme::HTTP);
        assert_eq!(value, "for=192.0.2.7;proto=http");
    }

    proptest! {
        #[test]
        fn there_are_three_parameters_for_who_splits_blindly(client: IpAddr, host in "[ -~]{0,20}") {
            let host = HeaderValue::try_from(host).unwrap();
            let value = forwarded(client, Some(&host), &Scheme::HTTPS);
            let names = value.to_str().unwrap().split([';', ',']).map(|it| it.split('=').count());
            prop_assert!(names.clone().count() <= 3);
            prop_assert!(names.into_iter().all(|it| it == 2));
        }
    }
}
