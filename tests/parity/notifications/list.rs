//! `notifications.list` answers as `NotificationsController#index` does.

use super::with_unread;
use crate::two_shops::parity;

const PATH: &str = "/notifications";

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_sees_the_same_page() {
    with_unread(parity("notifications.list").get(PATH).gives(302).head(PATH))
        .get(PATH)
        .gives(200)
        .head(PATH)
        .get("/notifications/?page=2")
        .get("/notifications?a=%ff")
        .declined()
        .given("UPDATE notifications SET path = NULL, message = '<b> & “ü”' WHERE id = {id}")
        .get(PATH)
        .given("UPDATE notifications SET path = '/a?b=1&c=\"' WHERE id = {id}")
        .get(PATH)
        .given("DELETE FROM notifications WHERE user_id = {user}")
        .get(PATH)
        .signed_in("admin@shop.test")
        .get(PATH)
        .run()
        .await;
}
