//! Action Cable: an order's page hears what becomes of the order, over every protocol, while the
//! routes change, and while Banyan drains.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use reqwest::Version;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use tests::{
    banyan::Setup,
    browser::Browser,
    websocket::{OpenError, Opener, WebSocket},
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    reload::{ids, table},
    support::{Pair, eventually, shop},
};

/// Within this whatever must come has come. Long, since the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// Each test's buyers are people of their own.
static LISTENERS: AtomicU32 = AtomicU32::new(1);

/// What a client of Action Cable sends.
const PROTOCOL: &str = "actioncable-v1-json";

/// Every way to open a WebSocket. The first is HTTP/1.1 without TLS.
fn openers(pair: &Pair) -> Vec<Opener> {
    let certificate = CertificateDer::from_pem_file(pair.files.path().join("shop.crt")).unwrap();
    let versions = [Version::HTTP_11, Version::HTTP_2].into_iter();
    let both = versions.flat_map(|version| {
        let clear = Opener { address: pair.clear.address(), certificate: None, version };
        let certificate = Some(certificate.clone());
        [clear, Opener { address: pair.tls.address(), certificate, version }]
    });
    both.collect()
}

fn route(id: &str, path: &str) -> String {
    format!("[[route]]\nid = \"{id}\"\nstage = \"monolith\"\nmatch = {{ path = \"{path}\" }}\n")
}

/// The page of an order that is confirmed and sent back, and listens for what follows.
struct OrderPage {
    socket: WebSocket,
    order: Value,
    /// The path of what an admin has to approve.
    approval: String,
}

impl OrderPage {
    /// A new buyer, who has bought something and sends it back; all by the opener's way.
    async fn open(opener: &Opener) -> Self {
        let browser = signed_up(opener).await;
        let order = bought(&browser).await;
        let approval = sent_back(&browser, &order).await;
        let (socket, answered) = open(opener, &opener.base(), &browser).await.unwrap();
        assert_eq!(answered["sec-websocket-protocol"], PROTOCOL, "{opener:?}");
        let mut page = Self { socket, order, approval };
        assert_eq!(page.next().await, json!({ "type": "welcome" }));
        page.subscribe().await;
        page
    }

    fn channel(&self) -> String {
        json!({ "channel": "OrderChannel", "id": self.order["id"] }).to_string()
    }

    async fn subscribe(&mut self) {
        let channel = self.channel();
        let command = json!({ "command": "subscribe", "identifier": channel });
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        // The confirmation waits for Redis; the first message need not.
        let mut heard = [self.next().await, self.next().await];
        heard.sort_by_key(|it| it["type"].is_null());
        let confirmation = json!({ "identifier": channel, "type": "confirm_subscription" });
        assert_eq!(heard, [confirmation, self.message("confirmed")]);
    }

    /// What the channel says of the order in that state.
    fn message(&self, status: &str) -> Value {
        let (id, number) = (&self.order["id"], &self.order["number"]);
        let message = json!({ "id": id, "number": number, "status": status });
        json!({ "identifier": self.channel(), "message": message })
    }

    /// What comes next, but for the heart-beat.
    async fn next(&mut self) -> Value {
        loop {
            let Message::Text(text) = self.frame().await else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["type"] != "ping" {
                return value;
            }
        }
    }

    async fn frame(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
        next.expect("nothing comes").expect("the end was not due").unwrap()
    }

    /// The WebSocket's own ping, and then the heart-beat of Action Cable, every 3 s.
    async fn has_a_pulse(&mut self) {
        self.socket.send(Message::Ping("there?".into())).await.unwrap();
        while self.frame().await != Message::Pong("there?".into()) {}
        while !self.frame().await.to_text().unwrap_or_default().contains("\"type\":\"ping\"") {}
    }

    /// Says goodbye, and waits for the server's.
    async fn close(mut self) {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "seen".into() };
        self.socket.close(Some(goodbye)).await.unwrap();
        let answered = loop {
            if let Message::Close(frame) = self.frame().await {
                break frame.map(|it| it.code);
            }
        };
        assert_eq!(answered, Some(CloseCode::Normal));
        let end = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("it stays open");
        assert!(end.is_none(), "{end:?} after the goodbye");
    }
}

async fn open(
    opener: &Opener,
    origin: &str,
    browser: &Browser,
) -> Result<(WebSocket, reqwest::header::HeaderMap), OpenError> {
    let cookie = browser.cookie_header();
    let protocols = format!("{PROTOCOL}, actioncable-unsupported");
    let fields = [("origin", origin), ("sec-websocket-protocol", &protocols), ("cookie", &cookie)];
    opener.open("/cable", &fields).await
}

async fn signed_up(opener: &Opener) -> Browser {
    let browser = Browser::new(&opener.base());
    let signup = browser.visit("/signup").await.unwrap();
    let email = format!("listener{}@shop.test", LISTENERS.fetch_add(1, Ordering::Relaxed));
    let fields = [
        ("user[name]", "Ada"),
        ("user[email]", &email),
        ("user[password]", "correct horse"),
        ("user[password_confirmation]", "correct horse"),
    ];
    let home = browser.submit(&signup, "/signup", &fields).await.unwrap();
    assert_eq!(home.path, "/", "{}", home.text());
    browser
}

/// Buys one piece of something; returns the order when it is confirmed.
async fn bought(browser: &Browser) -> Value {
    let product = browser.visit("/products/1").await.unwrap();
    let variant = product.attributes("form[action='/cart/lines'] [name=variant_id]", "value");
    let fields = [("variant_id", variant[0].as_str()), ("quantity", "1")];
    let cart = browser.submit(&product, "/cart/lines", &fields).await.unwrap();
    let order = browser.submit(&cart, "/checkout", &[("card_token", "tok_ok")]).await.unwrap();
    assert!(order.path.starts_with("/orders/"), "{}", order.text());
    eventually("the order to be confirmed", || async {
        let (_, order) = browser.json(&format!("/api{}", order.path)).await.unwrap();
        (order["status"] == "confirmed").then_some(order)
    })
    .await
}

/// Returns the path of the approval.
async fn sent_back(browser: &Browser, order: &Value) -> String {
    let page = browser.visit(&format!("/orders/{}", order["id"])).await.unwrap();
    let quantity = format!("quantities[{}]", order["lines"][0]["id"]);
    let action = format!("/orders/{}/returns", order["id"]);
    let sent = browser.submit(&page, &action, &[(&quantity, "1")]).await.unwrap();
    assert!(sent.path.starts_with("/returns/"), "{}", sent.text());
    format!("/admin{}/approve", sent.path)
}

async fn admin(base: &str) -> Browser {
    let browser = Browser::new(base);
    let login = browser.visit("/login").await.unwrap();
    let fields = [("email", "admin@shop.test"), ("password", "correct horse")];
    browser.submit(&login, "/login", &fields).await.unwrap();
    browser
}

/// An admin approves all of these returns, which ends their orders.
async fn approve(admin: &Browser, pages: &[OrderPage]) {
    let list = admin.visit("/admin/returns").await.unwrap();
    for page in pages {
        let done = admin.submit(&list, &page.approval, &[]).await.unwrap();
        assert!(done.text().contains("refunded"), "{}", done.text());
    }
}

async fn all_hear_of_the_refund(pages: &mut [OrderPage]) {
    join_all(pages.iter_mut().map(|page| async {
        let due = page.message("refunded");
        assert_eq!(page.next().await, due);
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_followed_over_every_protocol_while_the_routes_change() {
    let routes = Some(route("before", "/cable"));
    let pair = Pair::start(Setup { routes, ..Setup::default() }).await;
    let openers = openers(&pair);
    let mut pages = join_all(openers.iter().map(OrderPage::open)).await;
    // The route that the connections came by is no more.
    for proxy in [&pair.clear, &pair.tls] {
        fs::write(proxy.route_file(), route("after", "/elsewhere")).unwrap();
        eventually("the new routes", || async {
            (ids(&table(proxy).await)[0] == "after").then_some(())
        })
        .await;
    }
    approve(&admin(&openers[3].base()).await, &pages).await;
    all_hear_of_the_refund(&mut pages).await;
    join_all(pages.iter_mut().map(OrderPage::has_a_pulse)).await;
    join_all(pages.into_iter().map(OrderPage::close)).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_gives_a_cable_its_time_and_then_ends_it() {
    const LIMIT: Duration = Duration::from_secs(10);
    let flags = vec!["--drain-timeout=10".into()];
    let pair = Pair::start(Setup { flags, ..Setup::default() }).await;
    let (openers, addresses) = (openers(&pair), [pair.clear.address(), pair.tls.address()]);
    let mut pages = join_all(openers.iter().map(OrderPage::open)).await;
    // By another way than the one that closes.
    let admin = admin(&shop().await.url).await;

    let began = Instant::now();
    let draining = tokio::spawn(pair.stop());
    eventually("the listeners to be gone", || async {
        let open = join_all(addresses.map(TcpStream::connect)).await;
        open.iter().all(Result::is_err).then_some(())
    })
    .await;
    approve(&admin, &pages).await;
    all_hear_of_the_refund(&mut pages).await;
    assert!(began.elapsed() < LIMIT, "the machine is too slow to tell");
    // The page over cleartext HTTP/1.1 leaves; the others stay until they are made to go.
    let (leaves, stay) = (pages.remove(0), pages);
    leaves.close().await;
    join_all(stay.into_iter().map(|mut page| async move {
        let end = async { while let Some(Ok(_)) = page.socket.next().await {} };
        tokio::time::timeout(PATIENCE, end).await.expect("it stays open");
        assert!(began.elapsed() >= LIMIT, "cut off after {:?}", began.elapsed());
    }))
    .await;
    draining.await.unwrap();
}

/// The origin that Rails compares with is the one that Banyan tells it: scheme, name and port.
#[tokio::test(flavor = "multi_thread")]
async fn a_cable_is_only_for_the_shops_own_pages_and_for_who_is_logged_in() {
    let pair = Pair::start(Setup::default()).await;
    for opener in openers(&pair) {
        let visitor = Browser::new(&opener.base());
        let other_scheme = match opener.base().strip_prefix("https") {
            Some(rest) => format!("http{rest}"),
            None => opener.base().replacen("http", "https", 1),
        };
        for origin in ["https://evil.test", &other_scheme] {
            let refused = open(&opener, origin, &visitor).await.map(drop);
            assert!(
                matches!(&refused, Err(OpenError::Refused(status)) if *status == 404),
                "{opener:?} {origin}: {refused:?}"
            );
        }
        let (mut socket, _) = open(&opener, &opener.base(), &visitor).await.unwrap();
        let said = socket.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(said.contains("\"reason\":\"unauthorized\""), "{said}");
    }
    pair.stop().await;
}
