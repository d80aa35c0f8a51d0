//! `purchasing.orders` answers as `OrdersController#index` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn a_buyers_orders_are_listed() {
    parity("purchasing.orders")
        .get("/orders")
        .gives(302)
        .head("/orders")
        .signed_in("buyer17@shop.test")
        .get("/orders")
        .gives(200)
        .head("/orders")
        .get("/orders.csv")
        .declined()
        .get("/orders")
        .with_header("accept", "text/csv")
        .declined()
        .get("/orders?format=csv")
        .declined()
        .given("UPDATE orders JOIN users ON users.id = user_id SET placed_at = NOW(6) - INTERVAL 3 DAY, currency = 'GBP' WHERE email = 'buyer17@shop.test'")
        .get("/orders")
        .given("DELETE returns FROM returns JOIN orders ON orders.id = order_id JOIN users ON users.id = user_id WHERE email = 'buyer17@shop.test'")
        .given("DELETE orders FROM orders JOIN users ON users.id = user_id WHERE email = 'buyer17@shop.test'")
        .get("/orders")
        .visitor()
        .signed_in("admin@shop.test")
        .get("/orders")
        .run()
        .await;
}
