//! What the buyers of a recording were given, and what stands for it in this run: cookies, sessions
//! and the tokens of forms.
//!
//! Where a recorded answer set a cookie and the monolith's answer of this run sets one of the same
//! name, later requests that bring the recorded value bring the new one. A session of an old secret
//! is encrypted anew. A request whose session has become another one brings a token of that.

mod turns;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use extracted::{
    Application,
    rails::{
        csrf::CsrfToken,
        session::{Session, Sessions as Stored},
    },
};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_LENGTH, COOKIE, SET_COOKIE},
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use shadow::Observation;
use time::OffsetDateTime;

use self::turns::{Turn, Turns};
use crate::recording::Exchange;

/// Values of cookies that are remembered; beyond that the recorded ones are sent.
const REMEMBERED: usize = 100_000;

/// Where Rails keeps what a session's forms are checked against.
const CSRF: &str = "_csrf_token";

const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// The parameter that a form brings its token in.
const PARAMETER: &[u8] = b"authenticity_token";

/// What recorded values have become.
pub(super) struct Sessions {
    application: Application,
    aliases: Mutex<HashMap<Given, String>>,
    turns: Turns,
}

/// A cookie as a recorded answer set it: its name and its value.
type Given = (String, String);

/// One of them, as it is kept over an interruption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    name: String,
    recorded: String,
    now: String,
}

impl Sessions {
    pub(super) fn new(application: Application) -> Self {
        Self { application, aliases: Mutex::default(), turns: Turns::default() }
    }

    /// Takes up what an earlier run had learnt.
    pub(super) fn resume(&self, aliases: Vec<Alias>) {
        let known = aliases.into_iter().map(|it| ((it.name, it.recorded), it.now));
        self.lock().extend(known);
    }

    pub(super) fn aliases(&self) -> Vec<Alias> {
        let alias = |((name, recorded), now): (&Given, &String)| Alias {
            name: name.clone(),
            recorded: recorded.clone(),
            now: now.clone(),
        };
        self.lock().iter().map(alias).collect()
    }

    /// Waits until the requests of its session that came before have ended. A session is known by its
    /// cookie, where the settings name that.
    pub(super) async fn turn(&self, exchange: &Exchange) -> Option<Turn<'_>> {
        let cookie = &self.application.sessions.as_ref()?.cookie().name;
        Some(self.turns.take(cookie, exchange).await)
    }

    /// Puts this run's cookies and tokens into a request, in the place of the recorded ones.
    pub(super) async fn translate(&self, exchange: &mut Exchange) {
        let before = cookies(&exchange.headers);
        let mut after: Vec<_> = before.iter().map(|it| self.alias(it)).collect();
        self.renew(&mut after);
        if after == before {
            return;
        }
        let field = after.iter().map(|(name, value)| format!("{name}={value}"));
        let field = HeaderValue::try_from(field.collect::<Vec<_>>().join("; "));
        let Ok(field) = field else { return };
        exchange.headers.insert(COOKIE, field);
        let token = self.load(&exchange.headers).await;
        let token = token.and_then(|it| CsrfToken::from_session(it.get(CSRF)?.as_str()?));
        if let Some(token) = token {
            let alphabet = self.application.forgery.alphabet;
            let token = token.for_form(None, alphabet, &mut rand::rng());
            replace_tokens(exchange, &token);
        }
    }

    /// Remembers what the monolith of this run has set where the recorded answer set another value.
    pub(super) fn learn(&self, exchange: &Exchange, now: &Observation) {
        let Some(recorded) = &exchange.answer else { return };
        let now: HashMap<_, _> = set_cookies(&now.headers).into_iter().collect();
        let mut aliases = self.lock();
        for (name, value) in set_cookies(&recorded.headers) {
            let Some(now) = now.get(&name).filter(|it| **it != value) else { continue };
            if aliases.len() < REMEMBERED {
                aliases.insert((name, value), now.clone());
            }
        }
    }

    fn alias(&self, given: &Given) -> Given {
        match self.lock().get(given) {
            Some(now) => (given.0.clone(), now.clone()),
            None => given.clone(),
        }
    }

    /// Encrypts a session that an old secret has made with the newest one.
    fn renew(&self, cookies: &mut [Given]) {
        let Some(Stored::Cookie(store)) = &self.application.sessions else { return };
        let Some(cookie) = cookies.iter_mut().find(|it| it.0 == store.cookie.name) else { return };
        let Ok(field) = HeaderValue::try_from(format!("{}={}", cookie.0, cookie.1)) else { return };
        let now = OffsetDateTime::now_utc();
        let Ok(session) = store.load(&HeaderMap::from_iter([(COOKIE, field)]), now) else { return };
        if !session.exists() {
            return;
        }
        let saved = store.save(&session, now, &mut rand::rng());
        let header = saved.ok().flatten().and_then(|it| it.to_header().ok());
        if let Some(given) = header.as_ref().and_then(set_cookie) {
            *cookie = given;
        }
    }

    async fn load(&self, headers: &HeaderMap) -> Option<Session> {
        let now = OffsetDateTime::now_utc();
        match self.application.sessions.as_ref()? {
            Stored::Cookie(store) => store.load(headers, now).ok(),
            Stored::Redis(store) => store.load(headers, now).await.ok(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Given, String>> {
        // A panic cannot have left the map half-changed.
        self.aliases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request brings, as it is written.
fn cookies(headers: &HeaderMap) -> Vec<Given> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|it| it.to_str().ok());
    lines.flat_map(|it| it.split(';')).filter_map(pair).collect()
}

fn set_cookies(headers: &HeaderMap) -> Vec<Given> {
    headers.get_all(SET_COOKIE).iter().filter_map(set_cookie).collect()
}

fn set_cookie(line: &HeaderValue) -> Option<Given> {
    pair(line.to_str().ok()?.split(';').next()?)
}

fn pair(text: &str) -> Option<Given> {
    let (name, value) = text.trim().split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

/// Puts a token in the place of every text that has the form of one: in the field that scripts send,
/// and behind the parameter's name in a body, be it of a form, in parts or in JSON.
fn replace_tokens(exchange: &mut Exchange, token: &str) {
    let sent = exchange.headers.get(X_CSRF_TOKEN).and_then(|it| it.to_str().ok());
    if let (true, Ok(field)) = (sent.is_some_and(CsrfToken::is_formed), token.parse()) {
        exchange.headers.insert(X_CSRF_TOKEN, field);
    }
    if let Some(body) = with_token(&exchange.body, token) {
        if exchange.headers.contains_key(CONTENT_LENGTH) {
            exchange.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        exchange.body = body;
    }
}

fn with_token(body: &[u8], token: &str) -> Option<Bytes> {
    let name = body.windows(PARAMETER.len()).position(|it| it == PARAMETER)? + PARAMETER.len();
    // Between name and value: `=`, `":"`, or the empty line of a part.
    let begin = name + body[name..].iter().position(|it| is_of_token(*it))?;
    let length = body[begin..].iter().position(|it| !is_of_token(*it) && *it != b'=');
    let end = length.map_or(body.len(), |it| begin + it);
    let written = str::from_utf8(&body[begin..end]).ok()?;
    // A percent sign is of a form, where what the alphabet of tokens shares with URLs is escaped.
    let sent = percent_decode_str(written).decode_utf8().ok()?;
    if !CsrfToken::is_formed(&sent) {
        return None;
    }
    let escaped = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let token = if written.contains('%') { &escaped } else { token };
    Some([&body[..begin], token.as_bytes(), &body[end..]].concat().into())
}

const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'%')
}

#[cfg(test)]
mod tests;
