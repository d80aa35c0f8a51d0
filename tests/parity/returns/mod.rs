//! `ReturnsController`, `Admin::ReturnsController` and the extractions that replace them.

mod approve;
mod request;
mod review;
mod show;

use crate::two_shops::Scenario;

/// Signs in a buyer, and takes their `{order}`, which is confirmed and of which nothing has been sent
/// back, with its `{line}`, of which there are two.
fn with_order(scenario: Scenario) -> Scenario {
    scenario
        .take(
            "order",
            "SELECT MIN(id) FROM orders WHERE status = 1 AND id NOT IN (SELECT order_id FROM returns)",
        )
        .take("user", "SELECT user_id FROM orders WHERE id = {order}")
        .take("line", "SELECT MIN(id) FROM order_lines WHERE order_id = {order}")
        .given("UPDATE order_lines SET quantity = 2 WHERE id = {line}")
        .take("email", "SELECT email FROM users WHERE id = {user}")
        .signed_in("{email}")
}

/// Has a return of one unit of that line requested: `{return}`.
fn with_return(scenario: Scenario) -> Scenario {
    with_order(scenario)
        .given(
            "INSERT INTO returns (order_id, reason, created_at, updated_at) \
             VALUES ({order}, 'too <small>', '2024-06-01 12:00:00.5', '2024-06-01 12:00:00.5')",
        )
        .take("return", "SELECT MAX(id) FROM returns")
        .given(
            "INSERT INTO return_lines (return_id, order_line_id, quantity, created_at, updated_at) \
             VALUES ({return}, {line}, 1, '2024-06-01 12:00:00.5', '2024-06-01 12:00:00.5')",
        )
}
