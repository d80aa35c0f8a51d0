//! `onboarding.signup_form` answers as `RegistrationsController#new` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_the_same_for_visitors_and_buyers() {
    parity("onboarding.signup_form")
        .get("/signup")
        .head("/signup")
        .get("/signup?user[name]=a")
        .signed_in("buyer28@shop.test")
        .get("/signup")
        .run()
        .await;
}
