//! `onboarding.login` leaves what `SessionsController#create` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{Body, form, json, parity},
};

fn credentials(email: &str, password: &str) -> Body {
    form(&[("email", email), ("password", password)])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_password_is_let_in() {
    let mut scenario = parity("onboarding.login");
    for (email, password, status) in [
        ("buyer21@shop.test", "correct horse", 302),
        (" BUYER21@Shop.Test ", "correct horse", 302),
        ("buyer21@shop.test", "wrong", 422),
        ("buyer21@shop.test", "", 422),
        ("nobody@shop.test", "correct horse", 422),
        ("\"<b>", "x", 422),
        ("", "", 422),
    ] {
        scenario = scenario
            .visitor()
            .post("/login", credentials(email, password))
            .with_form_token("/login", "/login")
            .gives(status);
    }
    scenario
        .signed_in("buyer21@shop.test")
        .post("/login", credentials("buyer22@shop.test", "correct horse"))
        .with_page_token("/login")
        .gives(302)
        .post("/login", json(r#"{"email":"buyer21@shop.test","password":"correct horse"}"#))
        .with_page_token("/login")
        .post("/login", json(r#"{"email":7,"password":null}"#))
        .with_page_token("/login")
        .declined()
        .post("/login", form(&[]))
        .with_page_token("/login")
        .gives(422)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitors_cart_comes_along() {
    let scenario = parity("onboarding.login")
        .given(STOCKED)
        .given("DELETE carts FROM carts JOIN users ON users.id = user_id WHERE email = 'buyer23@shop.test'");
    // Into no cart, into the same one again, and into one that would become too full.
    let scenario = with_line(with_line(scenario, 7, 2), 9, 99)
        .post("/login", credentials("buyer23@shop.test", "correct horse"))
        .with_page_token("/login")
        .visitor();
    let scenario = with_line(with_line(scenario, 7, 3), 9, 1)
        .post("/login", credentials("buyer23@shop.test", "correct horse"))
        .with_page_token("/login")
        .visitor();
    let scenario = with_line(scenario, 7, 1)
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'FIVER') WHERE user_id IS NULL")
        .post("/login", credentials("buyer23@shop.test", "wrong"))
        .with_page_token("/login")
        .post("/login", credentials("buyer23@shop.test", "correct horse"))
        .with_page_token("/login")
        .visitor();
    with_line(scenario, 9, 1)
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'FIVER') WHERE user_id IS NULL")
        .post("/login", credentials("buyer23@shop.test", "correct horse"))
        .with_page_token("/login")
        .declined()
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_is_left_to_rails() {
    parity("onboarding.login")
        .post("/login", credentials("buyer21@shop.test", "correct horse"))
        .declined()
        .gives(422)
        .post("/login", credentials("buyer21@shop.test", "correct horse"))
        .with_form_token("/signup", "/signup")
        .declined()
        .run()
        .await;
}
