//! A buyer who enters canaries wherever something can be entered, and somebody who sends no HTTP.

use std::net::SocketAddr;

use reqwest::{
    Client, ClientBuilder, Method,
    header::{COOKIE, ORIGIN},
    multipart::{Form, Part},
    redirect::Policy,
};
use serde_json::json;
use sqlx::MySqlPool;
use tests::browser::Browser;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::canary;

/// What is asked for with the names of operations.
const OPERATIONS: &str = "/api/cart";

/// A product that no other test looks at.
const PRODUCT: u64 = 1999;

/// Somebody who has signed up, and has a cookie to show for it.
pub(crate) struct Buyer {
    url: String,
    client: Client,
    /// The same over HTTP/2.
    h2: Client,
    cookie: String,
    csrf: String,
    order: u64,
    returned: u64,
}

impl Buyer {
    /// Signs up and shops; what the shop has of the buyer and of what is sold is full of canaries.
    pub(crate) async fn sign_up(url: &str, database: &MySqlPool) -> Self {
        let browser = Browser::new(url);
        let page = browser.visit("/signup").await.unwrap();
        let (name, email) = (canary::name("account"), canary::email("account"));
        let (password, address) = (canary::password("account"), canary::address("signup"));
        let fields = [
            ("user[name]", &*name),
            ("user[email]", &email),
            ("user[password]", &password),
            ("user[password_confirmation]", &password),
            ("user[phone]", canary::PHONE),
            ("user[address]", &address),
        ];
        browser.submit(&page, "/signup", &fields).await.unwrap();
        let (_, session) = browser.json("/api/session").await.unwrap();
        assert_eq!(session["user"]["email"], email, "{session}");
        let id = session["user"]["id"].as_u64().unwrap();
        let (order, returned) = stock(database, id).await;
        Self {
            url: url.to_owned(),
            client: client().build().unwrap(),
            h2: client().http2_prior_knowledge().build().unwrap(),
            cookie: browser.cookie_header(),
            csrf: session["csrf_token"].as_str().unwrap().to_owned(),
            order,
            returned,
        }
    }

    /// What nobody but the buyer and the shop may know: the cookie's value and the token.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let value = self.cookie.split_once('=').unwrap().1;
        vec![value[..32].to_owned(), self.csrf.clone()]
    }

    /// Asks for every page and document with canaries in path, query, fields and cookies.
    pub(crate) async fn look_around(&self) {
        let Self { order, returned, .. } = self;
        for path in [
            "/".to_owned(),
            "/login".into(),
            "/signup".into(),
            "/products".into(),
            format!("/products/{PRODUCT}"),
            format!("/products/{}", canary::token("page")),
            "/api/products".into(),
            format!("/api/products/{PRODUCT}"),
            format!("/api/products/{}", canary::name("path").replace(' ', "%20")),
            format!("/api/products/{}", canary::email("path").replace('.', "%2E")),
            format!("/api/products/{}", canary::name("plain").replace(' ', "-")),
            "/cart".into(),
            "/api/cart".into(),
            "/orders".into(),
            format!("/orders/{order}"),
            format!("/api/orders/{order}"),
            format!("/returns/{returned}"),
            "/notifications".into(),
            "/api/notifications".into(),
            "/api/session".into(),
            "/profile".into(),
            format!("/buyers/{}", canary::name("unrouted").replace(' ', "-")),
            format!("/password_resets/{}", canary::token("reset")),
            format!("/odd/{}", canary::email("odd")),
            format!("/gone/{}", canary::email("gone")),
        ] {
            self.send(self.request(Method::GET, &path)).await;
        }
        // The name of an operation tells kinds of requests apart, wherever there is one.
        for operation in [
            canary::email("operation"),
            canary::token("operation"),
            canary::name("operation"),
            format!("card{}", canary::CARD[0]),
            "Zqcanaryoperation4711".into(),
            "zqcanary".repeat(6),
        ] {
            let named = [("query", "{ cart { total } }"), ("operationName", &*operation)];
            self.send(self.request(Method::GET, OPERATIONS).query(&named)).await;
        }
    }

    /// Sends canaries in bodies of every kind.
    pub(crate) async fn fill_in(&self) {
        for path in ["/login", "/signup", "/cart/lines", "/cart/promotion", "/checkout"] {
            let form = [
                ("authenticity_token", &*self.csrf),
                ("email", &canary::email("form")),
                ("password", &canary::password("form")),
                ("code", &canary::all("form")),
                (&canary::all("field"), "1"),
            ];
            self.send(self.request(Method::POST, path).form(&form)).await;
        }
        let document = json!({
            "email": canary::email("json"), "password": canary::password("json"),
            "card": canary::CARD, canary::all("member"): [canary::all("element")],
        });
        for path in ["/api/session", "/api/cart/lines", "/api/cart/promotion", "/api/checkout"] {
            self.send(self.request(Method::POST, path).json(&document)).await;
        }
        for query in [
            json!({
                "query": "query Named($id: ID!) { product(id: $id) { name } }",
                "operationName": canary::all("operation"),
                "variables": { "id": canary::all("variable") },
            }),
            json!({ "query": format!(
                "{{ zqcanaryalias: product(id: {:?}) {{ name zqcanaryfield }} }}",
                canary::all("inline"),
            ) }),
        ] {
            self.send(self.request(Method::POST, "/graphql").json(&query)).await;
        }
        for path in ["/cart/lines", "/profile", "/orders/1/returns"] {
            let file = Part::bytes(canary::all("file").into_bytes())
                .file_name(canary::all("filename"))
                .mime_str("image/png")
                .unwrap();
            let form = Form::new()
                .text("authenticity_token", self.csrf.clone())
                .text("user[name]", canary::all("part"))
                .part("user[avatar]", file);
            self.send(self.request(Method::POST, path).multipart(form)).await;
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        // Both protocols have their own ways into the log.
        let client = if method == Method::GET { &self.client } else { &self.h2 };
        let (email, all) = (canary::email("query"), canary::all("query"));
        let query =
            [("q", &*all), ("email", &email), (&all, "1"), ("token", &canary::token("query"))];
        let cookie = format!("{}; remember={}", self.cookie, canary::token("cookie"));
        let request = client.request(method, format!("{}{path}", self.url)).query(&query);
        request
            .header(COOKIE, cookie)
            .header(ORIGIN, &self.url)
            .header("x-csrf-token", &self.csrf)
            .header("authorization", format!("Bearer {}", canary::token("authorization")))
            .header("user-agent", format!("Probe/1.0 ({})", canary::email("agent")))
            .header("referer", format!("https://shop.test/?q={}", canary::token("referer")))
            .header("x-request-id", canary::token("id"))
            .header("x-forwarded-for", canary::token("forwarded"))
            .header("traceparent", canary::token("trace"))
            .header("tracestate", format!("shop={}", canary::token("state")))
            .header("baggage", format!("user={}", canary::email("baggage")))
            .header("x-buyer", canary::all("field"))
    }

    /// Whatever is answered: some of these are meant to fail.
    async fn send(&self, request: reqwest::RequestBuilder) {
        request.send().await.unwrap().bytes().await.unwrap();
    }
}

fn client() -> ClientBuilder {
    Client::builder().redirect(Policy::none())
}

/// Gives the buyer an order, a return and a notification, and a product a text. The return's id and
/// the order's.
async fn stock(database: &MySqlPool, buyer: u64) -> (u64, u64) {
    let now = "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)";
    let insert = |statement: String| sqlx::query(sqlx::AssertSqlSafe(statement)).execute(database);
    insert(format!(
        "INSERT INTO notifications (user_id, kind, message, path, created_at, updated_at) \
         VALUES ({buyer}, 'note', '{}', '/{}', {now})",
        canary::all("notification"),
        canary::token("link"),
    ))
    .await
    .unwrap();
    let order = insert(format!(
        "INSERT INTO orders (user_id, number, subtotal, discount, shipping, tax, total, placed_at, \
         created_at, updated_at) VALUES ({buyer}, '{}', 1, 0, 0, 0, 1, UTC_TIMESTAMP(6), {now})",
        canary::token("number"),
    ));
    let order = order.await.unwrap().last_insert_id();
    let returned = insert(format!(
        "INSERT INTO returns (order_id, reason, created_at, updated_at) VALUES ({order}, '{}', {now})",
        canary::address("reason"),
    ));
    let returned = returned.await.unwrap().last_insert_id();
    insert(format!(
        "UPDATE products SET description = '{}' WHERE id = {PRODUCT}",
        canary::all("product")
    ))
    .await
    .unwrap();
    (order, returned)
}

/// Heads that no server understands.
pub(crate) async fn send_no_http(address: SocketAddr) {
    let [name, email] = [canary::name("head"), canary::email("head")];
    let long = canary::token("long").repeat(1_000);
    for head in [
        format!("GET /{email} HTTP/1.1\r\nHost: shop.test\r\n{name}: 1\r\n\r\n"),
        format!("GET /{email} HTTP/9.9\r\nHost: shop.test\r\n\r\n"),
        format!("GET /{name} HTTP/1.1\r\nHost: shop.test\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: shop.test\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {email}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {email}\r\n\r\n"),
        format!("ZQCANARY /{email} HTTP/1.1\r\nHost: shop.test\r\n\r\n"),
        format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{name}"),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        // A reset is an answer too.
        let _ = client.read_to_end(&mut Vec::new()).await;
    }
}
