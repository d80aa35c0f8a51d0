//! One of the two shops during a scenario: asked as a browser would, and looked into.

use std::collections::BTreeMap;

use redis::aio::MultiplexedConnection;
use reqwest::{
    Client, Method, RequestBuilder,
    header::{CONTENT_TYPE, COOKIE, HOST},
    redirect::Policy,
};
use sqlx::{MySqlPool, mysql::MySqlPoolOptions};
use tests::shop::Addresses;
use time::OffsetDateTime;

use super::{
    answer::Answer,
    broadcasts::Listener,
    forms,
    rows::text,
    session::Jar,
    step::{Body, Step, Token, filled},
};

/// The name that both shops are called by: redirects hold it.
const NAME: &str = "shop.test";
/// Of every user of the seeds.
const PASSWORD: &str = "correct horse";

#[derive(Debug)]
pub(super) struct Side {
    client: Client,
    /// Where requests go.
    asked: String,
    /// The monolith itself.
    monolith: String,
    pub(super) database: MySqlPool,
    pub(super) redis: MultiplexedConnection,
    pub(super) listener: Listener,
    pub(super) jar: Jar,
    taken: BTreeMap<String, String>,
}

/// What became of a request.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Answer,
    pub(super) from: OffsetDateTime,
    pub(super) to: OffsetDateTime,
}

impl Side {
    /// The shop, asked at `asked`.
    pub(super) async fn new(shop: &Addresses, asked: String) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let redis = redis::Client::open(shop.redis_url.as_str()).unwrap();
        Self {
            client,
            asked,
            monolith: shop.url.clone(),
            database: MySqlPoolOptions::new()
                .max_connections(2)
                .connect_lazy(&shop.database_url)
                .unwrap(),
            listener: Listener::new(&redis).await,
            redis: redis.get_multiplexed_async_connection().await.unwrap(),
            jar: Jar::default(),
            taken: BTreeMap::new(),
        }
    }

    pub(super) async fn execute(&self, sql: &str) {
        let sql = filled(sql, &self.taken);
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&self.database).await.unwrap();
    }

    pub(super) async fn take(&mut self, name: &str, sql: &str) {
        let filled = sqlx::AssertSqlSafe(filled(sql, &self.taken));
        let row = sqlx::raw_sql(filled).fetch_one(&self.database).await;
        let value = text(&row.unwrap_or_else(|_| panic!("{sql} finds nothing")), 0);
        self.taken.insert(name.to_owned(), value.unwrap_or_default());
    }

    /// Logs in at the monolith.
    pub(super) async fn sign_in(&mut self, email: &str) {
        let email = &*filled(email, &self.taken);
        let page = self.page("/login").await;
        let token = form_token(&page, "/login", "post", "/login");
        let form = [("authenticity_token", &*token), ("email", email), ("password", PASSWORD)];
        let request = self.client.post(format!("{}/login", self.monolith)).form(&form);
        let answer = self.send(request).await;
        assert_eq!(answer.status, 302, "{email} cannot log in");
    }

    /// Plays a step, and keeps its cookies.
    pub(super) async fn play(&mut self, step: &Step) -> Outcome {
        let from = OffsetDateTime::now_utc();
        let token = self.token(step).await;
        let answer = self.send(self.request(step, token)).await;
        Outcome { answer, from, to: OffsetDateTime::now_utc() }
    }

    fn request(&self, step: &Step, token: Option<String>) -> RequestBuilder {
        let filled = |text: &str| filled(text, &self.taken);
        let url = format!("{}{}", self.asked, filled(&step.path));
        let mut request = self.client.request(step.method.clone(), url);
        for (name, value) in &step.fields {
            request = request.header(name, filled(value));
        }
        let in_form = matches!(step.body, Body::Form(_));
        if let Some(token) = token.as_ref().filter(|_| !in_form) {
            request = request.header("x-csrf-token", token);
        }
        match &step.body {
            Body::None => request,
            Body::Form(fields) => {
                let fields = fields.iter().map(|(name, value)| (filled(name), filled(value)));
                let token = token.map(|it| ("authenticity_token".to_owned(), it));
                request.form(&fields.chain(token).collect::<Vec<_>>())
            }
            Body::Raw { content_type, bytes } => {
                request.header(CONTENT_TYPE, content_type).body(bytes.clone())
            }
            Body::Text { content_type, text } => {
                request.header(CONTENT_TYPE, content_type).body(filled(text))
            }
        }
    }

    /// The token that the step asks for, from a page of this side's monolith.
    async fn token(&mut self, step: &Step) -> Option<String> {
        match step.token.as_ref()? {
            Token::Api => {
                let text = self.page("/api/session").await;
                Some(forms::in_json(&text).expect("the session has a token").to_owned())
            }
            Token::Form { page, action } => {
                let action = filled(action, &self.taken);
                let shown = filled(page, &self.taken);
                let text = self.page(&shown).await;
                Some(form_token(&text, &action, &step.effective_method(), &shown))
            }
            Token::Page(page) => {
                let text = self.page(&filled(page, &self.taken)).await;
                Some(forms::in_head(&text).expect("the page has a token"))
            }
        }
    }

    /// A page of the monolith.
    async fn page(&mut self, path: &str) -> String {
        let request = self.client.request(Method::GET, format!("{}{path}", self.monolith));
        let answer = self.send(request).await;
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body).unwrap()
    }

    async fn send(&mut self, mut request: RequestBuilder) -> Answer {
        if let Some(cookies) = self.jar.field() {
            request = request.header(COOKIE, cookies);
        }
        let answer = Answer::of(request.header(HOST, NAME).send().await.unwrap()).await;
        self.jar.take(&answer.headers);
        answer
    }
}

fn form_token(page: &str, action: &str, method: &str, path: &str) -> String {
    let mut forms = forms::in_forms(page).into_iter();
    let form = forms.find(|it| it.action == action && it.method == method);
    form.unwrap_or_else(|| panic!("{path} has no form that is sent to {action} by {method}")).token
}
