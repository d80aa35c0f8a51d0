//! Every flow of the shop once, by Rails on both sides: what two equal shops leave is equal.
//!
//! That it is so proves that no noise is left; `wrong.rs` proves that not more is let pass.

use super::{Scenario, form, json, nothing, rails_alone, raw};

const BUYER: &str = "buyer1@shop.test";

/// The variants of these tests can be bought.
const STOCKED: &str = "UPDATE variants JOIN products ON products.id = product_id \
                       SET stock = 50, deleted_at = NULL WHERE variants.id < 40";

/// Puts a variant into the cart, from the first product's page.
fn with_line(scenario: Scenario, variant: &str, quantity: &str) -> Scenario {
    let fields = form(&[("variant_id", variant), ("quantity", quantity)]);
    scenario.post("/cart/lines", fields).with_form_token("/products/1", "/cart/lines")
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_anybody_may_see() {
    rails_alone()
        .get("/up")
        .get("/")
        .head("/")
        .get("/products?q=lamp&sort=price_asc")
        .get("/products?category=garden&page=2")
        .get("/products/7")
        .head("/products/7")
        .get("/products/0")
        .get("/nowhere")
        .get("/terms.txt")
        .get("/api/products?per_page=5")
        .get("/api/products/7")
        .get("/api/products/abc")
        .get("/api/products?q=%FF")
        .get("/api/session")
        .get("/api/cart")
        .get("/login")
        .get("/signup")
        .get("/cart")
        .get("/orders")
        .get("/api/orders/1")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_in_and_out() {
    let user = |name: &str, email: &str, password: &str, again: &str| {
        form(&[
            ("user[name]", name),
            ("user[email]", email),
            ("user[password]", password),
            ("user[password_confirmation]", again),
        ])
    };
    let login = |email, password| form(&[("email", email), ("password", password)]);
    let scenario = with_line(rails_alone().given(STOCKED), "7", "2")
        .post("/signup", user("", "no address", "short", "other"))
        .with_form_token("/signup", "/signup")
        .post("/signup", user("Ann", BUYER, "long enough", "long enough"))
        .with_form_token("/signup", "/signup")
        .post("/signup", form(&[("nobody", "x")]))
        .with_form_token("/signup", "/signup")
        .post("/signup", user("Ann", "ann@shop.test", "long enough", "long enough"))
        .post("/signup", user("Ann", "ann@shop.test", "long enough", "long enough"))
        .with_form_token("/signup", "/signup")
        .gives(302)
        .get("/")
        .get("/cart")
        .post("/logout", form(&[("_method", "delete")]))
        .with_form_token("/cart", "/logout")
        .gives(302)
        .get("/")
        .post("/login", login("ann@shop.test", "long enough"))
        .with_form_token("/login", "/login")
        .with_header("origin", "http://elsewhere.test")
        .gives(422)
        .post("/login", login("ann@shop.test", "wrong"))
        .with_form_token("/login", "/login")
        .post("/login", login(" ANN@shop.test ", "long enough"))
        .with_form_token("/login", "/login")
        .gives(302)
        .get("/")
        .delete("/logout")
        .with_page_token("/")
        .gives(302)
        .visitor();
    let api = |email, password| json(&format!(r#"{{"email":"{email}","password":"{password}"}}"#));
    with_line(scenario, "8", "1")
        .post("/api/session", api(BUYER, "correct horse"))
        .post("/api/session", api(BUYER, "wrong"))
        .with_api_token()
        .post("/api/session", json("{"))
        .with_api_token()
        .post("/api/session", api(BUYER, "correct horse"))
        .with_api_token()
        .gives(201)
        .get("/api/session")
        .get("/api/cart")
        .delete("/api/session")
        .delete("/api/session")
        .with_api_token()
        .gives(204)
        .get("/api/session")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_in_pages() {
    let line = "SELECT MAX(id) FROM cart_lines";
    let scenario = with_line(rails_alone().given(STOCKED), "7", "2");
    let scenario = with_line(with_line(with_line(scenario, "7", "1"), "9", "100"), "9999999", "1");
    scenario
        .get("/cart")
        .take("line", line)
        .patch("/cart/lines/{line}", form(&[("quantity", "5")]))
        .with_form_token("/cart", "/cart/lines/{line}")
        .get("/cart")
        .patch("/cart/lines/{line}", form(&[("quantity", "0")]))
        .with_form_token("/cart", "/cart/lines/{line}")
        .patch("/cart/lines/{line}", form(&[("quantity", "x")]))
        .patch("/cart/lines/0", form(&[("quantity", "1")]))
        .with_page_token("/cart")
        .post("/cart/promotion", form(&[("code", " welcome10 ")]))
        .with_form_token("/cart", "/cart/promotion")
        .get("/cart")
        .post("/cart/promotion", form(&[("code", "EXPIRED")]))
        .with_form_token("/cart", "/cart/promotion")
        .get("/")
        .post("/cart/lines/{line}", form(&[("_method", "delete")]))
        .with_form_token("/cart", "/cart/lines/{line}")
        .get("/cart")
        .given("UPDATE variants SET stock = 0 WHERE id = 11")
        .post("/cart/lines", form(&[("variant_id", "11")]))
        .with_page_token("/cart")
        .get("/cart")
        .post("/checkout", form(&[("card_token", "tok_ok")]))
        .with_page_token("/cart")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_of_scripts() {
    rails_alone()
        .given(STOCKED)
        .post("/api/cart/lines", json(r#"{"variant_id":12,"quantity":3}"#))
        .with_api_token()
        .gives(201)
        .post("/api/cart/lines", json(r#"{"variant_id":12,"quantity":97}"#))
        .with_api_token()
        .post("/api/cart/lines", json(r#"{"variant_id":0}"#))
        .with_api_token()
        .post("/api/cart/lines", json(r#"{"variant_id":12}"#))
        .post("/api/cart/promotion", json(r#"{"code":"3FOR2"}"#))
        .with_api_token()
        .post("/api/cart/promotion", json(r#"{"code":null}"#))
        .with_api_token()
        .get("/api/cart")
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .delete("/api/cart/lines/{line}")
        .with_api_token()
        .gives(200)
        .delete("/api/cart/lines/{line}")
        .with_api_token()
        .post("/graphql", json(r#"{"query":"{ product(id: 7) { id name price } cart { count total } }"}"#))
        .with_api_token()
        .post(
            "/graphql",
            json(r#"{"query":"mutation A($v: ID!) { addToCart(variantId: $v, quantity: 2) { count total } }","variables":{"v":"13"}}"#),
        )
        .with_api_token()
        .post("/graphql", json(r#"{"query":"{ nothing }"}"#))
        .with_api_token()
        .post("/graphql", json(r#"{"query":"{ products(page: 2) { name } }"}"#))
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_out() {
    let pay = |token| form(&[("card_token", token)]);
    let scenario = rails_alone().given(STOCKED).signed_in("buyer2@shop.test");
    let scenario = with_line(with_line(scenario, "21", "1"), "22", "2")
        .post("/cart/promotion", form(&[("code", "WELCOME10")]))
        .with_form_token("/cart", "/cart/promotion")
        .post("/checkout", pay("tok_declined"))
        .with_form_token("/cart", "/checkout")
        .gives(422)
        .post("/checkout", pay("tok_ok"))
        .with_form_token("/cart", "/checkout")
        .gives(302)
        .take("order", "SELECT MAX(id) FROM orders")
        .get("/orders/{order}")
        .get("/orders/{order}")
        .get("/api/orders/{order}")
        .get("/orders")
        .get("/orders.csv")
        .get("/orders/1")
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart");
    with_line(scenario, "23", "3")
        .given("UPDATE variants SET stock = 1 WHERE id = 23")
        .post("/checkout", pay("tok_ok"))
        .with_form_token("/cart", "/checkout")
        .post("/api/checkout", json(r#"{"card_token":"tok_ok"}"#))
        .with_api_token()
        .gives(422)
        .given("UPDATE variants SET stock = 9 WHERE id = 23")
        .post("/api/checkout", json(r#"{"card_token":"tok_no"}"#))
        .with_api_token()
        .gives(422)
        .post("/api/checkout", json(r#"{"card_token":"tok_ok"}"#))
        .with_api_token()
        .gives(201)
        .visitor()
        .post("/api/checkout", nothing())
        .with_api_token()
        .gives(401)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_and_their_approval() {
    let back = |quantity| form(&[("quantities[{line}]", quantity), ("reason", "too <small>")]);
    rails_alone()
        .take("user", "SELECT MIN(user_id) FROM orders WHERE status = 1 AND id NOT IN (SELECT order_id FROM returns)")
        .take("order", "SELECT MIN(id) FROM orders WHERE status = 1 AND user_id = {user} AND id NOT IN (SELECT order_id FROM returns)")
        .take("line", "SELECT MIN(id) FROM order_lines WHERE order_id = {order}")
        .take("email", "SELECT email FROM users WHERE id = {user}")
        .signed_in("{email}")
        .get("/orders/{order}")
        .post("/orders/{order}/returns", back("0"))
        .with_form_token("/orders/{order}", "/orders/{order}/returns")
        .get("/orders/{order}")
        .post("/orders/{order}/returns", back("999"))
        .with_form_token("/orders/{order}", "/orders/{order}/returns")
        .post("/orders/{order}/returns", back("1"))
        .with_form_token("/orders/{order}", "/orders/{order}/returns")
        .gives(302)
        .take("return", "SELECT MAX(id) FROM returns")
        .get("/returns/{return}")
        .get("/returns/1")
        .get("/admin/returns")
        .post("/admin/returns/{return}/approve", nothing())
        .with_page_token("/")
        .visitor()
        .signed_in("admin@shop.test")
        .get("/admin/returns")
        .post("/admin/returns/{return}/approve", form(&[]))
        .with_form_token("/admin/returns", "/admin/returns/{return}/approve")
        .gives(302)
        .get("/admin/returns")
        .post("/admin/returns/{return}/approve", form(&[]))
        .with_page_token("/admin/returns")
        .post("/admin/returns/0/approve", form(&[]))
        .with_page_token("/admin/returns")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_and_the_profile() {
    const EDGE: &str = "----edge";
    let picture = |kind: &str| {
        let head = format!(
            "--{EDGE}\r\ncontent-disposition: form-data; name=\"user[avatar]\"; filename=\"a.png\"\r\n\
             content-type: {kind}\r\n\r\n"
        );
        // The smallest that is taken for one: it is recognised by its first bytes.
        let picture: &[u8] = if kind == "image/png" { b"\x89PNG\r\n\x1a\n" } else { b"a text" };
        let bytes = [head.as_bytes(), picture, format!("\r\n--{EDGE}--\r\n").as_bytes()].concat();
        raw(&format!("multipart/form-data; boundary={EDGE}"), bytes)
    };
    rails_alone()
        .take("id", "SELECT MIN(id) FROM notifications WHERE read_at IS NULL")
        .take("user", "SELECT user_id FROM notifications WHERE id = {id}")
        .take("email", "SELECT email FROM users WHERE id = {user}")
        .signed_in("{email}")
        .get("/notifications")
        .get("/api/notifications")
        .post("/notifications/{id}/read", form(&[]))
        .with_form_token("/notifications", "/notifications/{id}/read")
        .post("/notifications/{id}/read", form(&[]))
        .with_page_token("/notifications")
        .post("/notifications/0/read", form(&[]))
        .with_page_token("/notifications")
        .get("/api/notifications")
        .get("/profile")
        .patch("/profile", form(&[("user[name]", "")]))
        .with_form_token("/profile", "/profile")
        .patch("/profile", form(&[("user[name]", "Zoë <b>")]))
        .with_form_token("/profile", "/profile")
        .get("/profile/avatar")
        .patch("/profile", picture("text/plain"))
        .with_form_token("/profile", "/profile")
        .patch("/profile", picture("image/png"))
        .with_form_token("/profile", "/profile")
        .gives(302)
        .get("/profile")
        .get("/profile/avatar")
        .gives(200)
        .run()
        .await;
}
