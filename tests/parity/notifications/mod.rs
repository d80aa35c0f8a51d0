//! `NotificationsController`, `Api::NotificationsController` and the extractions that replace them.

mod api_list;
mod list;
mod read;

use crate::two_shops::Scenario;

/// Signs in whoever has something unread, and takes its `{id}`.
fn with_unread(scenario: Scenario) -> Scenario {
    scenario
        .take("id", "SELECT MIN(id) FROM notifications WHERE read_at IS NULL")
        .take("user", "SELECT user_id FROM notifications WHERE id = {id}")
        .take("email", "SELECT email FROM users WHERE id = {user}")
        .signed_in("{email}")
}
