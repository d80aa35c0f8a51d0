//! `purchasing.checkout` leaves what `CheckoutsController#create` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{Body, form, parity},
};

fn pay(token: &str) -> Body {
    form(&[("card_token", token)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_becomes_an_order_once() {
    let scenario = parity("purchasing.checkout").given(STOCKED).signed_in("buyer12@shop.test");
    with_line(with_line(with_line(scenario, 22, 2), 21, 1), 30, 4)
        .given(
            "UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'WELCOME10')",
        )
        .post("/checkout", pay("tok_declined"))
        .with_form_token("/cart", "/checkout")
        .gives(422)
        .post("/checkout", pay("tok_ok"))
        .with_form_token("/cart", "/checkout")
        .gives(302)
        .take("order", "SELECT MAX(id) FROM orders")
        .get("/orders/{order}")
        .declined()
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(422)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_changes_nothing() {
    let scenario = parity("purchasing.checkout")
        .given(STOCKED)
        .signed_in("buyer13@shop.test")
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(422);
    with_line(with_line(scenario, 24, 3), 23, 1)
        .given("UPDATE variants SET stock = 2 WHERE id = 24")
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(422)
        .given("UPDATE variants SET stock = 9 WHERE id = 24")
        .given("UPDATE products JOIN variants ON products.id = product_id SET deleted_at = NOW(6) WHERE variants.id = 23")
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(422)
        .given(STOCKED)
        .post("/checkout", form(&[]))
        .with_page_token("/cart")
        .gives(422)
        .post("/checkout", form(&[("card_token[]", "tok_ok")]))
        .with_page_token("/cart")
        .gives(422)
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .with_header("accept", "application/json")
        .gives(302)
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .with_header("accept", "application/json")
        .declined()
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_must_log_in() {
    with_line(parity("purchasing.checkout").given(STOCKED), 25, 1)
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(302)
        .post("/checkout", pay("tok_ok"))
        .declined()
        .signed_in("buyer14@shop.test")
        .post("/checkout", pay("tok_ok"))
        .with_header("x-csrf-token", "wrong")
        .declined()
        .post("/checkout", pay("tok_ok"))
        .with_page_token("/cart")
        .gives(302)
        .run()
        .await;
}
