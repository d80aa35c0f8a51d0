//! `notifications.api_list` answers as `Api::NotificationsController#index` does.

use super::with_unread;
use crate::two_shops::parity;

const PATH: &str = "/api/notifications";

#[tokio::test(flavor = "multi_thread")]
async fn scripts_get_the_same_list() {
    with_unread(parity("notifications.api_list").get(PATH).gives(401).head(PATH))
        .get(PATH)
        .gives(200)
        .head(PATH)
        .get("/api/notifications?page=2&q[]=x")
        .get("/api/notifications?a=%ff")
        .declined()
        .given("UPDATE notifications SET path = NULL, message = '<b> & “ü”' WHERE id = {id}")
        .get(PATH)
        .given("DELETE FROM notifications WHERE user_id = {user}")
        .get(PATH)
        .run()
        .await;
}
