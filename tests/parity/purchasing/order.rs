//! `purchasing.order` answers as `OrdersController#show` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_to_its_buyer_only() {
    // The seeds have none that are pending or refunded.
    let mut scenario = parity("purchasing.order")
        .given("UPDATE orders SET status = 0 WHERE id = 3")
        .given("UPDATE orders SET status = 4 WHERE id = 5")
        .get("/orders/1")
        .gives(302);
    let mut orders: Vec<_> =
        (0..5).map(|it| format!("SELECT MIN(id) FROM orders WHERE status = {it}")).collect();
    orders.push("SELECT MIN(order_id) FROM returns".to_owned());
    orders.push("SELECT MIN(order_id) FROM returns WHERE state = 0".to_owned());
    for order in orders {
        scenario = scenario
            .take("order", &order)
            .take("email", "SELECT email FROM users JOIN orders ON users.id = user_id WHERE orders.id = {order}")
            .visitor()
            .signed_in("{email}")
            .get("/orders/{order}")
            .gives(200)
            .head("/orders/{order}");
    }
    for id in ["1", "0", "abc", "-1", "99999999999999999999", "{order}abc"] {
        scenario = scenario.get(&format!("/orders/{id}"));
    }
    scenario
        .given("UPDATE orders SET currency = 'CHF', number = 'SO <1>', total = 1234.5 WHERE id = {order}")
        .get("/orders/{order}")
        .given("UPDATE orders SET currency = 'USD' WHERE id = {order}")
        .get("/orders/{order}")
        .get("/orders/{order}?format=json")
        .declined()
        .run()
        .await;
}
