//! `onboarding.session_create` leaves what `Api::SessionsController#create` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{form, json, parity},
};

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_password_is_let_in() {
    let scenario = parity("onboarding.session_create").given(STOCKED);
    let mut scenario = with_line(scenario, 7, 2);
    for (body, status) in [
        (r#"{"email":"buyer25@shop.test","password":"wrong"}"#, 422),
        (r#"{"email":"buyer25@shop.test","password":"correct horse"}"#, 201),
        (r#"{"email":"BUYER26@shop.test ","password":"correct horse"}"#, 201),
        (r#"{"email":null,"password":null}"#, 422),
        (r#"{"email":7,"password":7}"#, 422),
        ("{}", 422),
        ("", 422),
    ] {
        scenario = scenario.post("/api/session", json(body)).with_api_token().gives(status);
    }
    scenario
        .post(
            "/api/session",
            form(&[("email", "buyer25@shop.test"), ("password", "correct horse")]),
        )
        .with_api_token()
        .gives(201)
        .post("/api/session", json("{"))
        .with_api_token()
        .declined()
        .post("/api/session", json(r#"{"email":["a"],"password":"x"}"#))
        .with_api_token()
        .declined()
        .post("/api/session", json(r#"{"email":"buyer25@shop.test","password":"correct horse"}"#))
        .gives(422)
        .run()
        .await;
}
