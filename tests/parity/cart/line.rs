//! `cart.line` leaves what `CartLinesController#update` and `#destroy` leave.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, json, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_changed_for_every_quantity() {
    for buyer in [None, Some("buyer5@shop.test")] {
        let mut scenario = parity("cart.line").given(STOCKED);
        if let Some(buyer) = buyer {
            scenario = scenario.signed_in(buyer);
        }
        let mut scenario = with_line(scenario, 7, 2)
            .take("line", "SELECT MAX(id) FROM cart_lines")
            .patch("/cart/lines/{line}", form(&[("quantity", "5")]))
            .with_form_token("/cart", "/cart/lines/{line}")
            .gives(302)
            .post("/cart/lines/{line}", form(&[("quantity", "6"), ("_method", "patch")]))
            .with_form_token("/cart", "/cart/lines/{line}")
            .gives(302);
        for quantity in [
            "6",
            "0",
            "-3",
            "100",
            "abc",
            "",
            " ",
            "1.5",
            " 5 ",
            "+8",
            "0x1f",
            "1e1",
            "007",
            "99999999999999999999",
        ] {
            scenario = scenario
                .patch("/cart/lines/{line}", form(&[("quantity", quantity)]))
                .with_page_token("/cart");
        }
        scenario
            .patch("/cart/lines/{line}", form(&[]))
            .with_page_token("/cart")
            .patch("/cart/lines/{line}", json(r#"{"quantity":9}"#))
            .with_page_token("/cart")
            .patch("/cart/lines/{line}", json(r#"{"quantity":9.5}"#))
            .with_page_token("/cart")
            .patch("/cart/lines/{line}", json(r#"{"quantity":null}"#))
            .with_page_token("/cart")
            .patch("/cart/lines/{line}", form(&[("quantity[]", "1")]))
            .with_page_token("/cart")
            .declined()
            .run()
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_removed_and_then_there_is_none() {
    with_line(with_line(parity("cart.line").given(STOCKED), 7, 2), 8, 1)
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .post("/cart/lines/{line}", form(&[("_method", "delete")]))
        .with_form_token("/cart", "/cart/lines/{line}")
        .gives(302)
        .delete("/cart/lines/{line}")
        .with_page_token("/cart")
        .gives(404)
        .patch("/cart/lines/{line}", form(&[("quantity", "2")]))
        .with_page_token("/cart")
        .gives(404)
        .patch("/cart/lines/abc", form(&[("quantity", "2")]))
        .with_page_token("/cart")
        .delete("/cart/lines/99999999999999999999")
        .with_page_token("/cart")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_lines_are_not_found() {
    with_line(parity("cart.line").given(STOCKED), 7, 2)
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .visitor()
        .delete("/cart/lines/{line}")
        .with_page_token("/cart")
        .gives(404)
        .signed_in("buyer6@shop.test")
        .patch("/cart/lines/{line}", form(&[("quantity", "1")]))
        .with_page_token("/cart")
        .gives(404)
        .delete("/cart/lines/{line}")
        .declined()
        .post("/cart/lines/{line}", form(&[("quantity", "1")]))
        .with_page_token("/cart")
        .declined()
        .run()
        .await;
}
