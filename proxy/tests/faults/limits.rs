//! Every limit and time-out is made to fire: what the buyer sees, the line of the access log, and
//! the count, each under the limit's own name.

use std::{
    collections::BTreeSet,
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use proxy::limits::Limit;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::{
    banyan::{Banyan, PATIENCE, command, until},
    client::{get, once, read_until, rest, send, status},
    origin::{scripted, usual},
};

/// A limit, what makes it fire, and what is seen of that.
struct Case {
    limit: &'static str,
    side: &'static str,
    /// What stands in the route file.
    routes: &'static str,
    /// Makes it fire; returns what the buyer has seen.
    fire: fn(&Banyan) -> String,
    /// The path of the line; `*` where the head could not be read.
    path: &'static str,
    status: u16,
    /// Who ended it in which phase.
    termination: &'static str,
}

/// What a request runs into by what it is.
const SIZES: &[Case] = &[
    Case {
        limit: "request_line",
        side: "downstream",
        routes: "limits = { request_line = \"100B\" }",
        fire: |it| once(it.address, &get(&format!("/{}", "a".repeat(100)))),
        path: "*",
        status: 414,
        termination: "PR",
    },
    Case {
        limit: "limits.head",
        side: "downstream",
        routes: "limits = { head = \"1KiB\" }",
        fire: |it| once(it.address, &format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(1024))),
        path: "*",
        status: 431,
        termination: "PR",
    },
    Case {
        limit: "fields",
        side: "downstream",
        routes: "limits = { fields = 5 }",
        fire: |it| once(it.address, &format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(6))),
        path: "*",
        status: 431,
        termination: "PR",
    },
    Case {
        limit: "body",
        side: "downstream",
        routes: "limits = { body = \"1KiB\" }",
        fire: |it| once(it.address, &upload("/body", 1025, "hello")),
        path: "/body",
        status: 413,
        termination: "PR",
    },
];

/// What a client runs into that is too slow.
const SLOW_CLIENTS: &[Case] = &[
    Case {
        limit: "timeouts.head",
        side: "downstream",
        routes: "timeouts = { head = \"200ms\" }",
        fire: |it| once(it.address, "GET / HTTP/1.1\r\n"),
        path: "*",
        status: 408,
        termination: "cR",
    },
    Case {
        limit: "body_idle",
        side: "downstream",
        routes: "timeouts = { body_idle = \"200ms\" }",
        fire: |it| once(it.address, &upload("/upload", 100, "hello")),
        path: "/upload",
        status: 408,
        termination: "cR",
    },
    Case {
        limit: "min_rate",
        side: "downstream",
        routes: "limits = { min_rate = \"1KiB\" }",
        fire: |it| {
            let mut stream = send(it.address, &upload("/upload", 100_000, "hello"));
            trickle(&mut stream);
            rest(&mut stream)
        },
        path: "/upload",
        status: 408,
        termination: "cR",
    },
    Case {
        limit: "write_idle",
        side: "downstream",
        routes: "timeouts = { write_idle = \"200ms\" }",
        fire: |it| {
            let mut stream = send(it.address, &get("/large"));
            // Nothing is read until it has fired.
            it.line("/large");
            rest(&mut stream)
        },
        path: "/large",
        status: 200,
        termination: "cD",
    },
];

/// What a server runs into that is too slow, and a request that takes too long in all.
const SLOW_SERVERS: &[Case] = &[
    Case {
        limit: "answer",
        side: "upstream",
        routes: "timeouts = { answer = \"200ms\" }",
        fire: |it| once(it.address, &get("/silent")),
        path: "/silent",
        status: 504,
        termination: "sH",
    },
    Case {
        limit: "answer_idle",
        side: "upstream",
        routes: "timeouts = { answer_idle = \"200ms\" }",
        fire: |it| once(it.address, &get("/stalls")),
        path: "/stalls",
        status: 200,
        termination: "sD",
    },
    Case {
        limit: "total",
        side: "proxy",
        routes: "timeouts = { total = \"200ms\" }",
        fire: |it| once(it.address, &get("/stalls")),
        path: "/stalls",
        status: 200,
        termination: "PD",
    },
    Case {
        limit: "tunnel_idle",
        side: "proxy",
        routes: "timeouts = { tunnel_idle = \"200ms\" }",
        fire: |it| {
            let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
            once(it.address, &format!("GET /tunnel HTTP/1.1\r\nHost: shop.test\r\n{upgrade}"))
        },
        path: "/tunnel",
        status: 101,
        termination: "PT",
    },
];

/// What a request runs into because there are others.
const OVERLOADS: &[Case] = &[
    Case {
        limit: "in_flight",
        side: "proxy",
        routes: "limits = { in_flight = 2 }",
        fire: |it| {
            let _held = hold(it, 2);
            once(it.address, &get("/turned-away"))
        },
        path: "/turned-away",
        status: 503,
        termination: "PQ",
    },
    Case {
        limit: "queue",
        side: "upstream",
        routes: "monolith.concurrency = 1\nmonolith.queue = 1",
        fire: |it| {
            let _held = (hold(it, 1), queued(it));
            once(it.address, &get("/turned-away"))
        },
        path: "/turned-away",
        status: 503,
        termination: "SQ",
    },
    Case {
        limit: "queue_timeout",
        side: "upstream",
        routes: "monolith.concurrency = 1\nmonolith.queue_timeout = \"200ms\"",
        fire: |it| {
            let _held = hold(it, 1);
            once(it.address, &get("/turned-away"))
        },
        path: "/turned-away",
        status: 503,
        termination: "sQ",
    },
];

/// What is no case of the tables: it needs another server, or there is no request to have a line.
/// `abuse` is what the conformance tests of HTTP/2 are about.
const OTHERS: [&str; 5] = ["abuse", "connect", "connections", "handshake", "keep_alive"];

#[test]
fn no_limit_is_forgotten() {
    let cases = [SIZES, SLOW_CLIENTS, SLOW_SERVERS, OVERLOADS].into_iter().flatten();
    let tried: BTreeSet<_> = cases.map(|it| it.limit).chain(OTHERS).collect();
    assert_eq!(tried, Limit::ALL.into_iter().map(Limit::label).collect());
}

#[test]
fn what_is_too_large_has_its_answer_its_line_and_its_count() {
    SIZES.iter().for_each(fires);
}

#[test]
fn a_client_that_is_too_slow_has_its_answer_its_line_and_its_count() {
    SLOW_CLIENTS.iter().for_each(fires);
}

#[test]
fn a_server_that_is_too_slow_has_its_answer_its_line_and_its_count() {
    SLOW_SERVERS.iter().for_each(fires);
}

#[test]
fn an_overload_is_a_503_that_says_when_to_come_back() {
    for case in OVERLOADS {
        fires(case);
    }
}

fn fires(case: &Case) {
    let banyan = Banyan::start(case.routes, &[scripted(usual)]);
    let began = Instant::now();
    let answer = (case.fire)(&banyan);
    assert_eq!(status(&answer), case.status, "{}: {answer}", case.limit);
    if case.status == 503 {
        // Whatever it waits for, a server that answers within seconds is not it.
        assert!(began.elapsed() < Duration::from_secs(5), "{}", case.limit);
        assert!(answer.contains("retry-after: 1\r\n"), "{}: {answer}", case.limit);
        assert_eq!(status(&once(banyan.admin, &get("/readyz"))), 200);
    }
    is_logged(&banyan.line(case.path), case);
    fired(&banyan, case.limit, case.side);
}

fn is_logged(line: &Value, case: &Case) {
    let due = [
        ("limit", json!(case.limit)),
        ("limit_side", json!(case.side)),
        ("status", json!(case.status)),
        ("termination", json!(case.termination)),
    ];
    for (name, due) in due {
        assert_eq!(line[name], due, "{name} of {}: {line}", case.limit);
    }
}

/// Counted once, and nothing else is.
fn fired(banyan: &Banyan, limit: &str, side: &str) {
    banyan.until(&series(limit, side), 1.0);
    for other in Limit::ALL.into_iter().filter(|it| it.label() != limit) {
        let count = banyan.metric(&series(other.label(), other.side()));
        assert_eq!(count, Some(0.0), "{} beside {limit}", other.label());
    }
}

fn series(limit: &str, side: &str) -> String {
    format!("banyan_limits_total{{limit=\"{limit}\",side=\"{side}\"}}")
}

fn upload(target: &str, length: usize, beginning: &str) -> String {
    let head = format!("POST {target} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {length}");
    format!("{head}\r\n\r\n{beginning}")
}

/// Sends a byte now and then until the other side says something.
fn trickle(stream: &mut TcpStream) {
    let pace = Duration::from_millis(50);
    stream.set_read_timeout(Some(pace)).unwrap();
    while stream.peek(&mut [0]).is_err_and(|it| it.kind() == ErrorKind::WouldBlock) {
        stream.write_all(b"x").unwrap();
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// So many requests that the server does not answer, as long as the connections live.
fn hold(banyan: &Banyan, count: usize) -> Vec<TcpStream> {
    let held = (0..count).map(|_| send(banyan.address, &get("/silent"))).collect();
    // At the server: what is in flight here only may yet be overtaken.
    banyan.until("banyan_upstream_in_flight", f64::from(u32::try_from(count).unwrap()));
    held
}

/// A request that waits for a free server.
fn queued(banyan: &Banyan) -> TcpStream {
    let stream = send(banyan.address, &get("/queued"));
    banyan.until("banyan_upstream_queue_depth{upstream=\"monolith\"}", 1.0);
    stream
}

/// A listener whose queue is full: whoever connects waits, and nobody says no. It is full as long as
/// what is returned lives.
fn deaf() -> (SocketAddr, Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue is never full");
    }
    (address, socket, queued)
}

#[test]
fn a_server_that_does_not_accept_has_its_answer_its_line_and_its_count() {
    let (address, _socket, _queued) = deaf();
    let banyan = Banyan::start("timeouts = { connect = \"200ms\" }", &[address]);
    assert_eq!(status(&once(banyan.address, &get("/deaf"))), 504);
    let line = banyan.line("/deaf");
    assert_eq!((&line["limit"], &line["termination"]), (&json!("connect"), &json!("sC")), "{line}");
    assert_eq!((&line["limit_side"], &line["status"]), (&json!("upstream"), &json!(504)));
    fired(&banyan, "connect", "upstream");
}

#[test]
fn a_connection_too_many_is_closed_and_the_admin_listener_is_not_counted() {
    let banyan = Banyan::start("limits = { connections = 2 }", &[scripted(usual)]);
    let mut kept: Vec<_> = (0..2).map(|_| send(banyan.address, &keep_alive("/1"))).collect();
    for stream in &mut kept {
        read_until(stream, "hello");
    }
    assert_eq!(once(banyan.address, &get("/turned-away")), "");
    assert_eq!(status(&once(banyan.admin, &get("/readyz"))), 200);
    fired(&banyan, "connections", "proxy");
    // Those that were there are served on, and make room when they leave.
    drop(kept.pop());
    until("room for another", || match once(banyan.address, &get("/2")) {
        answer if status(&answer) == 200 => Ok(()),
        other => Err(other),
    });
    // A connection that is not served has no line. How often room was looked for is chance.
    banyan.line("/2");
    until("the lines of those that were served", || match banyan.lines("/1") {
        2 => Ok(()),
        other => Err(other),
    });
    assert_eq!(banyan.lines("/turned-away") + banyan.lines("*"), 0);
}

fn keep_alive(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n")
}

#[test]
fn a_client_that_is_silent_from_the_start_is_closed_and_has_no_line() {
    let banyan = Banyan::start("timeouts = { keep_alive = \"200ms\" }", &[scripted(usual)]);
    assert_eq!(once(banyan.address, ""), "");
    fired(&banyan, "keep_alive", "downstream");
    assert_eq!(status(&once(banyan.address, &get("/served"))), 200);
    banyan.line("/served");
    assert_eq!(banyan.lines("*"), 0);
}

#[test]
fn a_handshake_must_be_over_in_time_whatever_it_is() {
    let timeouts = "timeouts = { handshake = \"200ms\" }";
    // A record of TLS that is announced and does not come.
    let hello = "\x16\x03\x01\x02\0\x01";
    for (listen, beginnings) in [
        ("http://127.0.0.1:0?proxy-protocol", &["", "PROXY TCP4 203.0.113.9"][..]),
        ("https://127.0.0.1:0", &["", hello]),
        ("https://127.0.0.1:0?proxy-protocol", &["", "PROXY UNKNOWN\r\n"]),
        ("h2c://127.0.0.1:0", &["", "PRI * HTTP/2.0\r\n"]),
    ] {
        for beginning in beginnings {
            let folder = TempDir::new().unwrap();
            let mut serve = command(&folder, listen, timeouts, &[scripted(usual)]);
            serve.args(certificate(folder.path()));
            let banyan = Banyan::run(serve, folder);
            assert_eq!(once(banyan.address, beginning), "", "{listen} {beginning:?}");
            fired(&banyan, "handshake", "downstream");
        }
    }
}

/// The flags for a certificate in this folder.
fn certificate(folder: &Path) -> [String; 4] {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
    std::fs::write(folder.join("shop.crt"), cert.pem()).unwrap();
    std::fs::write(folder.join("shop.key"), signing_key.serialize_pem()).unwrap();
    ["--tls-cert", "shop.crt", "--tls-key", "shop.key"].map(str::to_owned)
}

/// What is compared makes room first, at half of what is too much; the buyers notice nothing.
#[test]
fn above_half_of_the_requests_that_may_be_nothing_is_compared() {
    let routes = "limits = { in_flight = 4 }\n[[route]]\nid = \"catalog.show\"\n\
                  match = { method = \"GET\", path = \"/api/products/{id}\" }\nstage = \"shadow\"\n";
    let banyan = Banyan::start(routes, &[scripted(usual)]);
    let unknown = |reason: &str| {
        let route = "route=\"catalog.show\"";
        banyan.metric(&format!("banyan_shadow_unknowns_total{{reason=\"{reason}\",{route}}}"))
    };
    // With this one there are two, which is half: it is compared, as far as can be without a
    // database.
    let mut held = hold(&banyan, 1);
    assert_eq!(status(&once(banyan.address, &get("/api/products/1"))), 200);
    until("the first to be looked at", || {
        unknown("failed").filter(|it| *it > 0.0).ok_or("not yet")
    });
    held.extend([send(banyan.address, &get("/silent"))]);
    banyan.until("banyan_requests_in_flight", 2.0);
    assert_eq!(status(&once(banyan.address, &get("/api/products/2"))), 200);
    until("the second to be dropped", || {
        unknown("dropped").filter(|it| *it > 0.0).ok_or("not yet")
    });
    assert_eq!((unknown("failed"), unknown("dropped")), (Some(1.0), Some(1.0)));
}

/// However many come, each is answered at once: by the shop, or with a 503.
#[test]
fn a_crowd_is_answered_in_bounded_time() {
    let routes = "limits = { in_flight = 20 }\nmonolith.concurrency = 2\nmonolith.queue = 5\n\
                  monolith.queue_timeout = \"500ms\"";
    let banyan = Banyan::start(
        routes,
        &[scripted(|_| {
            // A server that takes its time.
            thread::sleep(Duration::from_millis(20));
            usual("/")
        })],
    );
    let address = banyan.address;
    let crowd: Vec<_> = (0..60)
        .map(|_| {
            thread::spawn(move || {
                let began = Instant::now();
                (status(&once(address, &get("/crowd"))), began.elapsed())
            })
        })
        .collect();
    let answers: Vec<_> = crowd.into_iter().map(|it| it.join().unwrap()).collect();
    let count = |status| answers.iter().filter(|it| it.0 == status).count();
    assert_eq!(count(200) + count(503), 60, "{answers:?}");
    assert!(count(200) >= 7 && count(503) > 0, "{answers:?}");
    assert!(answers.iter().all(|it| it.1 < Duration::from_secs(10)), "{answers:?}");
    banyan.until("banyan_requests_in_flight", 0.0);
    assert_eq!(status(&once(address, &get("/after"))), 200);
}
