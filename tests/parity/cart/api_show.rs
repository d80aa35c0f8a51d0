//! `cart.api_show` answers as `Api::CartsController#show` does.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::parity,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_is_the_same_in_every_state() {
    let scenario = parity("cart.api_show").given(STOCKED).get("/api/cart").head("/api/cart");
    let scenario = with_line(with_line(scenario, 7, 2), 8, 1)
        .get("/api/cart")
        .head("/api/cart")
        .given("UPDATE variants SET stock = 1 WHERE id = 7")
        .get("/api/cart")
        .with_header("accept", "text/html")
        .given(
            "UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'WELCOME10')",
        )
        .get("/api/cart")
        .given("UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = 'EXPIRED')")
        .get("/api/cart?page[]=1")
        .signed_in("buyer7@shop.test")
        .get("/api/cart");
    with_line(scenario, 9, 99)
        .get("/api/cart")
        .given("DELETE returns FROM returns JOIN orders ON orders.id = order_id JOIN users ON users.id = user_id WHERE email = 'buyer7@shop.test'")
        .given("DELETE FROM users WHERE email = 'buyer7@shop.test'")
        .get("/api/cart")
        .run()
        .await;
}
