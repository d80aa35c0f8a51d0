//! `catalog.list` answers as `Api::ProductsController#index` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_the_same_for_every_page_search_and_bad_input() {
    let declined = [
        "/api/products?page[]=2",
        "/api/products?q[a]=b",
        "/api/products?page=99999999999999999999",
    ];
    let mut scenario = parity("catalog.list");
    for path in &queries() {
        scenario = scenario.get(path).head(path);
    }
    for path in declined {
        scenario = scenario.get(path).declined().head(path).declined();
    }
    scenario.run().await;
}

/// Pages, sizes, orders and searches, sensible and not.
fn queries() -> Vec<String> {
    let mut queries: Vec<String> = Vec::new();
    for page in [
        "1", "2", "99", "100", "101", "5000", "0", "-1", "abc", "1.9", "", "+3", "0x2", "1_0",
        "%20%37",
    ] {
        queries.push(format!("page={page}"));
        queries.push(format!("page={page}&per_page=7&sort=name"));
    }
    for per_page in ["0", "1", "3", "100", "101", "-5", "abc", "", "%20"] {
        queries.push(format!("per_page={per_page}"));
    }
    for sort in ["price_asc", "price_desc", "name", "", "nonsense", "PRICE_ASC", "id;drop"] {
        queries.push(format!("sort={sort}&per_page=30"));
        queries.push(format!("sort={sort}&category=books&page=2"));
    }
    for search in [
        "a",
        "lamp",
        "LAMP",
        "%25",
        "_",
        "%5C",
        "%27",
        "%22",
        "caf%C3%A9",
        "%C3%9F",
        "%F0%9F%98%80",
        "zzzz",
        "%20",
        "a+b",
    ] {
        queries.push(format!("q={search}"));
        queries.push(format!("q={search}&sort=name&per_page=50"));
    }
    queries.extend(
        [
            "category=nothing",
            "page=1&page=2",
            "unknown=1",
            "page",
            "q",
            "format=xml",
            "&&",
            "a=1;page=3",
        ]
        .map(str::to_owned),
    );
    let mut paths: Vec<_> = queries.into_iter().map(|it| format!("/api/products?{it}")).collect();
    paths.extend(["/api/products", "/api/products/", "//api/products"].map(str::to_owned));
    paths
}
