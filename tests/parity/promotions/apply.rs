//! `promotions.apply` leaves what `CartPromotionsController#create` leaves.

use super::{CODES, with_promotions};
use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_applied_or_refused() {
    let mut scenario = with_promotions(parity("promotions.apply").given(STOCKED));
    for buyer in [None, Some("buyer10@shop.test")] {
        if let Some(buyer) = buyer {
            scenario = with_line(scenario.signed_in(buyer), 7, 3);
        }
        for code in CODES {
            scenario = scenario
                .post("/cart/promotion", form(&[("code", code)]))
                .with_page_token("/cart")
                .gives(302);
        }
        scenario = scenario.post("/cart/promotion", form(&[])).with_page_token("/cart");
    }
    scenario.run().await;
    let scenario = parity("promotions.apply").given(STOCKED);
    with_line(scenario, 7, 3)
        .post("/cart/promotion", form(&[("code", "WELCOME10")]))
        .with_form_token("/cart", "/cart/promotion")
        .gives(302)
        .post("/cart/promotion", form(&[("code", "WELCOME10")]))
        .declined()
        .post("/cart/promotion", form(&[("code[]", "WELCOME10")]))
        .with_page_token("/cart")
        .declined()
        .run()
        .await;
}
