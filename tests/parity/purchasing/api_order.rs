//! `purchasing.api_order` answers as `Api::OrdersController#show` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_to_its_buyer_only() {
    let mut scenario = parity("purchasing.api_order").get("/api/orders/1").gives(401);
    for status in 0..5 {
        scenario = scenario
            .take("order", &format!("SELECT MIN(id) + {status} FROM orders"))
            .given(&format!("UPDATE orders SET status = {status} WHERE id = {{order}}"))
            .take("email", "SELECT email FROM users JOIN orders ON users.id = user_id WHERE orders.id = {order}")
            .visitor()
            .signed_in("{email}")
            .get("/api/orders/{order}")
            .gives(200)
            .head("/api/orders/{order}");
    }
    for id in ["1", "0", "abc", "-1", "99999999999999999999", "{order}abc", "%20{order}"] {
        scenario = scenario.get(&format!("/api/orders/{id}"));
    }
    scenario.run().await;
}
