//! `notifications.read` leaves what `NotificationsController#read` leaves.

use super::with_unread;
use crate::two_shops::{form, json, nothing, parity, raw};

const PATH: &str = "/notifications/{id}/read";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_read_once() {
    with_unread(parity("notifications.read"))
        .post(PATH, form(&[]))
        .with_form_token("/notifications", PATH)
        .gives(302)
        .post(PATH, form(&[]))
        .with_page_token("/notifications")
        .gives(302)
        .given("UPDATE notifications SET read_at = NULL WHERE id = {id}")
        .post("/notifications/{id}abc/read", nothing())
        .with_page_token("/notifications")
        .given("UPDATE notifications SET read_at = NULL WHERE id = {id}")
        .post(PATH, json("{}"))
        .with_page_token("/notifications")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_buyers_own_stays_unread() {
    let mut scenario = with_unread(parity("notifications.read"))
        .take("other", "SELECT MIN(id) FROM notifications WHERE user_id <> {user}");
    for id in ["{other}", "0", "-1", "abc", "99999999999999999999"] {
        let path = format!("/notifications/{id}/read");
        scenario = scenario.post(&path, form(&[])).with_page_token("/notifications").gives(404);
    }
    scenario
        .post(PATH, form(&[]))
        .declined()
        .gives(422)
        .post(PATH, form(&[("authenticity_token", "junk")]))
        .declined()
        .post(PATH, form(&[("_method", "delete")]))
        .with_page_token("/notifications")
        .declined()
        .post(PATH, raw("text/plain", "a"))
        .with_page_token("/notifications")
        .declined()
        .visitor()
        .post(PATH, form(&[]))
        .with_page_token("/login")
        .gives(302)
        .run()
        .await;
}
