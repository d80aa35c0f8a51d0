//! Servers and clients that break off, or go silent: each costs its own request and nothing else.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::mpsc,
    thread,
};

use serde_json::json;

use crate::{
    banyan::Banyan,
    client::{get, once, read_until, reset, send, status},
    origin::{ok, scripted, usual},
};

const IN_FLIGHT: &str = "banyan_requests_in_flight";

fn at(server: SocketAddr) -> String {
    format!("banyan_upstream_in_flight{{server=\"http://{server}\",upstream=\"monolith\"}}")
}

/// Nothing is left of a request: neither here nor in the server's slots.
fn all_is_free(banyan: &Banyan, server: SocketAddr) {
    banyan.until(IN_FLIGHT, 0.0);
    banyan.until(&at(server), 0.0);
}

#[test]
fn a_server_that_breaks_off_costs_its_request_and_nothing_else() {
    let server = scripted(usual);
    // One slot: one that is not freed stops everything.
    let banyan = Banyan::start("monolith.concurrency = 1", &[server]);
    for (target, seen, termination) in [
        ("/closes", 502, "SH"),
        ("/resets", 502, "SH"),
        ("/resets-in-the-head", 502, "SH"),
        ("/resets-in-the-body", 200, "SD"),
        ("/closes-in-the-body", 200, "SD"),
        ("/resets-after", 200, "--"),
    ] {
        let answer = once(banyan.address, &get(target));
        assert_eq!(status(&answer), seen, "{target}: {answer}");
        let line = banyan.line(target);
        assert_eq!((&line["status"], &line["termination"]), (&json!(seen), &json!(termination)));
        assert_eq!(line.get("limit"), None, "{line}");
        assert_eq!(line["complete"], json!(seen == 502 || termination == "--"), "{line}");
        all_is_free(&banyan, server);
        assert_eq!(status(&once(banyan.address, &get(&format!("{target}/next")))), 200);
    }
}

#[test]
fn a_client_that_vanishes_frees_the_servers_slot() {
    let server = scripted(usual);
    let banyan = Banyan::start("monolith.concurrency = 1", &[server]);
    let upload = "POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 9000000\r\n\r\n";
    // Longer than what is gathered first, so that the server has seen a part of it.
    let begun = upload.to_owned() + &"x".repeat(200_000);
    for (request, path, mark, seen, termination) in [
        (&begun[..], "/upload", "", 400, "CR"),
        (&get("/silent"), "/silent", "", 499, "CH"),
        (&get("/stalls"), "/stalls", "hello", 200, "CD"),
        (&get("/large"), "/large", "xxx", 200, "CD"),
    ] {
        for (number, by_reset) in [true, false].into_iter().enumerate() {
            let path = format!("{path}?{number}");
            let request = request.replacen(path.split('?').next().unwrap(), &path, 1);
            let mut stream = send(banyan.address, &request);
            banyan.until(&at(server), 1.0);
            read_until(&mut stream, mark);
            if by_reset {
                reset(stream);
            } else {
                drop(stream);
            }
            all_is_free(&banyan, server);
            assert_eq!(status(&once(banyan.address, &get("/next"))), 200, "after {path}");
        }
        let line = banyan.line(path);
        let found = (&line["status"], &line["termination"]);
        assert_eq!(found, (&json!(seen), &json!(termination)), "{line}");
        // A page of ours may still find its way into the socket of one that has gone.
        assert!(seen == 400 || line["complete"] == json!(false), "{line}");
    }
}

/// A server that is gone for a moment between two requests costs none: the idle connection's end is
/// seen, and a new one is opened.
#[test]
fn a_server_that_resets_between_requests_costs_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let (gone, went) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_until(&mut stream, "\r\n\r\n");
            stream.write_all(&ok("hello")).unwrap();
            reset(stream);
            gone.send(()).unwrap();
        }
    });
    let banyan = Banyan::start("", &[server]);
    let mut buyer = send(banyan.address, "");
    for method in ["GET", "POST"].into_iter().cycle().take(20) {
        let head = format!("{method} / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n");
        buyer.write_all(head.as_bytes()).unwrap();
        read_until(&mut buyer, "\r\n\r\nhello");
        went.recv().unwrap();
    }
}

/// It accepts and never answers, as a host does whose process hangs: its requests run out of time,
/// and those for the others do not.
#[test]
fn a_half_open_server_is_left_alone_after_a_few_requests() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let half_open = silent.local_addr().unwrap();
    thread::spawn(move || {
        // Accepted and kept: the reading ends with the other side.
        for stream in silent.incoming() {
            thread::spawn(move || stream.unwrap().read_to_end(&mut Vec::new()));
        }
    });
    let good = scripted(usual);
    let banyan = Banyan::start("timeouts = { answer = \"100ms\" }", &[half_open, good]);
    let ejections = format!(
        "banyan_upstream_ejections_total{{server=\"http://{half_open}\",upstream=\"monolith\"}}"
    );
    let (mut late, mut asked) = (0, 0);
    while banyan.metric(&ejections) != Some(1.0) {
        let seen = status(&once(banyan.address, &get(&format!("/{asked}"))));
        assert!(seen == 200 || seen == 504, "{seen}");
        (late, asked) = (late + usize::from(seen == 504), asked + 1);
        assert!(asked < 200, "never ejected");
    }
    assert_eq!(late, 5, "a request that ran out of time is not sent again, it may have arrived");
    for number in 0..20 {
        assert_eq!(status(&once(banyan.address, &get(&format!("/after/{number}")))), 200);
    }
    all_is_free(&banyan, half_open);
}
