//! `onboarding.login_form` answers as `SessionsController#new` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_the_same_for_visitors_buyers_and_admins() {
    parity("onboarding.login_form")
        .get("/login")
        .get("/login")
        .head("/login")
        .get("/login?email=a%22%3Cb%3E%40c")
        .get("/login?email")
        .get("/login?email[]=a")
        .declined()
        .get("/login")
        .with_header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get("/login")
        .with_header("Accept", "application/json")
        .declined()
        .get("/login")
        .with_header("X-Requested-With", "XMLHttpRequest")
        .declined()
        .get("/login?format=json")
        .declined()
        .signed_in("buyer1@shop.test")
        .get("/login")
        .get("/login")
        .signed_in("admin@shop.test")
        .get("/login?email=")
        .run()
        .await;
}
