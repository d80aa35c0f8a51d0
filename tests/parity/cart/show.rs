//! `cart.show` answers as `CartsController#show` does.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::parity,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_for_every_cart() {
    let scenario = parity("cart.show")
        .given(STOCKED)
        .given("UPDATE products JOIN variants ON products.id = product_id SET name = 'A <b> & \"c\"' WHERE variants.id = 8")
        .get("/cart")
        .head("/cart")
        .get("/cart?unused=1");
    let scenario = with_line(with_line(scenario, 7, 2), 8, 1)
        .get("/cart")
        .head("/cart")
        // What cannot be bought any more stays in the cart.
        .given("UPDATE products JOIN variants ON products.id = product_id SET deleted_at = NOW(6) WHERE variants.id = 8")
        .get("/cart")
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'FIVER')")
        .get("/cart")
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'EXPIRED')")
        .get("/cart")
        .given("UPDATE carts SET promotion_id = 999999")
        .get("/cart")
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = '3FOR2')")
        .get("/cart")
        // With a line that cannot be taken over, a promotion keeps them from logging in.
        .given("UPDATE carts SET promotion_id = NULL")
        .signed_in("buyer3@shop.test")
        .get("/cart");
    with_line(scenario, 30, 99).get("/cart").run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_once_and_a_cart_that_is_gone_is_none() {
    with_line(parity("cart.show").given(STOCKED), 7, 2)
        .post("/cart/promotion", crate::two_shops::form(&[("code", "nonsense")]))
        .with_page_token("/cart")
        .declined()
        .get("/cart")
        .get("/cart")
        .given("DELETE FROM cart_lines")
        .given("DELETE FROM carts")
        .get("/cart")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_formats_are_left_to_rails() {
    parity("cart.show")
        .get("/cart")
        .with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get("/cart")
        .with_header("accept", "application/json")
        .declined()
        .get("/cart?format=json")
        .declined()
        .get("/cart")
        .with_header("x-requested-with", "XMLHttpRequest")
        .declined()
        .run()
        .await;
}
