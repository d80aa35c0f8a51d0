//! `purchasing.api_checkout` leaves what `Api::CheckoutsController#create` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, json, nothing, parity},
};

const PAY: &str = r#"{"card_token":"tok_ok"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_becomes_an_order_once() {
    let mut scenario =
        parity("purchasing.api_checkout").given(STOCKED).signed_in("buyer15@shop.test");
    for code in ["WELCOME10", "FIVER", "3FOR2", "EXPIRED", "AUTO-BULK"] {
        scenario = with_line(with_line(scenario, 32, 3), 31, 1)
            .given(&format!(
                "UPDATE carts SET promotion_id = (SELECT id FROM promotions WHERE code = '{code}')"
            ))
            .post("/api/checkout", json(PAY))
            .with_api_token()
            .gives(201);
    }
    with_line(scenario, 33, 9)
        .given("UPDATE carts SET promotion_id = 999999")
        .post("/api/checkout", form(&[("card_token", "tok_ok")]))
        .with_api_token()
        .gives(201)
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(422)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_changes_nothing() {
    let scenario = parity("purchasing.api_checkout")
        .given(STOCKED)
        .post("/api/checkout", nothing())
        .gives(422)
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(401)
        .signed_in("buyer16@shop.test")
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(422);
    let mut scenario = with_line(with_line(scenario, 35, 3), 34, 1)
        .given("UPDATE variants SET stock = 2 WHERE id = 35")
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(422)
        .given("UPDATE variants SET stock = 3 WHERE id = 35")
        .given("UPDATE variants SET stock = 0 WHERE id = 34")
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(422)
        .given(STOCKED);
    for token in
        ["{}", r#"{"card_token":null}"#, r#"{"card_token":7}"#, r#"{"card_token":"tok_no"}"#]
    {
        scenario = scenario.post("/api/checkout", json(token)).with_api_token().gives(422);
    }
    scenario
        .post("/api/checkout", json(PAY))
        .with_header("x-csrf-token", "wrong")
        .gives(422)
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(201)
        .given("DELETE returns FROM returns JOIN orders ON orders.id = order_id JOIN users ON users.id = user_id WHERE email = 'buyer16@shop.test'")
        .given("DELETE FROM users WHERE email = 'buyer16@shop.test'")
        .post("/api/checkout", json(PAY))
        .with_api_token()
        .gives(401)
        .run()
        .await;
}
