//! Sessions that Rust writes are Rails' own, and Rails' are Rust's, however the shop keeps them.

use std::time::SystemTime;

use extracted::rails::{
    cookie::{CookieOptions, Encryption, SetCookie, SigningDigest},
    csrf::{Alphabet, CsrfToken, Form},
    flash::Flash,
    key_generator::{KeyDigest, KeyGenerator},
    serializer::Serializer,
    session::{CookieStore, Session, SessionCookie},
    value::Value,
};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{COOKIE, SET_COOKIE},
};
use serde_json::{Value as Json, json};
use time::{Duration, OffsetDateTime};

use crate::support::{another_puma_with, shop};

pub(crate) const NAME: &str = "_shop_session";

/// A way to keep cookies: the switches' values, and what they are called here.
#[derive(Debug, Clone, Copy)]
struct Way {
    serializer: (&'static str, Serializer),
    encryption: (&'static str, Encryption),
    metadata: (&'static str, bool),
}

impl Way {
    fn all() -> impl Iterator<Item = Self> {
        use Serializer::{Hybrid, Json, Marshal};
        let serializers =
            [("json", Json), ("marshal", Marshal), ("hybrid", Hybrid), ("unset", Marshal)];
        let with = |serializer| {
            [("gcm", Encryption::Gcm), ("cbc", Encryption::Cbc)].into_iter().flat_map(move |it| {
                let way = move |metadata| Self { serializer, encryption: it, metadata };
                [("on", true), ("off", false)].map(way)
            })
        };
        serializers.into_iter().flat_map(with)
    }

    fn switches(self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("SHOP_COOKIES_SERIALIZER", self.serializer.0),
            ("SHOP_COOKIES_ENCRYPTION", self.encryption.0),
            ("SHOP_COOKIES_METADATA", self.metadata.0),
        ]
    }

    fn store(self, name: &str, secret: &str) -> CookieStore {
        let options = CookieOptions {
            keys: KeyGenerator::new(secret, KeyDigest::Sha1),
            serializer: self.serializer.1,
            encryption: self.encryption.1,
            signing: SigningDigest::Sha1,
            metadata: self.metadata.1,
        };
        CookieStore::new(SessionCookie::new(name), &options)
    }
}

/// A browser that keeps one cookie, and shows it.
pub(crate) struct Browser {
    pub(crate) url: String,
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        body: &Json,
    ) -> (StatusCode, String) {
        let client = reqwest::Client::new();
        let mut request = client.request(method, format!("{}{path}", self.url));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if !token.is_empty() {
            request = request.header("X-CSRF-Token", token);
        }
        let response = request.json(body).send().await.unwrap();
        if let Some(field) = response.headers().get(SET_COOKIE) {
            self.cookie = field.to_str().unwrap().split(';').next().map(str::to_owned);
        }
        (response.status(), response.text().await.unwrap())
    }

    pub(crate) async fn session(&mut self) -> Json {
        let (status, body) = self.ask(Method::GET, "/api/session", "", &Json::Null).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Signs in; the buyer's id.
    pub(crate) async fn sign_in(&mut self) -> i64 {
        let token = self.session().await["csrf_token"].as_str().unwrap().to_owned();
        let who = json!({ "email": "buyer1@shop.test", "password": "correct horse" });
        let (status, body) = self.ask(Method::POST, "/api/session", &token, &who).await;
        assert_eq!(status, 201, "{body}");
        serde_json::from_str::<Json>(&body).unwrap()["user"]["id"].as_i64().unwrap()
    }

    pub(crate) fn fields(&self) -> HeaderMap {
        let cookie = HeaderValue::from_str(self.cookie.as_ref().unwrap()).unwrap();
        HeaderMap::from_iter([(COOKIE, cookie)])
    }
}

/// As a browser sends it back.
fn sent(cookie: &SetCookie) -> String {
    let field = cookie.to_header().unwrap();
    field.to_str().unwrap().split(';').next().unwrap().to_owned()
}

pub(crate) fn now() -> OffsetDateTime {
    SystemTime::now().into()
}

/// Somebody who is signed in, to whom something is to be said, and the token of their forms.
pub(crate) fn made_here(user: i64) -> (Session, CsrfToken) {
    let mut session = Session::none();
    session.set("user_id", user);
    let token = CsrfToken::generate(&mut rand::rng());
    session.set("_csrf_token", token.to_session(Alphabet::UrlSafe));
    let mut flash = Flash::load(&session);
    flash.set("notice", "Said in Rust");
    flash.commit(&mut session);
    (session, token)
}

/// Rails takes the session for its own: the user, the flash (once), and the form's token.
pub(crate) async fn rails_takes(browser: &mut Browser, user: i64, token: &CsrfToken, way: &str) {
    let said = browser.session().await;
    assert_eq!(said["user"]["id"], user, "{way}");
    let rails_token = said["csrf_token"].as_str().unwrap();
    let form = Form { path: "/api/session", method: "DELETE" };
    assert!(token.accepts(rails_token, form, true), "{way}: a token of Rails' for our session");
    for shown in [true, false] {
        let (_, page) = browser.ask(Method::GET, "/", "", &Json::Null).await;
        assert_eq!(page.contains("Said in Rust"), shown, "{way}");
    }
    let (status, _) = browser.ask(Method::DELETE, "/api/session", "", &Json::Null).await;
    assert_eq!(status, 422, "{way}: without a token");
    let ours = token.for_form(Some(form), Alphabet::UrlSafe, &mut rand::rng());
    let (status, body) = browser.ask(Method::DELETE, "/api/session", &ours, &Json::Null).await;
    assert_eq!(status, 204, "{way}: {body}");
    assert_eq!(browser.session().await["user"], Json::Null, "{way}: signed out");
}

async fn both_ways(way: Way, secret: &str) {
    let puma = another_puma_with(way.switches()).await;
    let (store, shown) = (way.store(NAME, secret), format!("{way:?}"));
    let mut browser = Browser { url: puma.url.clone(), cookie: None };
    let user = browser.sign_in().await;
    let read = store.load(&browser.fields(), now()).unwrap();
    assert_eq!(read.get("user_id"), Some(&Value::Integer(user)), "{shown}: as Rails wrote it");

    let (session, token) = made_here(user);
    let save = |store: &CookieStore| store.save(&session, now(), &mut rand::rng()).unwrap();
    let genuine = save(&store).unwrap();
    let mut browser = Browser { url: puma.url.clone(), cookie: Some(sent(&genuine)) };
    rails_takes(&mut browser, user, &token, &shown).await;

    let mut expired = store.clone();
    expired.cookie.expire_after = Some(-Duration::HOUR);
    let elsewhere = SetCookie { name: NAME.into(), ..save(&way.store("other", secret)).unwrap() };
    let mut tampered = genuine.clone();
    let middle = tampered.value.len() / 4;
    let other = if tampered.value.as_bytes()[middle] == b'A' { "B" } else { "A" };
    tampered.value.replace_range(middle..=middle, other);
    for (why, cookie, anonymous) in [
        ("tampered", tampered, true),
        ("of another secret", save(&way.store(NAME, "another secret")).unwrap(), true),
        // Without metadata a cookie is good for whatever it is called, and for ever.
        ("of another name", elsewhere, way.metadata.1),
        ("expired", save(&expired).unwrap(), true),
    ] {
        let mut browser = Browser { url: puma.url.clone(), cookie: Some(sent(&cookie)) };
        let ours = store.load(&browser.fields(), now()).unwrap();
        assert_eq!(ours.exists(), !anonymous, "{shown}: {why}, read here");
        let theirs = browser.session().await;
        assert_eq!(theirs["user"].is_null(), anonymous, "{shown}: {why}, read by Rails");
    }
}

#[tokio::test]
async fn a_cookie_is_the_same_on_both_sides_in_every_configuration() {
    let secret = shop().await.secret_key_base;
    for way in Way::all() {
        both_ways(way, &secret).await;
    }
}
