//! A buyer of the real shop, who fills a cart and clicks once.

use std::collections::BTreeMap;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{MySqlPool, types::Decimal};
use tests::browser::Browser;

/// What one click buys: so many of each variant. No two baskets of a buyer in a test are equal, so
/// that an order says which click it is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Basket {
    pub(crate) user: i64,
    pub(crate) lines: BTreeMap<i64, i32>,
}

/// What a buyer is told of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) order: i64,
    pub(crate) total: Decimal,
}

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Buyer {
    browser: Browser,
    pub(crate) user: i64,
    token: String,
}

impl Buyer {
    /// Signs in one of the seeds' buyers, who are numbered from 1 to 500.
    pub(crate) async fn sign_in(base: &str, number: u32) -> Self {
        let browser = Browser::new(base);
        let (_, visitor) = browser.json("/api/session").await.unwrap();
        let who = json!({
            "email": format!("buyer{number}@shop.test"),
            "password": "correct horse",
        });
        let token = visitor["csrf_token"].as_str().unwrap();
        let (_, session) =
            browser.send_json(Method::POST, "/api/session", token, &who).await.unwrap();
        let user = session["user"]["id"].as_i64().unwrap();
        Self { browser, user, token: session["csrf_token"].as_str().unwrap().to_owned() }
    }

    /// Puts it into the cart.
    pub(crate) async fn fill(&self, basket: &Basket) {
        for (variant, quantity) in &basket.lines {
            let line = json!({ "variant_id": variant, "quantity": quantity });
            let status = self.post("/api/cart/lines", &line).await;
            assert_eq!(status, StatusCode::CREATED, "{basket:?}");
        }
    }

    /// Puts two things into the cart that the shop has.
    pub(crate) async fn fill_with_anything(&self, database: &MySqlPool) {
        let variants = "SELECT MAX(variants.id) FROM variants JOIN products ON products.id = product_id \
                        WHERE deleted_at IS NULL AND stock > 1 \
                        GROUP BY product_id ORDER BY product_id DESC LIMIT 2";
        let variants: Vec<i64> = sqlx::query_scalar(variants).fetch_all(database).await.unwrap();
        let lines = variants.into_iter().map(|it| (it, 1)).collect();
        self.fill(&Basket { user: self.user, lines }).await;
    }

    /// Has the cart's price reduced.
    pub(crate) async fn redeem(&self, code: &str) {
        let status = self.post("/api/cart/promotion", &json!({ "code": code })).await;
        assert_eq!(status, StatusCode::OK, "{code}");
    }

    async fn post(&self, path: &str, body: &Value) -> StatusCode {
        self.browser.send_json(Method::POST, path, &self.token, body).await.unwrap().0
    }

    /// Pays for what is in the cart.
    pub(crate) async fn click(&self) -> Response {
        let request = self.browser.request(Method::POST, "/api/checkout");
        let request = request.header("x-csrf-token", &self.token);
        request.json(&json!({ "card_token": "tok_ok" })).send().await.unwrap()
    }

    /// As [`Buyer::click`], and is told of an order.
    pub(crate) async fn buy(&self) -> Told {
        let answer = self.click().await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let order: Value = answer.json().await.unwrap();
        let total = order["total"].as_str().unwrap().parse().unwrap();
        Told { order: order["id"].as_i64().unwrap(), total }
    }
}
