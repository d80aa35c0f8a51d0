//! `catalog.browse` answers as `ProductsController#index` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_for_every_page_search_and_bad_input() {
    let mut scenario = parity("catalog.browse").get("/products").gives(200).head("/products");
    for query in queries() {
        scenario = scenario.get(&format!("/products?{query}"));
    }
    for path in ["/products/", "//products", "/products/?page=2"] {
        scenario = scenario.get(path);
    }
    scenario
        .head("/products?page=2&q=a")
        .signed_in("buyer3@shop.test")
        .get("/products?q=lamp")
        .get("/products?q=lamp")
        .visitor()
        .signed_in("admin@shop.test")
        .get("/products")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_the_same_for_all_products() {
    parity("catalog.browse")
        .spoils()
        .given("UPDATE products SET name = '<b> & \"ü\\'', category = 'a & <b>', subtitle = '<i>' WHERE id < 30")
        .given("UPDATE products SET currency = 'USD', rating = 5, price = 0 WHERE id < 10")
        .given("UPDATE variants SET stock = 0 WHERE id < 50")
        .get("/products?category=a+%26+%3Cb%3E")
        .get("/products?category=A+%26+%3CB%3E&sort=name")
        .get("/products?q=%3Cb%3E")
        .given("DELETE FROM products WHERE id > 21")
        .given("UPDATE products SET deleted_at = NULL")
        .get("/products")
        .get("/products?page=2")
        .given("UPDATE products SET deleted_at = NOW(6) WHERE id > 20")
        .get("/products")
        .given("UPDATE products SET deleted_at = NOW(6) WHERE id > 1")
        .get("/products")
        .given("UPDATE products SET deleted_at = NOW(6)")
        .get("/products")
        .get("/products?category=books")
        .run()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_is_left_to_rails() {
    let mut scenario = parity("catalog.browse");
    for path in [
        "/products?page[]=2",
        "/products?q[a]=b",
        "/products?sort[]=name",
        "/products?category[]=books&category[]=toys",
        "/products?page=99999999999999999999",
        "/products?q=%ff",
        "/products?q=%zz",
        "/products?format=xml",
        "/products.json",
    ] {
        scenario = scenario.get(path).declined().head(path).declined();
    }
    scenario
        .get("/products")
        .with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .get("/products")
        .with_header("accept", "application/json")
        .declined()
        .get("/products")
        .with_header("x-requested-with", "XMLHttpRequest")
        .declined()
        .run()
        .await;
}

/// Pages, orders and searches, sensible and not.
fn queries() -> Vec<String> {
    let mut queries: Vec<String> = Vec::new();
    for page in [
        "1", "2", "116", "117", "118", "5000", "0", "-1", "abc", "1.9", "", "+3", "0x2", "1_0",
        "%20%37",
    ] {
        queries.push(format!("page={page}"));
    }
    for sort in ["price_asc", "price_desc", "name", "", "nonsense", "a+b%26c"] {
        queries.push(format!("sort={sort}"));
        queries.push(format!("category=books&sort={sort}&page=2&unknown=1"));
    }
    for search in [
        "a",
        "LAMP",
        "%25",
        "_",
        "%5C",
        "%27",
        "%22",
        "caf%C3%A9",
        "cr%C3%A8me",
        "%F0%9F%98%80",
        "zzzz",
        "%20",
        "a+b",
        "%26%3Cb%3E*~%2B",
        "%00",
    ] {
        queries.push(format!("q={search}"));
        queries.push(format!("page=2&q={search}&sort=name"));
    }
    let others = [
        "category=nothing",
        "category=books",
        "category=BOOKS",
        "category=books%20",
        "category=",
        "category",
        "category=toys&q=mug&page=1",
        "page=1&page=2",
        "unknown[]=1",
        "page",
        "q",
        "q&sort&category&page=3",
        "&&",
        "a=1;page=3",
    ];
    queries.extend(others.map(str::to_owned));
    queries
}
