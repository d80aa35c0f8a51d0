//! Several servers: who is left alone, when all are used after all, and how often a request may be
//! sent a second time.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use serde_json::json;

use crate::{
    banyan::Banyan,
    client::{get, once, status},
    origin::{Step, ok, scripted, usual},
};

const UNREACHED: &str = "banyan_upstream_unreached_total{upstream=\"monolith\"}";
const FAILED: &str = "banyan_upstream_connects_total{result=\"failed\",upstream=\"monolith\"}";

fn of(series: &str, server: SocketAddr) -> String {
    format!("banyan_upstream_{series}{{server=\"http://{server}\",upstream=\"monolith\"}}")
}

/// A server that answers like this, and how often it was asked.
fn answering(status: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let server = scripted(move |target| {
        if target != "/up" {
            count.fetch_add(1, Ordering::Relaxed);
        }
        vec![Step::Send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes())]
    });
    (server, asked)
}

#[test]
fn a_server_that_answers_503_again_and_again_is_left_alone() {
    let (bad, asked) = answering("503 Service Unavailable");
    let banyan = Banyan::start("", &[bad, scripted(usual)]);
    let mut refused = 0;
    for number in 0..200 {
        let seen = status(&once(banyan.address, &get(&format!("/{number}"))));
        refused += usize::from(seen == 503);
        if refused == 5 {
            break;
        }
    }
    assert_eq!(refused, 5, "an answer of the shop's is the buyer's, whatever it says");
    banyan.until(&of("ejections_total", bad), 1.0);
    assert_eq!(banyan.metric(&of("server_up", bad)), Some(0.0));
    for number in 0..30 {
        assert_eq!(status(&once(banyan.address, &get(&format!("/after/{number}")))), 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    assert_eq!(banyan.metric("banyan_upstream_panic_mode{upstream=\"monolith\"}"), Some(0.0));
}

/// Checks that find most of a shop dead are wrong more often than right.
#[test]
fn when_most_servers_fail_their_checks_all_are_used() {
    let servers: Vec<_> = (0..3)
        .map(|_| {
            scripted(|target| {
                let bad = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec();
                vec![Step::Send(if target == "/up" { bad } else { ok("hello") })]
            })
        })
        .collect();
    let routes = "monolith.health = { interval = \"50ms\", unhealthy = 2 }";
    let banyan = Banyan::start(routes, &servers);
    for server in &servers {
        banyan.until(&of("server_up", *server), 0.0);
    }
    banyan.until("banyan_upstream_panic_mode{upstream=\"monolith\"}", 1.0);
    for number in 0..20 {
        assert_eq!(status(&once(banyan.address, &get(&format!("/{number}")))), 200);
    }
    assert_eq!(status(&once(banyan.admin, &get("/readyz"))), 200);
}

/// Retries never multiply an overload: when everything fails, most requests fail once.
#[test]
fn when_all_servers_fail_the_retry_budget_is_soon_spent() {
    let sent = Arc::<AtomicU32>::default();
    let servers = [(); 2].map(|()| {
        let sent = Arc::clone(&sent);
        scripted(move |_| {
            sent.fetch_add(1, Ordering::Relaxed);
            vec![Step::Close]
        })
    });
    let banyan = Banyan::start("", &servers);
    for number in 0..200 {
        let path = format!("/{number}");
        assert_eq!(status(&once(banyan.address, &get(&path))), 502);
    }
    let line = banyan.line("/199");
    assert_eq!((&line["status"], &line["termination"]), (&json!(502), &json!("SH")), "{line}");
    let retries = |result: &str| {
        let labels = format!("{{result=\"{result}\",upstream=\"monolith\"}}");
        banyan.metric(&format!("banyan_upstream_retries_total{labels}")).unwrap()
    };
    let (allowed, denied) = (retries("allowed"), retries("denied"));
    assert!(allowed >= 1.0 && denied >= 100.0, "{allowed} allowed, {denied} denied");
    assert!((allowed + denied - 200.0).abs() < 0.5, "{allowed} and {denied}");
    let sent = f64::from(sent.load(Ordering::Relaxed));
    assert!((sent - 200.0 - allowed).abs() < 0.5, "{sent} sent, {allowed} of them again");
}

/// One that cannot be repeated may have arrived: it is never sent again, whatever the budget says.
#[test]
fn a_post_that_a_dying_server_may_have_read_is_not_sent_again() {
    let sent = Arc::<AtomicUsize>::default();
    let servers = [(); 2].map(|()| {
        let sent = Arc::clone(&sent);
        scripted(move |_| {
            sent.fetch_add(1, Ordering::Relaxed);
            vec![Step::Reset]
        })
    });
    let banyan = Banyan::start("", &servers);
    for (number, body) in ["hello", ""].into_iter().enumerate() {
        let post = format!(
            "POST /pay HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(status(&once(banyan.address, &post)), 502);
        assert_eq!(sent.load(Ordering::Relaxed), number + 1);
    }
}

/// Nothing was sent to a server that refuses the connection, so another one is asked, also for a
/// POST.
#[test]
fn a_post_goes_to_another_server_where_one_refuses_the_connection() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let banyan = Banyan::start("", &[gone, scripted(usual)]);
    for number in 0..20 {
        let post = format!(
            "POST /pay/{number} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\
             Content-Length: 5\r\n\r\nhello"
        );
        assert_eq!(status(&once(banyan.address, &post)), 200, "{number}");
    }
    banyan.until(&of("ejections_total", gone), 1.0);
    assert!(banyan.metric(FAILED).unwrap() > 0.5);
    assert_eq!(banyan.metric(UNREACHED), Some(0.0), "no buyer has noticed");
}

#[test]
fn a_request_is_unreached_where_nobody_could_be_connected_to() {
    let gone = [(); 2].map(|()| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    });
    let banyan = Banyan::start("", &gone);
    for number in 0..3 {
        assert_eq!(status(&once(banyan.address, &get(&format!("/{number}")))), 502);
    }
    assert_eq!(banyan.metric(UNREACHED), Some(3.0));
    assert_eq!(banyan.metric(FAILED), Some(6.0), "each was tried at both");
}
