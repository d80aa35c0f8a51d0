//! `onboarding.logout` leaves what `SessionsController#destroy` leaves.

use crate::two_shops::{form, parity};

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_is_nobody_any_more() {
    parity("onboarding.logout")
        .signed_in("buyer2@shop.test")
        .post("/logout", form(&[("_method", "delete")]))
        .with_form_token("/products", "/logout")
        .delete("/logout")
        .with_page_token("/products")
        .visitor()
        .post("/logout", form(&[("_method", "delete")]))
        .with_page_token("/products")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_logs_nobody_out() {
    parity("onboarding.logout")
        .signed_in("buyer2@shop.test")
        .post("/logout", form(&[("_method", "delete"), ("authenticity_token", "x")]))
        .declined()
        .post("/logout", form(&[("_method", "delete")]))
        .with_form_token("/products", "/logout")
        .with_header("Origin", "http://evil.test")
        .declined()
        .run()
        .await;
}
