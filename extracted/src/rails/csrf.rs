//! Authenticity tokens: which a form is given, and which Rails takes.
//!
//! Source: actionpack 6.1, `action_controller/metal/request_forgery_protection.rb`.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use rand::CryptoRng;

const LENGTH: usize = 32;
/// With its mask.
const DOUBLE: usize = 2 * LENGTH;

/// What makes the token that is good for every form.
const GLOBAL: &str = "!real_csrf_token";

/// `urlsafe_csrf_tokens`: how tokens are written. Either is read, whatever is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Until `load_defaults 6.1`.
    Standard,
    /// Without padding; always from Rails 7.1 on.
    UrlSafe,
}

/// What a session's forms are checked against: its member `_csrf_token`.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken([u8; LENGTH]);

/// The form that a token is for; a token for every form has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    /// Where it is sent, without a query.
    pub path: &'a str,
    /// How; in any case of letters.
    pub method: &'a str,
}

/// What the `Origin` of a request says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It comes from a page of ours, or does not say.
    Own,
    /// From elsewhere: the request is not verified.
    Foreign,
    /// `null`: Rails raises, whatever is configured for requests that are not verified.
    Null,
}

impl Origin {
    /// `base_url` is scheme, host and, unless it is the scheme's own, port, as the buyer knows them.
    pub fn of(origin: Option<&str>, base_url: &str) -> Self {
        match origin {
            Some("null") => Self::Null,
            Some(origin) if origin != base_url => Self::Foreign,
            _ => Self::Own,
        }
    }
}

impl CsrfToken {
    /// A token for a session that has none yet.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut token = [0; LENGTH];
        random.fill_bytes(&mut token);
        Self(token)
    }

    /// The token of a session. `None` for a text that is none, where Rails raises.
    pub fn from_session(text: &str) -> Option<Self> {
        decode(text)?.try_into().ok().map(Self)
    }

    /// The text that the session holds.
    pub fn to_session(&self, alphabet: Alphabet) -> String {
        match alphabet {
            Alphabet::Standard => BASE64_STANDARD.encode(self.0),
            // With padding, unlike what a page shows.
            Alphabet::UrlSafe => BASE64_URL_SAFE.encode(self.0),
        }
    }

    /// What `csrf_meta_tags` and a form write: for this form only, or without one for all. It is
    /// another text each time, so that compression tells nothing of it.
    pub fn for_form(
        &self,
        form: Option<Form<'_>>,
        alphabet: Alphabet,
        random: &mut impl CryptoRng,
    ) -> String {
        let raw = form.map_or_else(|| self.global(), |it| self.per_form(it));
        let mut masked = [0; DOUBLE];
        random.fill_bytes(&mut masked[..LENGTH]);
        let (pad, text) = masked.split_at_mut(LENGTH);
        for ((text, pad), raw) in text.iter_mut().zip(pad).zip(raw) {
            *text = *pad ^ raw;
        }
        encode(&masked, alphabet)
    }

    /// Whether Rails takes `token` for a request to `form`; `per_form` is `per_form_csrf_tokens`.
    pub fn accepts(&self, token: &str, form: Form<'_>, per_form: bool) -> bool {
        let Some(token) = decode(token) else { return false };
        let equal = |token: &[u8], due: &[u8]| verify_slices_are_equal(token, due).is_ok();
        match token.len() {
            LENGTH => equal(&token, &self.0),
            length if length == DOUBLE => {
                let (pad, text) = token.split_at(LENGTH);
                let raw: Vec<u8> = pad.iter().zip(text).map(|(pad, text)| pad ^ text).collect();
                equal(&raw, &self.global())
                    || equal(&raw, &self.0)
                    || (per_form && equal(&raw, &self.per_form(form)))
            }
            _ => false,
        }
    }

    /// Whether a text has the form of a token; Rails looks at nothing else that has not.
    pub fn is_formed(text: &str) -> bool {
        decode(text).is_some_and(|it| matches!(it.len(), LENGTH | DOUBLE))
    }

    fn global(&self) -> [u8; LENGTH] {
        self.derived(GLOBAL)
    }

    fn per_form(&self, form: Form<'_>) -> [u8; LENGTH] {
        let path = form.path.strip_suffix('/').unwrap_or(form.path);
        self.derived(&format!("{path}#{}", form.method.to_lowercase()))
    }

    fn derived(&self, identifier: &str) -> [u8; LENGTH] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut derived = [0; LENGTH];
        derived.copy_from_slice(hmac::sign(&key, identifier.as_bytes()).as_ref());
        derived
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfToken(…)")
    }
}

fn encode(bytes: &[u8], alphabet: Alphabet) -> String {
    match alphabet {
        Alphabet::Standard => BASE64_STANDARD.encode(bytes),
        Alphabet::UrlSafe => BASE64_URL_SAFE_NO_PAD.encode(bytes),
    }
}

/// `Base64.urlsafe_decode64`, which takes the standard alphabet as well: padding is added where
/// there is none, and then it must be exact.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut standard = text.replace('-', "+").replace('_', "/");
    while !text.ends_with('=') && !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    BASE64_STANDARD.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const SESSION: Form<'_> = Form { path: "/session", method: "POST" };

    fn vectors() -> Vec<(String, Value)> {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/vectors/cookies.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap().iter();
        let named =
            vectors.map(|it| (it["config"].as_str().unwrap().to_owned(), it["csrf"].clone()));
        named.collect()
    }

    #[test]
    fn tokens_that_rails_made_are_taken_for_what_they_are_for() {
        for (config, vector) in vectors() {
            let text = |name: &str| vector[name].as_str().unwrap();
            let token = CsrfToken::from_session(text("session_value")).expect(&config);
            assert_eq!(hex::encode(token.0), text("raw_hex"), "{config}");
            let (form, meta) = (text("form_token_POST_/session"), text("meta_token"));
            let elsewhere = Form { path: "/cart", ..SESSION };
            for (given, form, taken) in [
                (meta, SESSION, true),
                (meta, elsewhere, true),
                (form, SESSION, true),
                (form, Form { path: "/session/", method: "post" }, true),
                (form, elsewhere, false),
                (form, Form { method: "DELETE", ..SESSION }, false),
                (text("session_value"), elsewhere, true),
                ("", SESSION, false),
                ("AAAA", SESSION, false),
                ("%%%", SESSION, false),
            ] {
                assert_eq!(token.accepts(given, form, true), taken, "{config}: {given} {form:?}");
            }
            let whole = vector["unmasked_form_hex"] == vector["unmasked_meta_hex"];
            assert_eq!(token.accepts(form, SESSION, false), whole, "{config}: all forms alike");
        }
    }

    #[test]
    fn an_origin_is_ours_foreign_or_none() {
        let base = "https://shop.test:8443";
        for (origin, verdict) in [
            (None, Origin::Own),
            (Some(base), Origin::Own),
            (Some("https://shop.test"), Origin::Foreign),
            (Some("http://shop.test:8443"), Origin::Foreign),
            (Some(""), Origin::Foreign),
            (Some("null"), Origin::Null),
        ] {
            assert_eq!(Origin::of(origin, base), verdict, "{origin:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_token_is_none() {
        for text in ["", "AAAA", "not base64!", &"A".repeat(44)] {
            assert_eq!(CsrfToken::from_session(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = CsrfToken([b'A'; LENGTH]);
        assert_eq!(format!("{token:?}"), "CsrfToken(…)");
    }

    proptest! {
        #[test]
        fn what_is_written_is_taken(path in "/[a-z/]{0,12}", other in "/[a-z]{1,12}/x", url_safe: bool) {
            let alphabet = if url_safe { Alphabet::UrlSafe } else { Alphabet::Standard };
            let random = &mut rand::rng();
            let token = CsrfToken::generate(random);
            let again = CsrfToken::from_session(&token.to_session(alphabet));
            prop_assert_eq!(again.as_ref(), Some(&token));
            let form = Form { path: &path, method: "PATCH" };
            let elsewhere = Form { path: &other, ..form };
            let for_form = token.for_form(Some(form), alphabet, random);
            prop_assert!(token.accepts(&for_form, form, true));
            prop_assert!(!token.accepts(&for_form, elsewhere, true));
            let for_all = token.for_form(None, alphabet, random);
            prop_assert!(token.accepts(&for_all, elsewhere, false));
            prop_assert_ne!(&for_all, &token.for_form(None, alphabet, random));
            prop_assert!(!CsrfToken::generate(random).accepts(&for_all, form, true));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let token = CsrfToken([7; LENGTH]);
            prop_assert!(!token.accepts(&text, SESSION, true));
        }
    }
}
