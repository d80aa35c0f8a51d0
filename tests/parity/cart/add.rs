//! `cart.add` leaves what `CartLinesController#create` leaves.

use crate::{
    parity::STOCKED,
    two_shops::{Scenario, form, json, parity},
};

fn add(scenario: Scenario, fields: &[(&str, &str)]) -> Scenario {
    scenario.post("/cart/lines", form(fields)).with_page_token("/cart")
}

fn add_quantities(mut scenario: Scenario) -> Scenario {
    for quantity in ["", " ", "abc", "0", "-1", "100", "3.9", " 4", "99999999999999999999", "98"] {
        scenario = add(scenario, &[("variant_id", "9"), ("quantity", quantity)]);
    }
    scenario
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_and_a_buyer_fill_their_carts() {
    let mut scenario = parity("cart.add").given(STOCKED);
    for buyer in [None, Some("buyer4@shop.test")] {
        if let Some(buyer) = buyer {
            scenario = scenario.signed_in(buyer);
        }
        scenario = scenario
            .post("/cart/lines", form(&[("variant_id", "7"), ("quantity", "2")]))
            .with_form_token("/products/1", "/cart/lines")
            .gives(302);
        scenario = add(scenario, &[("variant_id", "7")]);
        scenario = add_quantities(scenario).get("/cart").declined();
    }
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bought_is_not_added() {
    let mut scenario = parity("cart.add")
        .given(STOCKED)
        .given("UPDATE variants SET stock = 0 WHERE id = 11")
        .given("UPDATE products JOIN variants ON products.id = product_id SET deleted_at = NOW(6) WHERE variants.id = 12");
    for id in ["11", "12", "0", "", "abc", "9999999", "99999999999999999999", "-1"] {
        scenario = add(scenario, &[("variant_id", id)]);
    }
    scenario = add(scenario, &[]);
    scenario = add(scenario, &[("variant_id", "11"), ("quantity", "0")]);
    scenario = add(scenario, &[("variant_id", "7abc"), ("quantity", "2")]).gives(302);
    // What is sold out may still become more of a line that there is.
    scenario = scenario.given("UPDATE variants SET stock = 0 WHERE id = 7");
    add(scenario, &[("variant_id", "7")]).get("/cart").declined().run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_token_is_left_to_rails() {
    parity("cart.add")
        .given(STOCKED)
        .post("/cart/lines", form(&[("variant_id", "7")]))
        .declined()
        .post("/cart/lines", form(&[("variant_id", "7"), ("authenticity_token", "wrong")]))
        .declined()
        .post("/cart/lines", form(&[("variant_id", "7")]))
        .with_page_token("/cart")
        .with_header("origin", "http://elsewhere.test")
        .declined()
        .post("/cart/lines", form(&[("variant_id[]", "7")]))
        .with_page_token("/cart")
        .declined()
        .post("/cart/lines", form(&[("variant_id", "7"), ("_method", "put")]))
        .with_page_token("/cart")
        .declined()
        .post("/cart/lines", json(r#"{"variant_id":7,"quantity":3}"#))
        .with_page_token("/cart")
        .gives(302)
        .run()
        .await;
}
