//! `banyan serve --monolith URL` and nothing else: a correct proxy for any Rails application.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::{Client, Method, header};
use serde_json::Value;
use tests::{
    banyan::{Proxy, Setup},
    browser::Browser,
    buyers::{Buyers, Until},
    shop::Shop,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{eventually, metric, shop};

async fn pass_through() -> Proxy {
    let setup = Setup { monolith: shop().await.url, ..Setup::default() };
    Proxy::start(setup, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing() {
    let proxy = pass_through().await;
    let buyers = Buyers { base: proxy.url(), at_once: 4, seed: 1 };
    let tally = buyers.run(Until::Journeys(10)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
    let series = "banyan_requests_total{route=\"unrouted\",side=\"monolith\",status=\"2xx\"}";
    assert!(metric(&proxy, series).await > 40.0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_notice_nothing_of_a_unix_socket_either() {
    let shop = tokio::task::spawn_blocking(Shop::start_on_a_socket).await.unwrap().unwrap();
    assert!(shop.addresses.url.starts_with("unix:///"), "{}", shop.addresses.url);
    let setup = Setup { monolith: shop.addresses.url.clone(), ..Setup::default() };
    let proxy = Proxy::start(setup, &[]).await.unwrap();
    let buyers = Buyers { base: proxy.url(), at_once: 2, seed: 3 };
    let tally = buyers.run(Until::Journeys(4)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
    proxy.stop().await;
    tokio::task::spawn_blocking(move || drop(shop)).await.unwrap();
}

/// The header fields and body that a client sees directly and through Banyan are the same, but for
/// those that belong to one connection or one request.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_passes_unchanged() {
    let proxy = pass_through().await;
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for path in [
        "/up",
        "/login",
        "/products/1",
        "/api/products?per_page=2",
        "/api/products/0",
        "/orders.csv",
    ] {
        let mut answers = Vec::new();
        for base in [shop().await.url, proxy.url()] {
            let request = client.get(format!("{base}{path}")).header(header::HOST, "shop.test");
            let response = request.send().await.unwrap();
            let names = |it: &reqwest::Response| {
                let mut names: Vec<_> =
                    it.headers().keys().map(|it| it.as_str().to_owned()).collect();
                // hyper dates what Puma does not.
                names.retain(|it| {
                    !matches!(it.as_str(), "date" | "transfer-encoding" | "content-length")
                });
                names.sort();
                names
            };
            answers.push((response.status(), names(&response), response.url().path().to_owned()));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_arrives_event_by_event() {
    let proxy = pass_through().await;
    let browser = logged_in(&proxy).await;
    let order = an_order(&browser).await;
    let request = browser.request(Method::GET, &format!("{order}/events?ticks=6"));
    let response = browser.send(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut arrivals = Vec::new();
    let mut events = response.bytes_stream();
    while let Some(chunk) = events.next().await {
        chunk.unwrap();
        arrivals.push(Instant::now());
    }
    let spread = arrivals[arrivals.len() - 1] - arrivals[0];
    // Six ticks 200 ms apart, of which Puma sends the first two together: a proxy that buffers would
    // deliver them all at once.
    assert!(spread >= Duration::from_millis(600), "{} chunks within {spread:?}", arrivals.len());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn action_cable_switches_to_a_websocket() {
    let proxy = pass_through().await;
    let browser = logged_in(&proxy).await;
    let (mut socket, cookie) =
        (TcpStream::connect(proxy.address()).await.unwrap(), browser.cookie_header());
    let request = format!(
        "GET /cable HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: actioncable-v1-json\r\nCookie: {cookie}\r\n\r\n",
        proxy.address()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut seen = String::new();
    // The switch, and then Action Cable's first message, through the tunnel.
    while !seen.contains("{\"type\":\"welcome\"}") {
        let mut buffer = [0; 4096];
        let read = socket.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "closed after {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(seen.starts_with("HTTP/1.1 101 "), "{seen}");
    assert!(
        seen.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{seen}"
    );
    drop(socket);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_arrives_whole_and_comes_back() {
    let proxy = pass_through().await;
    let browser = logged_in(&proxy).await;
    let picture = vec![0xA5_u8; 3 * 1024 * 1024];
    let page = browser.visit("/profile").await.unwrap();
    let mut form = reqwest::multipart::Form::new();
    for (name, value) in page.hidden_fields("/profile").unwrap() {
        form = form.text(name, value);
    }
    let part =
        reqwest::multipart::Part::bytes(picture.clone()).file_name("me.png").mime_str("image/png");
    let field = page.attributes("form input[type=file]", "name").remove(0);
    let request = browser.request(Method::POST, "/profile").header(header::ORIGIN, proxy.url());
    let sent = browser.send(request.multipart(form.part(field, part.unwrap()))).await.unwrap();
    assert_eq!(sent.status(), 200);
    let back = browser.send(browser.request(Method::GET, "/profile/avatar")).await.unwrap();
    assert_eq!(back.bytes().await.unwrap(), picture);
    proxy.stop().await;
}

/// A client that could say where it comes from, or by which name it came, could fool Rails.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_servers_could_read_differently_is_refused() {
    let proxy = pass_through().await;
    for (request, status) in [
        ("GET /up HTTP/1.1\r\n\r\n", "400"),
        ("GET /up HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET /up HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
        ("GET http://a/up HTTP/1.1\r\nHost: b\r\n\r\n", "400"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "405"),
        ("GET /up HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n", "200"),
        ("GET http://shop.test/up HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n", "200"),
        ("GET /up HTTP/1.0\r\n\r\n", "200"),
    ] {
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.ends_with(status), "{request:?} got {answer}");
    }
    proxy.stop().await;
}

/// A drain finishes what is under way: a request that began before it gets its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_is_under_way_and_leaves_no_listener() {
    let proxy = pass_through().await;
    let (address, browser) = (proxy.address(), logged_in(&proxy).await);
    let order = an_order(&browser).await;
    let request = browser.request(Method::GET, &format!("{order}/events?ticks=5"));
    let response = browser.send(request).await.unwrap();
    let (stopped, text) = tokio::join!(proxy.stop(), response.text());
    let () = stopped;
    assert!(text.unwrap().matches("event:").count() >= 5, "the stream was cut off");
    eventually("the listener to be gone", || async {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}

async fn logged_in(proxy: &Proxy) -> Browser {
    let browser = Browser::new(&proxy.url());
    let login = browser.visit("/login").await.unwrap();
    // Users from 400 on are left alone by the buyers of these short runs.
    let fields = [("email", "buyer490@shop.test"), ("password", "correct horse")];
    browser.submit(&login, "/login", &fields).await.unwrap();
    let (_, session) = browser.json("/api/session").await.unwrap();
    assert_ne!(session["user"], Value::Null, "{session}");
    browser
}

/// The path of one of the visitor's orders.
async fn an_order(browser: &Browser) -> String {
    let orders = browser.visit("/orders").await.unwrap();
    orders.attributes("a[href^='/orders/']:not([href$='csv'])", "href").remove(0)
}
