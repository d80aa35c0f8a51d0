//! `catalog.product` answers as `ProductsController#show` does, and counts what it counts.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::parity,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_the_same_for_every_kind_of_product_and_bad_id() {
    let ids = (1..=40).chain(2380..=2402).map(|it| it.to_string());
    let odd = [
        "0",
        "-1",
        "007",
        "12abc",
        "abc",
        "1%20",
        "%31",
        "99999999999999999999",
        "caf%C3%A9",
        "1_0",
    ];
    let mut scenario = parity("catalog.product");
    for id in ids.chain(odd.map(str::to_owned)) {
        scenario = scenario.get(&format!("/products/{id}"));
    }
    scenario
        .take("deleted", "SELECT MIN(id) FROM products WHERE deleted_at IS NOT NULL")
        .get("/products/{deleted}")
        .gives(404)
        .head("/products/{deleted}")
        .head("/products/7")
        .get("/products/7")
        .get("/products/7/?unused[]=1")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_the_same_for_visitors_buyers_and_admins() {
    with_line(parity("catalog.product").given(STOCKED), 7, 2)
        .get("/products/3")
        .get("/products/3")
        .signed_in("buyer3@shop.test")
        .get("/products/3")
        .head("/products/3")
        .get("/products/0")
        .visitor()
        .signed_in("admin@shop.test")
        .get("/products/3")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_holds_is_shown_as_rails_shows_it() {
    parity("catalog.product")
        .spoils()
        .given("UPDATE products SET deleted_at = NULL WHERE id < 5")
        .given("UPDATE products SET name = '<b> & \"ü\\'', brand = '<i>', category = 'a&b', rating = NULL WHERE id = 1")
        .given("UPDATE products SET views_count = 0, price = 1234567.891, currency = 'CHF' WHERE id = 1")
        .given("UPDATE variants SET title = '<x> & y', stock = 0, price = 0.005 WHERE product_id = 1")
        .get("/products/1")
        .gives(200)
        .get("/products/1")
        .given("DELETE FROM variants WHERE product_id = 1")
        .given("UPDATE products SET category = 'a&b', subtitle = '<i>', rating = 3.25 WHERE id IN (2, 4)")
        .given("UPDATE products SET name = '', description = '', listed_at = NOW(6) + INTERVAL 3 DAY WHERE id = 1")
        .get("/products/1")
        .given("UPDATE products SET name = ' \u{a0}', description = 'a <i>b</i> & <b><i>c</i></b> > d', listed_at = NOW(6) WHERE id = 1")
        .get("/products/1")
        .given("UPDATE variants SET stock = -1 WHERE product_id = 2")
        .given("UPDATE products SET listed_at = NOW(6) - INTERVAL 40 DAY, rating = 4.05 WHERE id = 2")
        .get("/products/2")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_is_left_to_rails_and_counted_once() {
    parity("catalog.product")
        .spoils()
        .given("UPDATE products SET deleted_at = NULL WHERE id < 5")
        .given("UPDATE products SET description = 'a <a href=\"x\">b</a> <script>c</script> <b>d' WHERE id = 1")
        .get("/products/1")
        .declined()
        .given("UPDATE products SET rating = 1e200 WHERE id = 2")
        .get("/products/2")
        .declined()
        .get("/products/3")
        .with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get("/products/3")
        .with_header("accept", "application/json")
        .declined()
        .get("/products/3")
        .with_header("x-requested-with", "XMLHttpRequest")
        .declined()
        .get("/products/3?format=json")
        .declined()
        .get("/products/3.xml")
        .declined()
        .get("/products/3?a=%ff")
        .declined()
        .gives(400)
        .run()
        .await;
}
