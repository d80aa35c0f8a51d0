//! `onboarding.session_destroy` leaves what `Api::SessionsController#destroy` leaves.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_out_is_nobody_any_more() {
    parity("onboarding.session_destroy")
        .signed_in("buyer27@shop.test")
        .delete("/api/session")
        .gives(422)
        .delete("/api/session")
        .with_api_token()
        .gives(204)
        .delete("/api/session")
        .with_api_token()
        .visitor()
        .delete("/api/session")
        .gives(422)
        .run()
        .await;
}
