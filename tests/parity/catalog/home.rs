//! `catalog.home` answers as `HomeController#show` does.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::parity,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_for_visitors_buyers_and_admins() {
    let scenario = parity("catalog.home")
        .given(STOCKED)
        .get("/")
        .gives(200)
        .get("/")
        .head("/")
        .get("/?unused=1&q[]=a");
    with_line(scenario, 7, 2)
        .get("/")
        .signed_in("buyer3@shop.test")
        .get("/")
        .get("/")
        .head("/")
        .visitor()
        .signed_in("admin@shop.test")
        .get("/")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_for_all_products_and_promotions() {
    const NEW: &str = "ORDER BY listed_at DESC, id DESC LIMIT 1";
    const SEEN: &str = "ORDER BY views_count DESC, id LIMIT 1";
    parity("catalog.home")
        .spoils()
        .given(&format!("UPDATE products SET name = '<b> & \"ü\\'', subtitle = '<i>', rating = NULL, price = 12345.6, currency = 'CHF' {NEW}"))
        .given(&format!("UPDATE products SET name = '', subtitle = ' \u{a0}', rating = 4.25, currency = 'GBP' {SEEN}"))
        .get("/")
        .given("UPDATE variants SET stock = 0")
        .given("UPDATE products SET rating = 0.05, views_count = 7")
        .given("UPDATE promotions SET name = 'Cheap & <good>', automatic = TRUE")
        .get("/")
        .given("UPDATE promotions SET starts_at = NOW(6) + INTERVAL 1 DAY WHERE id = 1")
        .given("UPDATE promotions SET ends_at = NOW(6) - INTERVAL 1 DAY WHERE id = 2")
        .given("UPDATE promotions SET usage_limit = 3, used_count = 3 WHERE id = 3")
        .given("UPDATE products SET deleted_at = NOW(6) WHERE id > 4")
        .get("/")
        .given("UPDATE promotions SET automatic = FALSE")
        .given("UPDATE products SET deleted_at = NOW(6)")
        .get("/")
        .gives(200)
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_is_left_to_rails() {
    parity("catalog.home")
        .get("/")
        .with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get("/")
        .with_header("accept", "application/json")
        .declined()
        .get("/")
        .with_header("x-requested-with", "XMLHttpRequest")
        .declined()
        .get("/?format=json")
        .declined()
        .get("/?a=%ff")
        .declined()
        .gives(400)
        .run()
        .await;
}
