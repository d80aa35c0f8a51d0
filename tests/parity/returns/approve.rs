//! `returns.approve` leaves what `Admin::ReturnsController#approve` leaves, the job included.

use super::with_return;
use crate::two_shops::{Scenario, form, parity};

const PAGE: &str = "/admin/returns";
const PATH: &str = "/admin/returns/{return}/approve";

fn before_an_admin() -> Scenario {
    with_return(parity("returns.approve")).signed_in("admin@shop.test")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_approved_once() {
    before_an_admin()
        .post(PATH, form(&[]))
        .with_form_token(PAGE, PATH)
        .gives(302)
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(302)
        .given("UPDATE returns SET state = 2 WHERE id = {return}")
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(302)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lines_of_one_variant_go_back_together() {
    before_an_admin()
        .given(
            "INSERT INTO return_lines (return_id, order_line_id, quantity, created_at, updated_at) \
             SELECT {return}, 1, 3, created_at, created_at FROM returns WHERE id = {return}",
        )
        .given("UPDATE order_lines SET quantity = 5 WHERE id = {line}")
        .given(
            "INSERT INTO return_lines (return_id, order_line_id, quantity, created_at, updated_at) \
             SELECT {return}, {line}, 2, created_at, created_at FROM returns WHERE id = {return}",
        )
        .given("UPDATE orders SET subtotal = 30, discount = 10 WHERE id = {order}")
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(302)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_an_order_that_comes_back_whole_is_told() {
    before_an_admin()
        .given("DELETE FROM order_lines WHERE order_id = {order} AND id <> {line}")
        .given("UPDATE order_lines SET quantity = 1 WHERE id = {line}")
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(302)
        .given("UPDATE returns SET state = 0 WHERE id = {return}")
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(302)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_of_what_cannot_be_approved() {
    let scenario = with_return(parity("returns.approve"))
        .post(PATH, form(&[]))
        .with_page_token("/")
        .gives(404)
        .visitor()
        .post(PATH, form(&[]))
        .with_page_token("/login")
        .gives(404)
        .signed_in("admin@shop.test")
        .post(PATH, form(&[]))
        .declined()
        .gives(422);
    ["0", "abc", "99999999999999999999"]
        .into_iter()
        .fold(scenario, |it, id| {
            let path = format!("/admin/returns/{id}/approve");
            it.post(&path, form(&[])).with_page_token(PAGE).gives(404)
        })
        .given("DELETE FROM payments WHERE order_id = {order}")
        .post(PATH, form(&[]))
        .with_page_token(PAGE)
        .gives(404)
        .run()
        .await;
}
