//! Who asks, as far as the judge tells requests apart by it. Nothing of it is stored but in hashes.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
    sync::Arc,
};

use extracted::{
    Application,
    rails::session::{Session, Sessions},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{self, COOKIE, SET_COOKIE},
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use shadow::Reading;
use time::OffsetDateTime;

use crate::error::Chain;

/// Where a session says who is signed in: `has_secure_password` by convention, and Devise.
const USERS: [&str; 2] = ["user_id", "warden.user.user.key"];

/// What a client may ask for beside the target.
const FORMS: [HeaderName; 2] = [header::ACCEPT, HeaderName::from_static("x-requested-with")];

/// What a session holds that is random for each: only whether it was kept can be compared.
const MADE_ANEW: [&str; 2] = ["_csrf_token", "session_id"];

/// A longer body is not searched for an operation.
const BODY_LIMIT: usize = 64 * 1024;

/// Reads sessions, if the monolith's secret is known.
#[derive(Debug, Clone)]
pub struct Visitors(Arc<Application>);

/// Whoever asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Visitor {
    /// Whether they are signed in.
    pub signed_in: bool,
    /// By which they are told from others; empty for a client without session or credentials.
    pub name: String,
}

impl Visitors {
    /// Of a monolith with these settings.
    pub fn new(application: Application) -> Self {
        Self(Arc::new(application))
    }

    /// Whoever sent these fields, with what Redis knows of them where the sessions are there: as it
    /// is when that is asked, which is behind the monolith's answer. Nobody may wait for it who
    /// serves a buyer.
    pub async fn of(&self, headers: &HeaderMap) -> Visitor {
        let glance = self.glance(headers);
        let Some(Sessions::Redis(store)) = &self.0.sessions else { return glance };
        if glance.signed_in || glance.name.is_empty() {
            return glance;
        }
        match store.load(headers, OffsetDateTime::now_utc()).await {
            Ok(session) => signed_in(&session).unwrap_or(glance),
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "a session in Redis could not be read");
                glance
            }
        }
    }

    /// Whoever sent these fields, as far as they tell that themselves: nobody, where the session
    /// cannot be read; where it is in Redis its id tells visitors apart, though not who is signed in.
    pub fn glance(&self, headers: &HeaderMap) -> Visitor {
        if let Some(credentials) = headers.get(header::AUTHORIZATION) {
            return Visitor { signed_in: true, name: format!("{:?}", credentials.as_bytes()) };
        }
        let signed_out = |name| Visitor { signed_in: false, name };
        match &self.0.sessions {
            Some(Sessions::Cookie(store)) => {
                let session = store.load(headers, OffsetDateTime::now_utc());
                let session = session.unwrap_or_else(|_| Session::none());
                let id = || signed_out(session.id().unwrap_or_default().to_owned());
                signed_in(&session).unwrap_or_else(id)
            }
            Some(Sessions::Redis(store)) => {
                let id = store.cookie.sent(headers).unwrap_or_default();
                signed_out(String::from_utf8_lossy(&id).into_owned())
            }
            None => Visitor::default(),
        }
    }

    /// How the judge reads the answers to whoever sent these fields: without a session's cookie that
    /// is sent again though nothing in it has changed, as Rails does and handlers do not; and with
    /// what another one holds beside its attributes, by hashes that mean something to this call alone.
    pub fn reading(&self, asked: &HeaderMap) -> Reading {
        let cookies: HeaderMap =
            asked.get_all(COOKIE).iter().map(|it| (COOKIE, it.clone())).collect();
        if !matches!(self.0.sessions, Some(Sessions::Cookie(_))) {
            return Reading::default();
        }
        let (application, keys) = (Arc::clone(&self.0), RandomState::new());
        Reading::by(move |answered| {
            let Some(Sessions::Cookie(store)) = &application.sessions else { return };
            let now = OffsetDateTime::now_utc();
            let lines: Vec<_> = answered.get_all(SET_COOKIE).iter().cloned().collect();
            answered.remove(SET_COOKIE);
            for line in lines.into_iter().filter(|it| !store.sends_again(&cookies, it, now)) {
                let read = store.set_by(&line, now).and_then(|after| {
                    let before = store.load(&cookies, now).unwrap_or_else(|_| Session::none());
                    with_contents(&line, &before, &after, &keys)
                });
                answered.append(SET_COOKIE, read.unwrap_or(line));
            }
        })
    }
}

/// The user whose session it is, if one has signed in.
fn signed_in(session: &Session) -> Option<Visitor> {
    let user = USERS.iter().find_map(|it| session.get(it))?;
    Some(Visitor { signed_in: true, name: format!("{user:?}") })
}

/// The line with one more attribute, which tells sessions apart by what they hold.
fn with_contents(
    line: &HeaderValue,
    before: &Session,
    after: &Session,
    keys: &RandomState,
) -> Option<HeaderValue> {
    let members: BTreeMap<_, _> = after.members().collect();
    let members = members.into_iter().map(|(key, value)| {
        if !MADE_ANEW.contains(&key) {
            format!("{key}:{:x}", keys.hash_one(format!("{value:?}")))
        } else if before.get(key) == Some(value) {
            format!("{key}:kept")
        } else {
            format!("{key}:new")
        }
    });
    let contents = members.collect::<Vec<_>>().join(" ");
    HeaderValue::from_str(&format!("{}; session={contents}", line.to_str().ok()?)).ok()
}

/// A hash of what tells requests to one target apart. Collisions make two requests one, which only
/// makes a verdict later, so a hash without a key is enough.
pub fn variant(visitor: &Visitor, headers: &HeaderMap, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    visitor.name.hash(&mut hasher);
    for form in &FORMS {
        headers.get(form).map(HeaderValue::as_bytes).hash(&mut hasher);
    }
    body.hash(&mut hasher);
    hasher.finish()
}

/// The `operationName` of a GraphQL request: in a body of JSON, or in the query beside the document, or
/// the hash of one that is known ("GraphQL over HTTP", draft, §5).
pub fn operation(target: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<String> {
    operation_in_query(target).or_else(|| operation_in_json(headers, body))
}

fn operation_in_query(target: &Uri) -> Option<String> {
    let query = target.query()?;
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
        pairs.find(|it| it.0 == name).map(|it| it.1)
    };
    let name = value("operationName")?;
    value("query").or_else(|| value("extensions"))?;
    Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
}

fn operation_in_json(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct GraphQl {
        operation_name: Option<String>,
    }
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !content_type.starts_with("application/json") || body.len() > BODY_LIMIT {
        return None;
    }
    serde_json::from_slice::<GraphQl>(body).ok()?.operation_name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn without_a_secret_nobody_is_known_but_by_credentials() {
        let visitors = Visitors::new(Application::default());
        let nobody = visitors.glance(&headers(&[("cookie", "_shop_session=x")]));
        assert_eq!(nobody, Visitor::default());
        let one = visitors.glance(&headers(&[("authorization", "Bearer 1")]));
        let other = visitors.glance(&headers(&[("authorization", "Bearer 2")]));
        assert!(one.signed_in && one != other);
    }

    #[test]
    fn requests_are_told_apart_by_who_asks_in_which_form_with_which_body() {
        let nobody = Visitor::default();
        let somebody = Visitor { signed_in: true, name: "1".into() };
        let json = headers(&[("accept", "application/json")]);
        let agent = headers(&[("accept", "application/json"), ("user-agent", "probe")]);
        assert_eq!(variant(&nobody, &json, b"1"), variant(&nobody, &agent, b"1"));
        for other in [
            variant(&somebody, &json, b"1"),
            variant(&nobody, &HeaderMap::new(), b"1"),
            variant(&nobody, &json, b"2"),
        ] {
            assert_ne!(variant(&nobody, &json, b"1"), other);
        }
    }

    #[test]
    fn the_operation_is_what_a_graphql_request_names() {
        let json = headers(&[("content-type", "application/json; charset=utf-8")]);
        let body = br#"{"query":"query A { a }","operationName":"A"}"#;
        let path = Uri::from_static("/graphql");
        assert_eq!(operation(&path, &json, body).as_deref(), Some("A"));
        assert_eq!(operation(&path, &HeaderMap::new(), body), None);
        for body in [&br#"{"operationName":null}"#[..], b"[]", b"1", b"", br#"{"operationName":1}"#]
        {
            assert_eq!(operation(&path, &json, body), None);
        }
        for (target, name) in [
            ("/graphql?query=%7Ba%7D&operationName=A", Some("A")),
            ("/graphql?operationName=jane%40shop.test&extensions=%7B%7D", Some("jane@shop.test")),
            ("/graphql?query=%7Ba%7D", None),
            ("/search?operationName=A", None),
        ] {
            let found = operation(&target.parse().unwrap(), &HeaderMap::new(), b"");
            assert_eq!(found.as_deref(), name, "{target}");
        }
    }
}
