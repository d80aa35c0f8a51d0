//! `cart.api_add` leaves what `Api::CartLinesController#create` leaves.

use crate::{
    parity::STOCKED,
    two_shops::{form, json, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_and_a_buyer_fill_their_carts() {
    let mut scenario = parity("cart.api_add")
        .given(STOCKED)
        .given("UPDATE variants SET stock = 0 WHERE id = 11")
        .given("UPDATE products JOIN variants ON products.id = product_id SET deleted_at = NOW(6) WHERE variants.id = 12");
    for buyer in [None, Some("buyer8@shop.test")] {
        if let Some(buyer) = buyer {
            scenario = scenario.signed_in(buyer);
        }
        for body in [
            r#"{"variant_id":11}"#,
            r#"{"variant_id":7}"#,
            r#"{"variant_id":7,"quantity":2}"#,
            r#"{"variant_id":"8","quantity":"3"}"#,
            r#"{"variant_id":11,"quantity":0}"#,
            r#"{"variant_id":12}"#,
            r#"{"variant_id":9,"quantity":100}"#,
            r#"{"variant_id":9,"quantity":-1}"#,
            r#"{"variant_id":9,"quantity":null}"#,
            r#"{"variant_id":9,"quantity":"abc"}"#,
            r#"{"variant_id":9,"quantity":false}"#,
            r#"{"variant_id":0}"#,
            r#"{"variant_id":null}"#,
            r#"{"variant_id":""}"#,
            "{}",
            "",
        ] {
            scenario = scenario.post("/api/cart/lines", json(body)).with_api_token();
        }
        let fields = form(&[("variant_id", "20"), ("quantity", "2")]);
        scenario = scenario.post("/api/cart/lines", fields).with_api_token().gives(201);
    }
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_and_odd_parameters_are_left_to_rails() {
    parity("cart.api_add")
        .given(STOCKED)
        .post("/api/cart/lines", json(r#"{"variant_id":7}"#))
        .gives(422)
        .post("/api/cart/lines", json(r#"{"variant_id":7}"#))
        .with_header("x-csrf-token", "wrong")
        .gives(422)
        .post("/api/cart/lines", json(r#"{"variant_id":7}"#))
        .with_api_token()
        .with_header("origin", "http://elsewhere.test")
        .gives(422)
        .post("/api/cart/lines", json(r#"{"variant_id":[7]}"#))
        .with_api_token()
        .declined()
        .post("/api/cart/lines", json(r#"{"variant_id":7,"quantity":true}"#))
        .with_api_token()
        .declined()
        .post("/api/cart/lines", json(r#"{"variant_id":7"#))
        .with_api_token()
        .declined()
        .run()
        .await;
}
