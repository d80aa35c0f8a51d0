//! Sides that give the judge no answer: buyers notice nothing, and the log says why.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::{
    banyan::Banyan,
    client::{get, once, status},
    origin::{Step, ok, scripted, usual},
};

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A route in shadow with these further keys.
fn shadowed(id: &str, keys: &str) -> String {
    let requests = "match = { method = \"GET\", path = \"/shadowed\" }";
    format!("[[route]]\nid = \"{id}\"\n{requests}\nstage = \"shadow\"\n{keys}\n")
}

/// The route `cart`, compared with a service at this address.
fn compared_with(service: SocketAddr, keys: &str) -> String {
    let service = format!("[upstream.cand]\nservers = [\"http://{service}\"]\n");
    service + &shadowed("cart", &format!("candidate = \"cand\"\n{keys}"))
}

/// The line that says why there was nothing to compare.
fn not_compared(banyan: &Banyan, reason: &str) -> Value {
    banyan.said(&format!("a line that says {reason}"), |line| {
        line["message"] == "not compared" && line["reason"] == reason
    })
}

#[test]
fn a_service_that_is_not_there_is_said_to_be() {
    let gone = nobody();
    let banyan = Banyan::start(&compared_with(gone, ""), &[scripted(usual)]);
    assert_eq!(status(&once(banyan.address, &get("/shadowed"))), 200);
    let line = not_compared(&banyan, "failed");
    assert_eq!(line["route"], "cart", "{line}");
    let request = banyan.line("/shadowed");
    assert_eq!(line["request_id"], request["request_id"], "{line} of {request}");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains(&format!("could not be reached at http://{gone}")), "{line}");
    // On the pages it has its name.
    let known = once(banyan.admin, &get("/api/routes/cart"));
    assert!(known.contains("\"candidate\":\"cand\""), "{known}");
    // No alert may say that buyers wait for it.
    for series in ["connects_total{result=\"failed\",", "unreached_total{"] {
        let series = format!("banyan_upstream_{series}upstream=\"cand\"}}");
        assert_eq!(banyan.metric(&series), Some(0.0), "{series}");
    }
}

/// Without a database each of its requests fails: the first is told, the others are counted.
#[test]
fn a_handler_that_fails_is_said_to_and_why_and_not_with_each_request() {
    let banyan = Banyan::start(&shadowed("cart.api_show", ""), &[scripted(usual)]);
    for _ in 0..20 {
        assert_eq!(status(&once(banyan.address, &get("/shadowed"))), 200);
    }
    let unknowns = "banyan_shadow_unknowns_total{reason=\"failed\",route=\"cart.api_show\"}";
    banyan.until(unknowns, 20.0);
    let line = not_compared(&banyan, "failed");
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("start with --database"), "{line}");
    assert_eq!(banyan.count(|line| line["message"] == "not compared"), 1);
}

/// It answers the buyer, and closes on the judge, who asks a second time for the noise.
#[test]
fn a_monolith_that_breaks_off_before_the_judge_is_said_to() {
    let was_asked = AtomicBool::new(false);
    let monolith = scripted(move |_| {
        let again = was_asked.swap(true, Ordering::Relaxed);
        vec![if again { Step::Close } else { Step::Send(ok("hello")) }]
    });
    let banyan = Banyan::start(&compared_with(scripted(usual), "noise = \"100%\""), &[monolith]);
    assert_eq!(status(&once(banyan.address, &get("/shadowed"))), 200);
    let line = not_compared(&banyan, "control_failed");
    assert!(line["error"].as_str().unwrap().starts_with("no answer came: "), "{line}");
}
