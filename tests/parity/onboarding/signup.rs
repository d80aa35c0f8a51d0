//! `onboarding.signup` leaves what `RegistrationsController#create` leaves.

use crate::{
    parity::{STOCKED, with_line},
    two_shops::{Body, Scenario, form, parity},
};

fn user(name: &str, email: &str, password: &str, again: &str) -> Body {
    form(&[
        ("user[name]", name),
        ("user[email]", email),
        ("user[password]", password),
        ("user[password_confirmation]", again),
    ])
}

fn signing_up(scenario: Scenario, user: Body) -> Scenario {
    scenario.post("/signup", user).with_form_token("/signup", "/signup")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_up_is_signed_in_with_their_cart() {
    const GONE: &str = "DELETE FROM users WHERE email LIKE '%@parity.test'";
    let scenario = with_line(parity("onboarding.signup").given(GONE).given(STOCKED), 7, 2);
    let new = user("Zoë <b>", " New@Parity.test", "correct horse", "correct horse");
    let scenario = signing_up(scenario, new).gives(302);
    let again = form(&[
        ("user[name]", " "),
        ("user[email]", "other@parity.test"),
        ("user[password]", "correct horse"),
        ("user[admin]", "1"),
    ]);
    let scenario = signing_up(scenario, again).gives(422);
    let unconfirmed = form(&[
        ("user[name]", "A"),
        ("user[email]", "other@parity.test"),
        ("user[password]", "pässword"),
        ("user[admin]", "1"),
    ]);
    signing_up(scenario, unconfirmed).gives(302).run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_alike() {
    let (long, address) = ("x".repeat(81), format!("{}@shop.test", "a".repeat(64)));
    let mut scenario = parity("onboarding.signup");
    for (name, email, password, again) in [
        ("", "", "", ""),
        ("A", "buyer1@shop.test", "correct horse", "correct horse"),
        ("A", "BUYER1@shop.test", "correct horse", "correct horse"),
        ("A", "no address", "short", "short"),
        ("<b>", "a@b@c", "correct horse", "other"),
        (&long, &address, "correct horse", ""),
        ("A", "a@parity.test", "        ", ""),
        ("A", "a@parity.test", &"x".repeat(73), &"x".repeat(73)),
    ] {
        scenario = signing_up(scenario, user(name, email, password, again));
    }
    scenario
        .post("/signup", form(&[("user[name]", "A")]))
        .with_page_token("/signup")
        .gives(422)
        .post("/signup", form(&[("name", "A")]))
        .with_page_token("/signup")
        .declined()
        .gives(400)
        .post("/signup", user("A", "a@parity.test", "correct horse", "correct horse"))
        .declined()
        .gives(422)
        .run()
        .await;
}
