//! Servers by name: several addresses, an address that changes, a name that nobody knows.
//!
//! What the names mean is a file of the test's own: the process is started in a mount namespace of
//! its own, in which that file lies over `/etc/hosts`. Nobody else sees it.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    banyan::{Banyan, command, until},
    client::{get, once, status},
    origin::{Step, ok, serving},
};

/// Lays two files over the machine's, asks no name server, and becomes the program.
const WORLD: &str = "mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf && \
                     exec \"$@\"";

/// A Banyan whose only server is `shop.test` at this port, in a world where `hosts` holds.
fn named(port: u16, routes: &str, hosts: &str) -> (Banyan, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hosts");
    fs::write(&file, hosts).unwrap();
    // Nobody listens there: what the file does not know is unknown at once.
    fs::write(folder.path().join("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    let serve = command(&folder, "http://127.0.0.1:0", routes, &[format!("shop.test:{port}")]);
    let mut world = Command::new("unshare");
    world.args(["--map-root-user", "--mount", "sh", "-c", WORLD, "sh"]);
    world.arg(serve.get_program()).args(serve.get_args()).current_dir(folder.path());
    world.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    (Banyan::run(world, folder), file)
}

/// Two listeners with one port and two addresses.
fn neighbours() -> (TcpListener, TcpListener, u16) {
    until("a port that is free twice", || {
        let one = TcpListener::bind("127.0.0.1:0")?;
        let port = one.local_addr()?.port();
        let other = TcpListener::bind(SocketAddr::from(([127, 0, 0, 2], port)))?;
        Ok::<_, std::io::Error>((one, other, port))
    })
}

fn saying(listener: TcpListener, what: &'static str) -> SocketAddr {
    serving(listener, move |_| vec![Step::Send(ok(what))])
}

#[test]
fn another_address_of_a_name_is_tried_where_one_refuses() {
    let (one, other, port) = neighbours();
    drop(one);
    saying(other, "other");
    for hosts in
        ["127.0.0.1 shop.test\n127.0.0.2 shop.test\n", "::1 shop.test\n127.0.0.2 shop.test\n"]
    {
        let (banyan, _) = named(port, "", hosts);
        for _ in 0..3 {
            let answer = once(banyan.address, &get("/"));
            assert!(answer.ends_with("\r\n\r\nother"), "{hosts}: {answer}");
        }
        let failed = "banyan_upstream_connects_total{result=\"failed\",upstream=\"monolith\"}";
        let failed = banyan.metric(failed);
        assert_eq!(failed, Some(0.0), "{hosts}");
    }
}

/// What is open is used as long as it is open; every new connection asks anew.
#[test]
fn a_name_whose_address_changes_is_followed_without_a_reload() {
    let (one, other, port) = neighbours();
    // It leaves: each of its connections carries one more answer.
    serving(one, |target| {
        let leaves = (target == "/after").then_some(Step::Close);
        [Step::Send(ok("one"))].into_iter().chain(leaves).collect()
    });
    saying(other, "other");
    let (banyan, hosts) = named(port, "", "127.0.0.1 shop.test\n");
    assert!(once(banyan.address, &get("/before")).ends_with("one"));
    fs::write(hosts, "127.0.0.2 shop.test\n").unwrap();
    // Each worker has connections of its own.
    until("the other server, from every worker", || {
        for _ in 0..20 {
            let answer = once(banyan.address, &get("/after"));
            assert_eq!(status(&answer), 200, "{answer}");
            if !answer.ends_with("other") {
                return Err(answer);
            }
        }
        Ok(())
    });
}

#[test]
fn a_name_that_nobody_knows_is_a_502_until_somebody_does() {
    let (one, _other, port) = neighbours();
    saying(one, "one");
    let (banyan, hosts) = named(port, "", "127.0.0.1 localhost\n");
    let began = Instant::now();
    assert_eq!(status(&once(banyan.address, &get("/unknown"))), 502);
    assert!(began.elapsed() < Duration::from_secs(6), "longer than `connect` allows");
    let line = banyan.line("/unknown");
    assert_eq!((&line["status"], &line["termination"]), (&json!(502), &json!("SC")), "{line}");
    assert_eq!(status(&once(banyan.admin, &get("/readyz"))), 200);
    fs::write(hosts, "127.0.0.1 shop.test\n").unwrap();
    until("the name to be known", || match once(banyan.address, &get("/known")) {
        answer if status(&answer) == 200 => Ok(()),
        other => Err(other),
    });
}
