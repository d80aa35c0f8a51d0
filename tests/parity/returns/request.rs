//! `returns.request` leaves what `ReturnsController#create` leaves.

use super::with_order;
use crate::two_shops::{Scenario, form, json, parity, raw};

const ORDER: &str = "/orders/{order}";
const PATH: &str = "/orders/{order}/returns";

/// Asks for a return with these fields.
fn asks(scenario: Scenario, fields: &[(&str, &str)]) -> Scenario {
    scenario.post(PATH, form(fields)).with_page_token(ORDER).gives(302)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_registered() {
    let scenario = with_order(parity("returns.request"))
        .take("last", "SELECT MAX(id) FROM order_lines WHERE order_id = {order}")
        .post(PATH, form(&[("quantities[{line}]", "1"), ("reason", "too <small> & “ü”")]))
        .with_form_token(ORDER, PATH)
        .gives(302)
        .given("UPDATE order_lines SET quantity = 9 WHERE order_id = {order}")
        .given("UPDATE orders SET status = 2 WHERE id = {order}");
    let long = "ä".repeat(201);
    let scenario = asks(scenario, &[("quantities[{line}]", "1"), ("reason", &long)]);
    let scenario = asks(scenario, &[("quantities[{line}]", "1"), ("reason", &long[..400])]);
    let scenario = asks(scenario, &[("quantities[{line}]", "1"), ("quantities[{last}]", "2")]);
    let scenario = asks(scenario, &[("quantities[{line}x]", "1"), ("quantities[0]", "0")]);
    scenario
        .post(PATH, json(r#"{"quantities":{"{line}":1},"reason":null}"#))
        .with_page_token(ORDER)
        .gives(302)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_back_is_said_alike() {
    let mut scenario = with_order(parity("returns.request"));
    for quantity in ["3", "0", "-1", "", "abc", "99999999999999999999"] {
        scenario = asks(scenario, &[("quantities[{line}]", quantity)]);
    }
    scenario = asks(scenario, &[]);
    scenario = asks(scenario, &[("quantities[{line}]", "1"), ("quantities[{line} ]", "99")]);
    for status in ["0", "3", "4"] {
        let sql = format!("UPDATE orders SET status = {status} WHERE id = {{order}}");
        scenario = asks(scenario.given(&sql), &[("quantities[{line}]", "1")]);
        scenario = asks(scenario, &[]);
    }
    scenario = scenario.given("UPDATE orders SET status = 1 WHERE id = {order}");
    for line in ["1", "0", "", "x", "99999999999999999999"] {
        let field = format!("quantities[{line}]");
        let fields = [("quantities[{line}]", "1"), (field.as_str(), "1")];
        let fields = form(if line.is_empty() { &fields[..0] } else { &fields });
        let status = if line.is_empty() { 302 } else { 404 };
        scenario = scenario.post(PATH, fields).with_page_token(ORDER).gives(status);
    }
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_and_odd_requests_get_the_same_answer() {
    let fields = || form(&[("quantities[{line}]", "1")]);
    let mut scenario = with_order(parity("returns.request"))
        .take("other", "SELECT MIN(id) FROM orders WHERE user_id <> {user}");
    for order in ["{other}", "0", "abc", "99999999999999999999"] {
        let path = format!("/orders/{order}/returns");
        scenario = scenario.post(&path, fields()).with_page_token(ORDER).gives(404);
    }
    scenario = scenario.post(PATH, fields()).declined().gives(422);
    for odd in ["quantities=1", "quantities[]=1", "quantities[1][]=1", "quantities[1][a]=1"] {
        let body = raw("application/x-www-form-urlencoded", odd);
        scenario = scenario.post(PATH, body).with_page_token(ORDER).declined().gives(500);
    }
    scenario.visitor().post(PATH, fields()).with_page_token("/login").gives(302).run().await;
}
