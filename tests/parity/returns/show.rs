//! `returns.show` answers as `ReturnsController#show` does.

use super::with_return;
use crate::two_shops::parity;

const PATH: &str = "/returns/{return}";

#[tokio::test(flavor = "multi_thread")]
async fn a_return_looks_the_same() {
    let scenario = with_return(parity("returns.show").get("/returns/1").gives(302))
        .get(PATH)
        .gives(200)
        .head(PATH)
        .given("UPDATE orders SET subtotal = 30, discount = 10 WHERE id = {order}")
        .get(PATH)
        .given("UPDATE orders SET subtotal = 0, discount = 0 WHERE id = {order}")
        .get(PATH)
        .given("UPDATE returns SET state = 2, reason = ' ' WHERE id = {return}")
        .get(PATH)
        .given(
            "UPDATE returns SET state = 1, reason = '', refund_amount = 1234.5 WHERE id = {return}",
        )
        .get(PATH)
        .given("DELETE FROM return_lines WHERE return_id = {return}")
        .get(PATH);
    ["1", "0", "abc", "-1", "99999999999999999999"]
        .into_iter()
        .fold(scenario, |it, id| it.get(&format!("/returns/{id}")).gives(404))
        .get("/returns/{return}abc")
        .gives(200)
        .run()
        .await;
}
