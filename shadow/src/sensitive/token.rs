//! Tokens: texts that were drawn by a machine, and not written by somebody.

/// A text of so many signs without a blank that mixes letters and digits is a token, or as good.
const MIXED: usize = 24;

/// Shorter ones are known by their changes between capitals, small letters and digits. Those of
/// Devise's `friendly_token` have 20 signs, of `SecureRandom.urlsafe_base64` 22, of Rails'
/// `has_secure_token` 24.
const DRAWN: usize = 20;

/// An alphabet of tokens may have `-` and `_`, two signs of 64. A run in which more than one of so many
/// is one of these has words between them.
const JOINS: usize = 8;

/// Whether a word is long, and has letters and digits.
pub(super) fn is_mixed(word: &str) -> bool {
    if word.len() < MIXED {
        return false;
    }
    let signs = |it: u8| it.is_ascii_alphanumeric() || b"-_+/.=~%".contains(&it);
    // A time and a number are no tokens, and neither is a path of words.
    let (letters, digits) =
        (word.bytes().filter(u8::is_ascii_alphabetic), word.bytes().filter(u8::is_ascii_digit));
    word.bytes().all(signs) && letters.count() >= 4 && digits.count() >= 4 && !is_product(word)
}

/// A program and its version, as a `User-Agent` has them: `HeadlessChrome/131.0.6778.204`.
fn is_product(word: &str) -> bool {
    word.split_once('/').is_some_and(|(name, version)| {
        name.bytes().all(|it| it.is_ascii_alphabetic())
            && version.bytes().all(|it| it.is_ascii_digit() || it == b'.')
    })
}

/// Whether a text has a run of signs that looks drawn.
pub(super) fn has_drawn(text: &str) -> bool {
    let runs = text.split(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '-' | '_')));
    runs.map(str::as_bytes).any(|it| it.len() >= DRAWN && is_drawn(it))
}

/// Whether signs change between capitals, small letters and digits about as often as if they were
/// drawn: at two of seven, or at one of four where there is a digit. What is written changes where a
/// word begins, so `productVariant` does once.
fn is_drawn(run: &[u8]) -> bool {
    let signs: Vec<_> = run.iter().map(|it| Sign::of(*it)).collect();
    let joins = signs.iter().filter(|it| **it == Sign::Join).count();
    if joins * JOINS > signs.len() {
        return is_restless(&signs);
    }
    let signs: Vec<_> = signs.into_iter().filter(|it| *it != Sign::Join).collect();
    is_restless(&signs)
}

fn is_restless(signs: &[Sign]) -> bool {
    let (mut changes, mut digits) = (0, 0);
    let (mut before, mut last) = (Sign::Join, Sign::Join);
    for &sign in signs {
        let is_begun = last == Sign::Capital && sign == Sign::Small && before != Sign::Capital;
        let is_change = sign != last && sign != Sign::Join && last != Sign::Join && !is_begun;
        changes += usize::from(is_change);
        digits += usize::from(sign == Sign::Digit);
        (before, last) = (last, sign);
    }
    changes * 7 >= signs.len() * 2 || (digits > 0 && changes * 4 >= signs.len())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Capital,
    Small,
    Digit,
    /// Between words: `-` and `_`.
    Join,
}

impl Sign {
    const fn of(byte: u8) -> Self {
        match byte {
            b'A'..=b'Z' => Self::Capital,
            b'a'..=b'z' => Self::Small,
            b'0'..=b'9' => Self::Digit,
            _ => Self::Join,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::random::Lcg;

    const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// A sign drawn from Base64's, as Devise writes it: without those that look alike.
    fn friendly(sign: char) -> char {
        match sign {
            'l' => 's',
            'I' => 'x',
            'O' => 'y',
            '0' => 'z',
            it => it,
        }
    }

    fn is_token(text: &str) -> bool {
        has_drawn(text) || is_mixed(text)
    }

    fn drawn(random: &mut Lcg, alphabet: &[u8], length: usize) -> String {
        let count = u64::try_from(alphabet.len()).unwrap();
        let mut sign = || alphabet[usize::try_from(random.below(count)).unwrap()];
        (0..length).map(|_| char::from(sign())).collect()
    }

    #[test]
    fn what_rails_draws_is_a_token() {
        for token in [
            // has_secure_token
            "pAo26LrrZkjVqb1AXYy4Jht4",
            "H2UH3gyoBApxjVFTZw8BH6Wq",
            "aMfLiqUD6eWmW23xCXNC6X5b",
            "TrsnDecA5hjszzMA3sv6ATHT",
            "STVCB8i7c2EjwP2tpasSXJpw",
            "GhExRJ4GeuA1mAaokKYgeqhX",
            "QD35pXxbKkPeAAa12zX9f8JB",
            // SecureRandom.urlsafe_base64
            "kBrHFRix4JJI7ErlbQE_Uw",
            "uhDl7yc8bJMy4mmpaziFiA",
            "BOzEsKRNoWuU98gIscu7QQ",
            "CGZN7hpAJEFT-daotUyFGQ",
            "0ZVqphUrmN3aOq6Fz9SY7A",
            "lgoddb1iXm_cUdqIptDA0w",
            "c0TinGlfup1QHuQwG7dAyg",
            // Devise's friendly_token
            "HaW5mXLmPJ85nwrDEwsH",
            "WvC9hK44BBCVJsWaoczh",
            "J7W2-_oUYXxuYNBtDDtc",
            "z4TZ5AFNdaqqXpm5sxun",
            "tg8pgQF2xyz-EAqxQFnj",
            "cBy2R-yFtzpvQtM5HL4Y",
            "fhnA-JqojpFB-a2SNg2U",
        ] {
            assert!(is_token(token), "{token}");
            assert!(has_drawn(&format!("/confirm/{token}?a=1")), "{token} in a link");
        }
    }

    #[test]
    fn hardly_a_token_passes_of_a_thousand() {
        for (kind, alphabet, length) in [
            ("has_secure_token", BASE58, 24),
            ("urlsafe_base64", BASE64, 22),
            ("friendly_token", BASE64, 20),
        ] {
            let mut random = Lcg(20_261_129);
            let tokens = (0..1_000).map(|_| drawn(&mut random, alphabet, length));
            let write = |it: String| match kind {
                "friendly_token" => it.chars().map(friendly).collect(),
                _ => it,
            };
            let missed = tokens.map(write).filter(|it: &String| !is_token(it)).count();
            assert!(missed <= 30, "{missed} of a thousand of {kind} pass");
        }
    }

    #[test]
    fn what_is_written_is_none() {
        for text in [
            "lamp-of-glass-and-steel-for-gardens",
            "Lamp-Of-Glass-And-Steel-For-Gardens",
            "productVariantSerializerForAdmin",
            "XMLHttpRequestEventTarget",
            "isVATIDValidForEUOrder",
            "ISO8601DateTimeString",
            "HTML5CanvasElement2DContext",
            "shippingAddressLine2Label",
            "totalPriceInclVAT19Percent",
            "estimated_delivery_at_utc",
            "GetProductVariantsForPDP",
            "utf8mb4_unicode_520_ci",
            "SKU-RED-XL-2024-0042",
            "iPhone-15-Pro-Max-256GB",
            "col-md-6-offset-3-lg-4",
            "Access-Control-Allow-Credentials",
            "Sec-CH-UA-Full-Version-List",
            "x-permitted-cross-domain-policies",
            "2026-11-29T03:04:05.123Z",
            "2026-11-29T03-04-05-123Z",
            "20261129T030405Z",
            "12345678901234567890",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "HeadlessChrome/131.0.6778.204",
        ] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn an_id_of_a_row_is_a_token_as_it_was() {
        assert!(is_token("550e8400-e29b-41d4-a716-446655440000"));
    }
}
