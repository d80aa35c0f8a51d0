//! `onboarding.session` answers as `Api::SessionsController#show` does.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::parity,
};

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_who_they_are() {
    let scenario = parity("onboarding.session")
        .given(STOCKED)
        .get("/api/session")
        .head("/api/session")
        .get("/api/session?user=1");
    with_line(scenario, 7, 2)
        .get("/api/session")
        .signed_in("buyer24@shop.test")
        .get("/api/session")
        .head("/api/session")
        .given("UPDATE users SET name = 'A <b> & \"c\"' WHERE email = 'buyer24@shop.test'")
        .get("/api/session")
        .run()
        .await;
}
