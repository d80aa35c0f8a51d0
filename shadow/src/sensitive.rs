//! Values that no sample shows, even where a route reveals their path: a pattern in a route file is
//! easily wider than its author thought.

/// Parts of names whose values are secrets, or tell who somebody is. Names are compared without
/// case and without what joins their words.
const NAMES: [&str; 26] = [
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
    "iban",
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

/// A text of so many signs without a blank that mixes letters and digits is a token, or as good.
const TOKEN: usize = 24;

/// Whether the value under this name must not be shown.
pub(crate) fn is_sensitive(name: Option<&str>, value: &str) -> bool {
    name.is_some_and(names_a_secret)
        || value.split([' ', ',', ';', '<', '>', '"', '\'', '(', ')', '=', '&', '?']).any(is_secret)
        || has_long_number(value)
}

fn names_a_secret(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    NAMES.iter().any(|it| name.contains(it))
}

fn is_secret(word: &str) -> bool {
    is_email(word) || is_token(word)
}

/// Something on either side of an `@`, and a dot behind it.
fn is_email(word: &str) -> bool {
    let (user, host) = word.split_once('@').unwrap_or_default();
    !user.is_empty() && host.trim_matches('.').contains('.')
}

fn is_token(word: &str) -> bool {
    let signs = |it: u8| it.is_ascii_alphanumeric() || b"-_+/.=~%".contains(&it);
    // A time and a number are no tokens, and neither is a path of words.
    let (letters, digits) =
        (word.bytes().filter(u8::is_ascii_alphabetic), word.bytes().filter(u8::is_ascii_digit));
    word.len() >= TOKEN && word.bytes().all(signs) && letters.count() >= 4 && digits.count() >= 4
}

/// A telephone number or a card's: seven digits or more after a plus or a zero, or 13 to 19 that
/// keep Luhn's sum (ISO/IEC 7812-1, annex B); with the signs between that people write.
fn has_long_number(value: &str) -> bool {
    let joins = |it: char| matches!(it, ' ' | '-' | '.' | '/' | '(' | ')');
    let runs = value.split(|it: char| !(it.is_ascii_digit() || it == '+' || joins(it)));
    runs.map(|run| run.trim_matches(joins)).any(|run| {
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_digit).map(|it| it - b'0').collect();
        let dialled = run.starts_with('+') || (run.starts_with('0') && !run.starts_with("0."));
        (dialled && digits.len() >= 7) || (matches!(digits.len(), 13..=19) && keeps_luhn(&digits))
    })
}

fn keeps_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => 2 * digit - 9,
            (_, digit) => 2 * digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_a_buyer_is_sensitive_wherever_it_stands() {
        for value in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "paid with 5500-0000-0000-0004, thank you",
            "buyer8@shop.test",
            "Bea <bea.o'neill@shop.example>",
            "+49 (30) 901820",
            "call 030 9018-2000",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
            "8hN2kq0Vw3Zt5LrX9bCd7eFg1aYp4Us6",
            "/reset?token=8hN2kq0Vw3Zt5LrX9bCd7eFg1aYp4Us6",
        ] {
            assert!(is_sensitive(None, value), "{value}");
        }
    }

    #[test]
    fn names_say_what_their_values_are() {
        for name in ["password", "user[password_confirmation]", "Set-Cookie", "apiKey", "street2"] {
            assert!(is_sensitive(Some(name), "x"), "{name}");
        }
        for name in ["price", "title", "stock", "quantity"] {
            assert!(!is_sensitive(Some(name), "x"), "{name}");
        }
    }

    #[test]
    fn what_a_shop_shows_to_everybody_is_not() {
        for value in [
            "19.90",
            "0.12345678",
            "12345678",
            "2026-11-29T03:04:05.123Z",
            "A lamp of glass, 40 × 20 cm",
            "in_stock",
            "lamp-of-glass-and-steel-for-gardens",
            "4242424242424243",
            "@home",
            "",
        ] {
            assert!(!is_sensitive(None, value), "{value}");
        }
    }
}
