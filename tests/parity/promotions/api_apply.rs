//! `promotions.api_apply` leaves what `Api::CartPromotionsController#create` leaves.

use super::{CODES, with_promotions};
use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, json, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_applied_or_refused() {
    let mut scenario = with_promotions(parity("promotions.api_apply").given(STOCKED));
    for buyer in [None, Some("buyer11@shop.test")] {
        if let Some(buyer) = buyer {
            scenario = with_line(scenario.signed_in(buyer), 7, 3);
        }
        for code in CODES {
            let body = json(&format!("{{\"code\":\"{code}\"}}"));
            scenario = scenario.post("/api/cart/promotion", body).with_api_token();
        }
        for body in ["{}", r#"{"code":null}"#, r#"{"code":10}"#] {
            scenario = scenario.post("/api/cart/promotion", json(body)).with_api_token();
        }
    }
    scenario
        .post("/api/cart/promotion", form(&[("code", "WELCOME10")]))
        .with_api_token()
        .gives(200)
        .post("/api/cart/promotion", json(r#"{"code":"FIVER"}"#))
        .gives(422)
        .post("/api/cart/promotion", json(r#"{"code":["FIVER"]}"#))
        .with_api_token()
        .declined()
        .run()
        .await;
}
