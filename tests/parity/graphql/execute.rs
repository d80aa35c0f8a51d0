//! `graphql.execute` answers as `GraphqlController#execute` does.

use serde_json::{Value, json};

use crate::{
    parity::STOCKED,
    two_shops::{Body, Scenario, form, json, nothing, parity},
};

fn query(query: &str, variables: &Value) -> Body {
    json(&json!({ "query": query, "variables": variables }).to_string())
}

/// Rust must answer each.
fn asked(scenario: Scenario, body: Body) -> Scenario {
    scenario.post("/graphql", body).with_api_token().gives(200)
}

const PRODUCT: &str =
    "query Page($id: ID!) { product(id: $id) { ...All related { id name price } } }
    fragment All on Product {
      id name slug subtitle description price currency category brand tags rating inStock listedAt
      variants { id sku title price stock __typename }
    }";

#[tokio::test(flavor = "multi_thread")]
async fn products_are_the_same() {
    let mut scenario = parity("graphql.execute")
        .given("UPDATE products SET deleted_at = NOW(6) WHERE id = 12")
        .given("UPDATE variants SET stock = 0 WHERE product_id = 13")
        .given("UPDATE products SET rating = NULL, subtitle = NULL WHERE id = 14")
        .given("UPDATE products SET rating = 4, tags = '[]' WHERE id = 15");
    for id in [
        json!(11),
        json!("11"),
        json!("11abc"),
        json!(12),
        json!(13),
        json!(14),
        json!(15),
        json!(2400),
        json!(0),
        json!(-1),
        json!(""),
        json!("junk"),
        json!("99999999999999999999"),
    ] {
        scenario = asked(scenario, query(PRODUCT, &json!({ "id": id })));
    }
    for text in [
        "{ products { id name } }",
        "{ products(page: 2) { id: name price listedAt inStock } }",
        "{ products(page: 0) { id } }",
        "{ products(page: -5) { id } }",
        "{ products(page: null, query: null) { id tags } }",
        "{ products(page: 100000) { id } }",
        "{ products(query: \"lamp\") { name variants { sku stock } } }",
        "{ products(query: \" \") { name } }",
        "{ products(query: \"\\u00e9%_\\\\\") { name } }",
        "{ products(query: \"lamp\", page: 2) { ... on Product { name } ... { id } __typename } }",
        "{ a: product(id: 11) { id } b: product(id: 16) { name } __typename }",
        "{ product(id: 11) { id @skip(if: true) name @include(if: true) } }",
    ] {
        scenario = asked(scenario, query(text, &json!({})));
    }
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cart_is_filled_and_shown() {
    const CART: &str = "{ cart { count subtotal discount shipping total
        lines { id quantity total variant { id sku title price stock } } } }";
    const ADD: &str = "mutation Add($variant: ID!, $quantity: Int) {
        addToCart(variantId: $variant, quantity: $quantity) { count total lines { quantity } } }";
    let mut scenario = parity("graphql.execute")
        .given(STOCKED)
        .given("UPDATE variants SET stock = 0 WHERE id = 11")
        .given("UPDATE products JOIN variants ON products.id = product_id SET deleted_at = NOW(6) WHERE variants.id = 12");
    for buyer in [None, Some("buyer8@shop.test")] {
        if let Some(buyer) = buyer {
            scenario = scenario.signed_in(buyer);
        }
        scenario = asked(scenario, query(CART, &json!({})));
        for variables in [
            json!({ "variant": 0 }),
            json!({ "variant": 11 }),
            json!({ "variant": 12, "quantity": 2 }),
            json!({ "variant": "7" }),
            json!({ "variant": 7, "quantity": 2 }),
            json!({ "variant": 8, "quantity": 0 }),
            json!({ "variant": 8, "quantity": -1 }),
            json!({ "variant": 8, "quantity": 100 }),
            json!({ "variant": 11, "quantity": i32::MAX }),
            json!({ "variant": 8, "quantity": "2" }),
            json!({ "quantity": 2 }),
        ] {
            scenario = asked(scenario, query(ADD, &variables));
        }
        for text in [
            "mutation { a: addToCart(variantId: 9) { count } b: addToCart(variantId: 10, quantity: 3) { count total } }",
            "mutation { a: addToCart(variantId: 9, quantity: 100) { count } b: addToCart(variantId: 10) { count } c: addToCart(variantId: 0) { count } }",
            "mutation { a: addToCart(variantId: 11) { count } b: addToCart(variantId: 7) { count } }",
            "mutation { __typename }",
        ] {
            scenario = asked(scenario, query(text, &json!({})));
        }
        scenario = asked(scenario, query(CART, &json!({})));
        scenario = asked(
            scenario,
            query("{ cart { total } a: cart { count } cart { lines { total } } }", &json!({})),
        );
    }
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_the_same_words() {
    let mut scenario = parity("graphql.execute");
    for (text, variables) in [
        ("", json!({})),
        ("{ cart { count }", json!({})),
        ("{ cart { count } } }", json!({})),
        ("{ cart { nope } product { nah } }", json!({})),
        ("{ product(idd: 1) { foo } }", json!({})),
        ("{ products(page: \"2\") { id } }", json!({})),
        ("{ cart }", json!({})),
        ("{ ...F }", json!({})),
        ("query($id: ID!) { product(id: $id) { id } }", json!({})),
        ("query($id: ID!) { product(id: $id) { id } }", json!({ "id": 1.5 })),
        ("query($id: ID!) { product(id: $id) { id } }", json!({ "id": true })),
        ("query($p: Int) { products(page: $p) { id } }", json!({ "p": "a<b>\u{e9}\"" })),
        ("query($p: Int) { products(page: $p) { id } }", json!({ "p": 2_147_483_648_i64 })),
        ("query($p: Int) { cart { count } }", json!({ "p": 1 })),
        ("query($p: ID) { products(page: $p) { id } }", json!({ "p": 1 })),
        ("query A { cart { count } } query B { cart { total } }", json!({})),
        (
            "{ product(id: 1) { related { related { related { related { related { related { related { related { related { id } } } } } } } } } } }",
            json!({}),
        ),
    ] {
        scenario = asked(scenario, query(text, &variables));
    }
    let body = |it: &Value| json(&it.to_string());
    for it in [
        json!({}),
        json!({ "query": null }),
        json!({ "query": "query A { cart { count } } query B { cart { total } }", "operationName": "B" }),
        json!({ "query": "query A { cart { count } }", "operationName": "C" }),
        json!({ "query": "query A { cart { count } }", "operationName": null, "variables": null }),
        json!({ "query": "query($p: Int) { products(page: $p) { id } }", "variables": "{\"p\":2}" }),
        json!({ "query": "query($p: Int) { products(page: $p) { id } }", "variables": "" }),
        json!({ "query": "query($p: Int) { products(page: $p) { id } }", "variables": [1] }),
    ] {
        scenario = asked(scenario, body(&it));
    }
    scenario = asked(
        scenario,
        form(&[("query", "query($id: ID!) { product(id: $id) { id } }"), ("variables[id]", "7")]),
    );
    scenario = asked(scenario, form(&[("query", "{ cart { count } }")]));
    scenario.run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rare_is_left_to_rails() {
    let mut scenario = parity("graphql.execute");
    for text in [
        "{ __schema { types { name } } }",
        "{ __type(name: \"Cart\") { name } }",
        "subscription { cart { count } }",
        "{ a: product(id: 1) { id } a: product(id: 2) { id } }",
        "{ ...F } fragment F on Query { ...F }",
        "{ cart @nope { count } }",
        "{ products(query: \"\"\"a\"\"\") { id } }",
        "mutation { addToCart(variantId: [7]) { count } }",
    ] {
        scenario = scenario.post("/graphql", query(text, &json!({}))).with_api_token().declined();
    }
    let null = "mutation { addToCart(variantId: 7, quantity: null) { count } }";
    scenario = scenario.post("/graphql", query(null, &json!({}))).with_api_token().declined();
    scenario
        .post("/graphql", query("{ cart { count } }", &json!({})))
        .gives(422)
        .post("/graphql", query("{ cart { count } }", &json!({})))
        .with_header("x-csrf-token", "wrong")
        .gives(422)
        .post("/graphql", json("{\"query\":1}"))
        .with_api_token()
        .declined()
        .post("/graphql", json("{\"query\":\"{ cart { count } }\",\"variables\":\"{\"}"))
        .with_api_token()
        .declined()
        .post("/graphql", nothing())
        .with_api_token()
        .gives(200)
        .run()
        .await;
}
