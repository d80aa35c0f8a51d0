//! A buyer in a real browser, behind Banyan's TLS and HTTP/2: signs up, logs in, fills a cart, pays,
//! and sees the order confirmed without reloading its page.

use std::{fs, time::Duration};

use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tests::{
    banyan::{Proxy, Setup},
    project::Scratch,
};

use crate::{
    chromium::Driver,
    support::{certificate, shop},
};

/// Listens to the cable until the order is confirmed; the page could be the shop's own.
const UNTIL_CONFIRMED: &str = r#"
    const [order, done] = arguments;
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/cable", "actioncable-v1-json");
    const identifier = JSON.stringify({ channel: "OrderChannel", id: order });
    socket.onmessage = ({ data }) => {
        const { type, message } = JSON.parse(data);
        if (type === "welcome") socket.send(JSON.stringify({ command: "subscribe", identifier }));
        if (message?.status === "confirmed") socket.close(1000, "seen");
    };
    socket.onclose = ({ code, wasClean }) => done([code, wasClean]);
"#;

/// The protocol of the page and of everything that it has loaded.
const PROTOCOLS: &str = r#"
    const kinds = ["navigation", "resource"].flatMap(it => performance.getEntriesByType(it));
    return kinds.map(it => it.nextHopProtocol);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_with_a_browser_shops_over_tls_and_http_2() {
    let files = Scratch::new("shopping");
    let setup = Setup {
        monolith: shop().await.url,
        listen: Some("https://127.0.0.1:0".into()),
        flags: certificate(files.path()),
        ..Setup::default()
    };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let base = format!("https://{}", proxy.address());
    let net_log = files.path().join("net.json");
    // Not on another thread: the driver dies with the thread that started it.
    let driver = Driver::start();
    let log_flag = format!("--log-net-log={}", net_log.display());
    let browser = driver.browser(&["--ignore-certificate-errors", &log_flag]).await;

    signs_up_and_logs_in(&browser, &base).await;
    let order = buys_something(&browser, &base).await;
    assert_eq!(script(&browser, PROTOCOLS, vec![]).await, json!(["h2"]));
    let closed = browser.execute_async(UNTIL_CONFIRMED, vec![order]).await.unwrap();
    assert_eq!(closed, json!([1000, true]));

    browser.goto(&format!("{base}/orders")).await.unwrap();
    assert!(text(&browser).await.contains("confirmed"), "{}", text(&browser).await);
    browser.close().await.unwrap();
    drop(driver);
    let log = fs::read_to_string(net_log).unwrap();
    assert!(log.contains(":protocol: websocket"), "the cable was no stream of the connection");
    proxy.stop().await;
}

async fn signs_up_and_logs_in(browser: &Client, base: &str) {
    browser.goto(&format!("{base}/signup")).await.unwrap();
    for (label, value) in [
        ("user[name]", "Grace"),
        ("user[email]", "grace@shop.test"),
        ("user[password]", "correct horse"),
        ("user[password_confirmation]", "correct horse"),
    ] {
        fill(browser, label, value).await;
    }
    press(browser, "main input[type=submit]").await;
    says(browser, "Welcome, Grace").await;
    press(browser, "form[action='/logout'] [type=submit]").await;
    says(browser, "You are logged out").await;

    browser.find(Locator::LinkText("Log in")).await.unwrap().click().await.unwrap();
    says(browser, "Password").await;
    fill(browser, "email", "grace@shop.test").await;
    fill(browser, "password", "correct horse").await;
    press(browser, "main input[type=submit]").await;
    says(browser, "Welcome back, Grace").await;
}

/// Returns the order's id.
async fn buys_something(browser: &Client, base: &str) -> Value {
    browser.goto(&format!("{base}/products/1")).await.unwrap();
    press(browser, "form[action='/cart/lines'] input[type=submit]:enabled").await;
    says(browser, "is in your cart").await;
    fill(browser, "code", "WELCOME10").await;
    press(browser, "form[action='/cart/promotion'] [type=submit]").await;
    says(browser, "10 % for new friends is applied").await;
    press(browser, "form[action='/checkout'] [type=submit]").await;
    says(browser, "Thank you! Your order is").await;
    let url = browser.current_url().await.unwrap();
    json!(url.path().strip_prefix("/orders/").unwrap())
}

async fn fill(browser: &Client, name: &str, value: &str) {
    let field = browser.find(Locator::Css(&format!("main [name='{name}']"))).await.unwrap();
    field.send_keys(value).await.unwrap();
}

async fn press(browser: &Client, button: &str) {
    browser.find(Locator::Css(button)).await.unwrap().click().await.unwrap();
}

/// Waits until the page says it.
async fn says(browser: &Client, what: &str) {
    let path = format!("//main[contains(., '{what}')]");
    let wait = browser.wait().at_most(Duration::from_secs(30));
    let found = wait.for_element(Locator::XPath(&path)).await.is_ok();
    assert!(found, "{what:?} is not on the page:\n{}", text(browser).await);
}

async fn text(browser: &Client) -> String {
    browser.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
}

async fn script(browser: &Client, script: &str, arguments: Vec<Value>) -> Value {
    browser.execute(script, arguments).await.unwrap()
}
