//! Values that no sample shows, even where a route reveals their path: a pattern in a route file is
//! easily wider than its author thought.

mod address;
mod numbers;
mod token;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Parts of names whose values are secrets, or tell who somebody is. Names are compared without
/// case and without what joins their words.
const NAMES: [&str; 29] = [
    "address",
    "apikey",
    "auth",
    "birth",
    "card",
    "cookie",
    "credential",
    "csrf",
    "cvc",
    "cvv",
    "email",
    "firstname",
    "fullname",
    "iban",
    "lastname",
    "mobile",
    "passwd",
    "password",
    "phone",
    "postalcode",
    "postcode",
    "secret",
    "session",
    "signature",
    "ssn",
    "street",
    "surname",
    "token",
    "zipcode",
];

/// The same as words of their own: as parts they are in `hotel`, `shipping` and `zipper`.
const WORDS: [&str; 10] = ["addr", "city", "dob", "fax", "jwt", "otp", "pin", "pwd", "tel", "zip"];

/// Whether the value under these names, each within the one before, must not be shown.
pub(crate) fn is_sensitive<'a>(mut names: impl Iterator<Item = &'a str>, value: &str) -> bool {
    names.any(names_a_secret) || is_personal(value)
}

/// Whether a text holds what is a secret, or tells who somebody is, wherever it stands: an e-mail
/// address, a token, the number of a card, an account or a telephone, a postal address. Names of
/// people cannot be told from other words.
pub fn is_personal(text: &str) -> bool {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    has_secret(text) || (matches!(decoded, Cow::Owned(_)) && has_secret(&decoded))
}

fn has_secret(text: &str) -> bool {
    if token::has_drawn(text) {
        return true;
    }
    // All others have a digit or an `@`, and most texts have neither.
    if !text.bytes().any(|it| it.is_ascii_digit() || it == b'@') {
        return false;
    }
    text.split(ends_word).any(|it| is_email(it) || token::is_mixed(it))
        || numbers::has_long_number(text)
        || address::has_address(text)
}

const fn ends_word(it: char) -> bool {
    matches!(
        it,
        ' ' | ',' | ';' | '<' | '>' | '"' | '\'' | '(' | ')' | '=' | '&' | '?' | '\n' | '\t'
    )
}

fn names_a_secret(name: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric();
    let squeezed: String = name.chars().filter(|it| plain(*it)).collect();
    let squeezed = squeezed.to_ascii_lowercase();
    NAMES.iter().any(|it| squeezed.contains(it))
        || name
            .split(|it| !plain(it))
            .any(|it| WORDS.iter().any(|word| it.eq_ignore_ascii_case(word)))
}

/// Something on either side of an `@`, and a dot behind it.
fn is_email(word: &str) -> bool {
    let (user, host) = word.split_once('@').unwrap_or_default();
    !user.is_empty() && host.trim_matches('.').contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn under(name: &str) -> bool {
        is_sensitive([name].into_iter(), "x")
    }

    #[test]
    fn what_tells_of_a_buyer_is_sensitive_wherever_it_stands() {
        for value in [
            "4242 4242 4242 4242",
            "paid with 5500-0000-0000-0004, thank you",
            "buyer8@shop.test",
            "buyer8%40shop.test",
            "Bea <bea.o'neill@shop.example>",
            "call 030 9018-2000",
            "221B Baker Street",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
            "8hN2kq0Vw3Zt5LrX9bCd7eFg1aYp4Us6",
            "WvC9hK44BBCVJsWaoczh",
            "https://shop.test/confirm?confirmation_token=tymNkNbaB-zmyWx4CVCE",
            "/reset?token=8hN2kq0Vw3Zt5LrX9bCd7eFg1aYp4Us6",
        ] {
            assert!(is_personal(value), "{value}");
        }
    }

    #[test]
    fn names_say_what_their_values_are() {
        for name in [
            "password",
            "user[password_confirmation]",
            "Set-Cookie",
            "apiKey",
            "street2",
            "zip",
            "shipping_city",
        ] {
            assert!(under(name), "{name}");
        }
        for name in ["price", "title", "stock", "quantity", "hotel", "shipping", "zipper"] {
            assert!(!under(name), "{name}");
        }
        assert!(is_sensitive(["shipping_address", "line1"].into_iter(), "x"));
    }

    #[test]
    fn what_a_shop_shows_to_everybody_is_not() {
        for value in [
            "19.90",
            "12345678",
            "2026-11-29T03:04:05.123Z",
            "A lamp of glass, 40 × 20 cm",
            "in_stock",
            "lamp-of-glass-and-steel-for-gardens",
            "productVariantSerializerForAdmin",
            "100% cotton",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
            "@home",
            "",
        ] {
            assert!(!is_personal(value), "{value}");
        }
    }
}
