//! Connections to servers that speak HTTP/2: when they are opened, shared and closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use h2::Reason;
use http::Response;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::{
    origin::Origin,
    stream_origin::{Exchange, Settings, StreamOrigin, echo},
    support::{Verdicts, banyan_before, buyer, fired, get, is, once, post},
    wire::PATIENCE,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_speak_http2_is_a_502_or_a_504() {
    let http1 = Origin::plain().await;
    let proxy = banyan_before(&[format!("h2c://{}", http1.address)], "").await;
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 502);
    assert!(http1.request("/").is_err(), "nothing of the request may be sent");
    proxy.stop().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("h2c://{}", silent.local_addr().unwrap());
    let proxy = banyan_before(&[address], "[timeouts]\nconnect = \"100ms\"\n").await;
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 504);
    fired(&proxy, "connect").await.unwrap();
    proxy.stop().await;
}

/// An origin that holds its answers until the test has seen enough.
async fn holding(streams: u32) -> (StreamOrigin, mpsc::UnboundedReceiver<usize>, Arc<Semaphore>) {
    let (came, arrivals) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let script = move |mut exchange: Exchange| {
        let (came, gate) = (came.clone(), Arc::clone(&opened));
        async move {
            came.send(exchange.connection).unwrap();
            let _passed = gate.acquire().await.unwrap();
            exchange.ok("ok");
        }
    };
    let settings = Settings { streams: Some(streams), ..Settings::default() };
    (StreamOrigin::with(settings, script).await, arrivals, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_is_shared_until_its_streams_are_used_up() {
    let (origin, mut arrivals, gate) = holding(2).await;
    let proxy = banyan_before(&[origin.url()], "").await;
    let mut buyers = Vec::new();
    let mut on = Vec::new();
    for _ in 0..5 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/")).await;
        on.push(timeout(PATIENCE, arrivals.recv()).await.unwrap().unwrap());
        buyers.push(wire);
    }
    assert_eq!(on, [0, 0, 1, 1, 2]);
    gate.add_permits(Semaphore::MAX_PERMITS);
    for mut wire in buyers {
        assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
    }
    assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
    assert_eq!(arrivals.recv().await, Some(0), "the first with a free stream");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_open_one_connection() {
    let (origin, mut arrivals, gate) = holding(100).await;
    let proxy = banyan_before(&[origin.url()], "").await;
    let mut buyers = Vec::new();
    for _ in 0..20 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/")).await;
        buyers.push(wire);
    }
    for _ in 0..20 {
        assert_eq!(timeout(PATIENCE, arrivals.recv()).await.unwrap(), Some(0));
    }
    gate.add_permits(Semaphore::MAX_PERMITS);
    for mut wire in buyers {
        assert_eq!(wire.answer("GET").await.unwrap().status(), 200);
    }
    assert_eq!(origin.connections(), 1);
    proxy.stop().await;
}

/// Windows that are used up by those who do not read must leave room for those who do.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_stops_nobody_else() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let origin = StreamOrigin::start(move |mut exchange: Exchange| {
        let sent = Arc::clone(&counted);
        async move {
            if exchange.request.uri().path() != "/endless" {
                return exchange.ok("ok");
            }
            let mut stream = exchange.begin(Response::new(()));
            loop {
                stream.reserve_capacity(16 * 1024);
                let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
                // Until Banyan gives up.
                let Some(Ok(room)) = room else { return };
                stream.send_data(vec![b'x'; room].into(), false).unwrap();
                sent.fetch_add(room, Ordering::SeqCst);
            }
        }
    })
    .await;
    let proxy = banyan_before(&[origin.url()], "").await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut wire = buyer(&proxy).await;
        wire.send(get("/endless")).await;
        wire.head().await.unwrap();
        idle.push(wire);
    }
    let (mut before, mut unchanged) = (0, 0);
    while unchanged < 20 {
        assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
        let now = sent.load(Ordering::SeqCst);
        unchanged = if now == before { unchanged + 1 } else { 0 };
        before = now;
    }
    assert_eq!(origin.connections(), 1);
    drop(idle);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_asked_where_one_cannot_be() {
    let refusing = StreamOrigin::start(|mut it: Exchange| async move {
        it.respond.send_reset(Reason::REFUSED_STREAM);
    })
    .await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let good = StreamOrigin::start(echo).await;
    let mut verdicts = Verdicts::default();
    for (name, other) in [("refusing", refusing.address), ("gone", gone)] {
        let both = [format!("h2c://{other}"), good.url()];
        let budget = "retry_budget = { min_per_second = 1000 }\n";
        let proxy = banyan_before(&both, budget).await;
        for number in 0..10 {
            let answer = once(&proxy, post("/")).await;
            verdicts.add(&format!("{name} {number}"), answer.and_then(|it| is(&it, 200)));
        }
        proxy.stop().await;
    }
    verdicts.conclude();
    assert!(refusing.times("/") > 0, "it was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_in_time() {
    let origin = StreamOrigin::start(echo).await;
    let proxy = banyan_before(&[origin.url()], "[timeouts]\npool_idle = \"1ms\"\n").await;
    let patience = Instant::now() + PATIENCE;
    while origin.connections() < 2 {
        assert!(Instant::now() < patience, "it is used for ever");
        // What has been idle for too long is not used, once a request comes late enough.
        assert_eq!(once(&proxy, get("/")).await.unwrap().status(), 200);
    }
    assert!(origin.all_closed().await, "and closed");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_buyer_who_has_gone_is_reset() {
    let (saw, mut resets) = mpsc::unbounded_channel();
    let origin = StreamOrigin::start(move |mut exchange: Exchange| {
        let saw = saw.clone();
        async move {
            let begun = exchange.request.uri().path() == "/begun";
            let mut stream = begun.then(|| exchange.begin(Response::new(())));
            if let Some(stream) = &mut stream {
                stream.send_data("begun".into(), false).unwrap();
            }
            let reset = std::future::poll_fn(|cx| match &mut stream {
                Some(stream) => stream.poll_reset(cx),
                None => exchange.respond.poll_reset(cx),
            });
            saw.send(reset.await.unwrap()).unwrap();
        }
    })
    .await;
    let proxy = banyan_before(&[origin.url()], "").await;
    for target in ["/begun", "/waiting"] {
        let mut wire = buyer(&proxy).await;
        wire.send(get(target)).await;
        while origin.times(target) == 0 {
            tokio::task::yield_now().await;
        }
        if target == "/begun" {
            wire.head().await.unwrap();
        }
        wire.reset();
        let reset = timeout(PATIENCE, resets.recv()).await.expect(target);
        assert_eq!(reset, Some(Reason::CANCEL), "{target}");
    }
    assert_eq!(origin.connections(), 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_checked_over_http2() {
    let origin = StreamOrigin::start(|mut exchange: Exchange| async move {
        exchange.ok("ok");
    })
    .await;
    let address = origin.url();
    let health = "health = { interval = \"5ms\", host = \"shop.test\" }\n";
    let proxy = banyan_before(std::slice::from_ref(&address), health).await;
    let checked = async {
        while origin.times("/up") < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, checked).await.expect("checks");
    let check = origin.heads().remove(0);
    assert_eq!(check.uri(), "http://shop.test/up");
    assert_eq!(check.headers()["x-forwarded-proto"], "https");
    let metrics = reqwest::get(format!("{}/metrics", proxy.admin())).await.unwrap();
    let up = format!("banyan_upstream_server_up{{server=\"{address}\",upstream=\"monolith\"}} 1");
    assert!(metrics.text().await.unwrap().contains(&up));
    proxy.stop().await;
}
