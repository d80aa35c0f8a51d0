//! A buyer's cookies, and the session in them.

use std::collections::BTreeMap;

use extracted::rails::{
    cookie::{CookieOptions, Cookies, EncryptedCookies, Encryption, SigningDigest},
    csrf::CsrfToken,
    key_generator::{KeyDigest, KeyGenerator},
    serializer::Serializer,
};
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{pair::SECRET, twins::Twins};

/// The cookie that holds the session.
pub(super) const NAME: &str = "_shop_session";

/// How the shop encrypts it.
pub(super) fn options() -> CookieOptions {
    CookieOptions {
        keys: KeyGenerator::new(SECRET, KeyDigest::Sha1),
        serializer: Serializer::Json,
        encryption: Encryption::Gcm,
        signing: SigningDigest::Sha1,
        metadata: true,
    }
}

/// The cookies that a browser would have now, as they stand in the fields.
#[derive(Debug, Default, Clone)]
pub(super) struct Jar(BTreeMap<String, String>);

/// What one `Set-Cookie` says.
#[derive(Debug)]
struct Set<'a> {
    name: &'a str,
    value: &'a str,
    /// In their order, as text.
    attributes: Vec<&'a str>,
}

impl<'a> Set<'a> {
    fn of(field: &'a str) -> Self {
        let mut parts = field.split("; ");
        let (name, value) = parts.next().and_then(|it| it.split_once('=')).unwrap_or((field, ""));
        Self { name, value, attributes: parts.collect() }
    }

    fn deletes(&self) -> bool {
        self.value.is_empty() || self.attributes.contains(&"max-age=0")
    }
}

fn all_set(headers: &HeaderMap) -> impl Iterator<Item = Set<'_>> {
    let fields = headers.get_all(SET_COOKIE).iter();
    fields.map(|it| Set::of(it.to_str().expect("cookies are text")))
}

/// The cookies that an answer sets, by name, with their attributes.
pub(super) fn attributes(headers: &HeaderMap) -> BTreeMap<String, String> {
    all_set(headers).map(|it| (it.name.to_owned(), it.attributes.join("; "))).collect()
}

impl Jar {
    /// Does what an answer says.
    pub(super) fn take(&mut self, headers: &HeaderMap) {
        for set in all_set(headers) {
            if set.deletes() {
                self.0.remove(set.name);
            } else {
                self.0.insert(set.name.to_owned(), set.value.to_owned());
            }
        }
    }

    /// The `Cookie` field; none without cookies.
    pub(super) fn field(&self) -> Option<String> {
        let all: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// The session, decrypted; none without its cookie.
    ///
    /// # Panics
    /// When the cookie is not one that Rails would read.
    pub(super) fn session(&self) -> Option<Map<String, Value>> {
        let field = self.field().filter(|_| self.0.contains_key(NAME))?;
        let cookies = Cookies::parse(field.as_bytes());
        let cookie = cookies.get(NAME).expect("it is there");
        let found = EncryptedCookies::new(&options()).read(NAME, cookie, OffsetDateTime::now_utc());
        let found = found.unwrap().expect("the session's cookie is not genuine");
        let text = Serializer::Json.dump(&found.value).unwrap();
        Some(serde_json::from_slice(&text).expect("a session is a hash"))
    }

    /// What the session's forms are checked against.
    pub(super) fn csrf_token(&self) -> Option<CsrfToken> {
        CsrfToken::from_session(self.session()?.get("_csrf_token")?.as_str()?)
    }

    /// The names of all cookies, and the values of all but the session's.
    fn others(&self) -> String {
        let shown = |(name, value): (&String, &String)| match name.as_str() {
            NAME => format!("{name}=…\n"),
            _ => format!("{name}={value}\n"),
        };
        self.0.iter().map(shown).collect()
    }
}

/// Whether a member that is random has its shape.
fn is_well_formed(key: &str, text: &str) -> bool {
    match key {
        "session_id" => text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit()),
        "_csrf_token" => CsrfToken::from_session(text).is_some(),
        _ => false,
    }
}

/// Both sides' cookies as texts that are equal when they mean the same, the left one in the words of
/// the right.
pub(super) fn compared(jars: [&Jar; 2], twins: &mut Twins) -> [String; 2] {
    let [left, right] = jars.map(Jar::session);
    for key in ["session_id", "_csrf_token"] {
        let of = |session: &Option<Map<String, Value>>| {
            let text = session.as_ref()?.get(key)?.as_str()?.to_owned();
            is_well_formed(key, &text).then_some(text)
        };
        if let (Some(left), Some(right)) = (of(&left), of(&right)) {
            // Of another length it would be of another alphabet.
            let _ = left.len() == right.len() && twins.pair(&left, &right);
        }
    }
    let text = |jar: &Jar, session: Option<Map<String, Value>>| {
        // Sorted: nobody can see the order of a session's members.
        let members: BTreeMap<_, _> = session.into_iter().flatten().collect();
        format!("{}{}", jar.others(), serde_json::to_string_pretty(&members).unwrap())
    };
    [twins.translated(&text(jars[0], left)), text(jars[1], right)]
}
