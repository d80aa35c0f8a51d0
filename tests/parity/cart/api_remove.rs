//! `cart.api_remove` leaves what `Api::CartLinesController#destroy` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_removed_and_then_there_is_none() {
    with_line(with_line(parity("cart.api_remove").given(STOCKED), 7, 2), 8, 1)
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .delete("/api/cart/lines/{line}")
        .gives(422)
        .delete("/api/cart/lines/{line}")
        .with_api_token()
        .gives(200)
        .delete("/api/cart/lines/{line}")
        .with_api_token()
        .gives(404)
        .delete("/api/cart/lines/abc")
        .with_api_token()
        .delete("/api/cart/lines/99999999999999999999")
        .with_api_token()
        .take("line", "SELECT MAX(id) FROM cart_lines")
        .post("/api/cart/lines/{line}", form(&[]))
        .with_api_token()
        .declined()
        .visitor()
        .delete("/api/cart/lines/{line}")
        .with_api_token()
        .gives(404)
        .signed_in("buyer9@shop.test")
        .post("/api/cart/lines/{line}", form(&[("_method", "delete")]))
        .with_api_token()
        .gives(404)
        .run()
        .await;
}
