//! What buyers do, and what each of them checks on the way.

use std::{future::Future, pin::Pin};

use rand::{RngExt as _, seq::IndexedRandom as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Buyer, money::cents};
use crate::browser::{Complaint, Page, expect};

type Going<'a> = Pin<Box<dyn Future<Output = Result<(), Complaint>> + Send + 'a>>;

/// One kind of visit.
#[derive(Clone, Copy)]
pub(super) struct Journey {
    /// For complaints.
    pub(super) name: &'static str,
    /// The visit.
    pub(super) go: for<'a> fn(&'a mut Buyer) -> Going<'a>,
}

/// Every kind, browsing more often than buying, as in any shop.
pub(super) const ALL: &[Journey] = &[
    Journey { name: "browse as JSON", go: |buyer| Box::pin(buyer.browse_json()) },
    Journey { name: "browse as JSON", go: |buyer| Box::pin(buyer.browse_json()) },
    Journey { name: "browse as JSON", go: |buyer| Box::pin(buyer.browse_json()) },
    Journey { name: "browse pages", go: |buyer| Box::pin(buyer.browse_pages()) },
    Journey { name: "browse by GraphQL", go: |buyer| Box::pin(buyer.browse_graphql()) },
    Journey { name: "buy in pages", go: |buyer| Box::pin(buyer.buy_in_pages()) },
    Journey { name: "buy as JSON", go: |buyer| Box::pin(buyer.buy_as_json()) },
    Journey { name: "log in, out and in", go: |buyer| Box::pin(buyer.come_and_go()) },
    Journey { name: "sign up", go: |buyer| Box::pin(buyer.sign_up()) },
    Journey { name: "read notifications", go: |buyer| Box::pin(buyer.read_notifications()) },
];

/// All seeded users have the same.
pub(super) const PASSWORD: &str = "correct horse";
const WORDS: [&str; 6] = ["a", "cl", "mug", "lamp", "caf%C3%A9", "zzzz"];

impl Buyer {
    async fn browse_json(&mut self) -> Result<(), Complaint> {
        let word = *self.pick(&WORDS)?;
        let sort = *self.pick(&["", "price_asc", "price_desc", "name"])?;
        // The whole catalogue: a few pages would be few distinct requests, however many come.
        let page = self.random.random_range(1..=125);
        let found = self.random.random_range(1..=9);
        for query in
            [format!("?page={page}&sort={sort}"), format!("?q={word}&page={found}&per_page=10")]
        {
            let (status, list) = self.browser.json(&format!("/api/products{query}")).await?;
            expect(status == StatusCode::OK, || format!("the list answered {status}"))?;
            let products = array(&list["products"])?;
            expect(products.len() <= 20, || "a page has more than 20 products".into())?;
            for product in products.iter().take(3) {
                self.look_at(product).await?;
            }
        }
        let (status, missing) = self.browser.json("/api/products/999999").await?;
        expect(status == StatusCode::NOT_FOUND, || format!("a missing product answered {status}"))?;
        expect(missing["error"] == "Product not found", || format!("a 404 said {missing}"))
    }

    /// The list and the product's own page agree on what is for sale.
    async fn look_at(&mut self, listed: &Value) -> Result<(), Complaint> {
        let (status, shown) = self.browser.json(&format!("/api/products/{}", listed["id"])).await?;
        expect(status == StatusCode::OK, || format!("product {} answered {status}", listed["id"]))?;
        for key in ["id", "name", "price", "category", "tags"] {
            expect(listed[key] == shown[key], || {
                format!(
                    "product {}: {key} is {} in the list and {} alone",
                    listed["id"], listed[key], shown[key]
                )
            })?;
        }
        cents(&shown["price"]).map(drop)
    }

    async fn browse_pages(&mut self) -> Result<(), Complaint> {
        let home = self.browser.visit("/").await?;
        expect(home.status == StatusCode::OK, || format!("home answered {}", home.status))?;
        let page = self.random.random_range(1..=20);
        let list = self.browser.visit(&format!("/products?page={page}")).await?;
        let links = list.attributes("a[href^='/products/']", "href");
        let link = self.pick(&links)?.clone();
        let product = self.browser.visit(&link).await?;
        expect(product.status == StatusCode::OK, || format!("{link} answered {}", product.status))?;
        let text = product.text();
        expect(text.contains("€") || text.contains("EUR"), || format!("{link} shows no price"))
    }

    async fn browse_graphql(&mut self) -> Result<(), Complaint> {
        let id = self.random.random_range(1..=2000);
        let query = "query ProductPage($id: ID!) { product(id: $id) { id name price } }";
        let body =
            json!({ "operationName": "ProductPage", "query": query, "variables": { "id": id } });
        let (_, session) = self.browser.json("/api/session").await?;
        let token = session["csrf_token"].as_str().unwrap_or_default();
        let (status, answer) =
            self.browser.send_json(Method::POST, "/graphql", token, &body).await?;
        expect(status == StatusCode::OK, || format!("GraphQL answered {status}: {answer}"))?;
        let product = &answer["data"]["product"];
        expect(product.is_null() || product["id"] == json!(id.to_string()), || {
            format!("asked for product {id}, got {answer}")
        })
    }

    async fn buy_as_json(&mut self) -> Result<(), Complaint> {
        let token = self.log_in_as_json().await?;
        let token = self.empty_cart(token).await?;
        let (variant, price) = self.something_in_stock().await?;
        let line = json!({ "variant_id": variant, "quantity": 2 });
        let (status, cart) =
            self.browser.send_json(Method::POST, "/api/cart/lines", &token, &line).await?;
        expect(status == StatusCode::CREATED, || format!("adding answered {status}: {cart}"))?;
        expect(cart["lines"][0]["variant_id"] == json!(variant), || {
            format!("the cart has {}", cart["lines"])
        })?;
        expect(cart["lines"][0]["quantity"] == 2, || format!("the cart has {}", cart["lines"]))?;
        expect(cents(&cart["subtotal"])? == 2 * price, || {
            format!("2 at {price} cents make {} in the cart", cart["subtotal"])
        })?;
        let code = json!({ "code": "WELCOME10" });
        let (status, cart) =
            self.browser.send_json(Method::POST, "/api/cart/promotion", &token, &code).await?;
        expect(status == StatusCode::OK, || format!("the promotion answered {status}: {cart}"))?;
        adds_up(&cart)?;
        let payment = json!({ "card_token": "tok_ok" });
        let (status, order) =
            self.browser.send_json(Method::POST, "/api/checkout", &token, &payment).await?;
        if status == StatusCode::UNPROCESSABLE_ENTITY
            && order["error"].as_str().is_some_and(is_sold_out)
        {
            return Ok(());
        }
        expect(status == StatusCode::CREATED, || format!("checkout answered {status}: {order}"))?;
        expect(order["total"] == cart["total"], || {
            format!("the cart said {}, the order {}", cart["total"], order["total"])
        })?;
        let (status, again) = self.browser.json(&format!("/api/orders/{}", order["id"])).await?;
        expect(status == StatusCode::OK && again["total"] == order["total"], || {
            format!("the order cannot be seen again: {status} {again}")
        })?;
        self.is_logged_in().await
    }

    async fn log_in_as_json(&mut self) -> Result<String, Complaint> {
        let (_, session) = self.browser.json("/api/session").await?;
        let token = session["csrf_token"].as_str().unwrap_or_default().to_owned();
        let login = json!({ "email": self.email, "password": PASSWORD });
        let (status, session) =
            self.browser.send_json(Method::POST, "/api/session", &token, &login).await?;
        expect(status == StatusCode::CREATED, || format!("login answered {status}: {session}"))?;
        let token = session["csrf_token"].as_str().unwrap_or_default();
        Ok(token.to_owned())
    }

    pub(super) async fn is_logged_in(&mut self) -> Result<(), Complaint> {
        let (_, session) = self.browser.json("/api/session").await?;
        expect(session["user"]["email"] == json!(self.email), || {
            format!("{} is logged in as {}", self.email, session["user"])
        })
    }

    /// Removes what an earlier journey of the same user has left.
    async fn empty_cart(&mut self, token: String) -> Result<String, Complaint> {
        let (_, cart) = self.browser.json("/api/cart").await?;
        for line in array(&cart["lines"])? {
            let path = format!("/api/cart/lines/{}", line["id"]);
            let (status, _) =
                self.browser.send_json(Method::DELETE, &path, &token, &Value::Null).await?;
            expect(status == StatusCode::OK, || format!("removing a line answered {status}"))?;
        }
        Ok(token)
    }

    /// A variant with plenty in stock, and its price in cents.
    pub(super) async fn something_in_stock(&mut self) -> Result<(u64, i64), Complaint> {
        for _ in 0..20 {
            let id = self.random.random_range(1..=2000);
            let (status, product) = self.browser.json(&format!("/api/products/{id}")).await?;
            if status != StatusCode::OK {
                continue;
            }
            let variants = array(&product["variants"])?;
            if let Some(variant) = variants.iter().find(|it| it["stock"].as_i64() >= Some(8)) {
                return Ok((variant["id"].as_u64().unwrap_or_default(), cents(&variant["price"])?));
            }
        }
        Err(Complaint("nothing is in stock".into()))
    }

    async fn buy_in_pages(&mut self) -> Result<(), Complaint> {
        let login = self.browser.visit("/login").await?;
        let email = self.email.clone();
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        let home = self.browser.submit(&login, "/login", &fields).await?;
        expect(home.status == StatusCode::OK, || format!("login answered {}", home.status))?;
        self.is_logged_in().await?;
        let (_, session) = self.browser.json("/api/session").await?;
        let token = session["csrf_token"].as_str().unwrap_or_default().to_owned();
        self.empty_cart(token).await?;

        let (variant, price) = self.something_in_stock().await?;
        let product = self.product_of(variant).await?;
        let fields = [("variant_id", variant.to_string()), ("quantity", "1".to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let cart = self.browser.submit(&product, "/cart/lines", &fields).await?;
        expect(cart.status == StatusCode::OK, || format!("adding answered {}", cart.status))?;
        let (_, now) = self.browser.json("/api/cart").await?;
        expect(now["count"] == 1 && cents(&now["subtotal"])? == price, || {
            format!("the cart is {now}")
        })?;
        adds_up(&now)?;

        let cart = self.browser.visit("/cart").await?;
        let cart = self.browser.submit(&cart, "/cart/promotion", &[("code", "FIVER")]).await?;
        expect(cart.status == StatusCode::OK, || {
            format!("the promotion answered {}", cart.status)
        })?;
        let order = self.browser.submit(&cart, "/checkout", &[("card_token", "tok_ok")]).await?;
        if order.status == StatusCode::UNPROCESSABLE_ENTITY && is_sold_out(&order.text()) {
            return Ok(());
        }
        expect(order.status == StatusCode::OK && order.path.starts_with("/orders/"), || {
            format!("checkout led to {} with {}", order.path, order.status)
        })?;
        self.give_back(&order).await?;
        self.is_logged_in().await
    }

    /// The page that sells the variant: its cart line knows the product.
    pub(super) async fn product_of(&mut self, variant: u64) -> Result<Page, Complaint> {
        let list = self.browser.visit("/products").await?;
        let links = list.attributes("a[href^='/products/']", "href");
        // Any product's page has the form; the variant is the buyer's to choose.
        let link = self.pick(&links)?.clone();
        let page = self.browser.visit(&link).await?;
        expect(page.status == StatusCode::OK, || {
            format!("{link} answered {} for {variant}", page.status)
        })?;
        Ok(page)
    }

    /// One order in three goes back, where the page offers it.
    async fn give_back(&mut self, order: &Page) -> Result<(), Complaint> {
        let action = format!("{}/returns", order.path);
        let offered = order.attributes("form", "action").contains(&action);
        if !offered || self.random.random_range(0..3) > 0 {
            return Ok(());
        }
        let lines =
            order.attributes(&format!("form[action='{action}'] [name^='quantities']"), "name");
        let fields: Vec<(&str, &str)> = lines.iter().map(|name| (name.as_str(), "1")).collect();
        let page = self.browser.submit(order, &action, &fields).await?;
        expect(page.status == StatusCode::OK && page.path.starts_with("/returns/"), || {
            format!("the return led to {} with {}", page.path, page.status)
        })
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Result<&'a T, Complaint> {
        of.choose(&mut self.random)
            .ok_or_else(|| Complaint("there is nothing to choose from".into()))
    }
}

pub(super) fn array(value: &Value) -> Result<&Vec<Value>, Complaint> {
    value.as_array().ok_or_else(|| Complaint(format!("{value} is no list")))
}

fn is_sold_out(text: &str) -> bool {
    text.contains(" left of ")
}

/// subtotal − discount + shipping = total, and the lines make the subtotal.
fn adds_up(cart: &Value) -> Result<(), Complaint> {
    let mut lines = 0;
    for line in array(&cart["lines"])? {
        let quantity = line["quantity"].as_i64().unwrap_or_default();
        expect(cents(&line["total"])? == quantity * cents(&line["unit_price"])?, || {
            format!("a line does not add up: {line}")
        })?;
        lines += cents(&line["total"])?;
    }
    let (subtotal, discount) = (cents(&cart["subtotal"])?, cents(&cart["discount"])?);
    let (shipping, total) = (cents(&cart["shipping"])?, cents(&cart["total"])?);
    expect(lines == subtotal && subtotal - discount + shipping == total, || {
        format!("the cart does not add up: {cart}")
    })
}
