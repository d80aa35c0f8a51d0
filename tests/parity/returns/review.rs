//! `returns.review` answers as `Admin::ReturnsController#index` does.

use super::with_return;
use crate::two_shops::parity;

const PATH: &str = "/admin/returns";

#[tokio::test(flavor = "multi_thread")]
async fn the_back_office_sees_the_same_page() {
    with_return(parity("returns.review").get(PATH).gives(404))
        .get(PATH)
        .gives(404)
        .signed_in("admin@shop.test")
        .get(PATH)
        .gives(200)
        .head(PATH)
        .given("UPDATE returns SET state = 2 WHERE id = {return}")
        .get(PATH)
        .given("DELETE FROM return_lines WHERE return_id = {return}")
        .get("/admin/returns?page=2")
        .run()
        .await;
}
