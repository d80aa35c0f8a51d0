//! `catalog.show` answers as `Api::ProductsController#show` does.

use crate::two_shops::parity;

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_the_same_for_every_kind_of_product_and_bad_id() {
    let ids = (1..=120).chain(1900..=2010).map(|it| it.to_string());
    let odd = [
        "0",
        "-1",
        "007",
        "12abc",
        "abc",
        "1%20",
        "%31",
        "1%2F2",
        "99999999999999999999",
        "caf%C3%A9",
        "1_0",
    ];
    let mut scenario = parity("catalog.show");
    for id in ids.chain(odd.map(str::to_owned)) {
        let path = format!("/api/products/{id}");
        scenario = scenario.get(&path).head(&path);
    }
    scenario.run().await;
}
