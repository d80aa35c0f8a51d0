//! Nothing is left of thousands of connections, however they ended: no descriptor, no request in
//! flight, no slot, and no growing memory.

use std::{fs, io::Write as _, net::SocketAddr, thread};

use crate::{
    banyan::{Banyan, until},
    client::{get, once, read_until, reset, rest, send},
    origin::{scripted, usual},
};

/// Connections, in all.
const CONNECTIONS: usize = 5_000;
const BUYERS: usize = 4;

/// One connection that ends in one of many ways.
fn one(address: SocketAddr, kind: usize) {
    match kind % 12 {
        0 => drop(once(address, &get("/"))),
        1 => reset(send(address, "GET / HTT")),
        2 => drop(send(address, "")),
        3 => drop(once(address, "nonsense\r\n\r\n")),
        4 => reset(send(
            address,
            "POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 900000\r\n\r\nhello",
        )),
        5 => {
            let mut stream = send(address, &get("/stalls"));
            read_until(&mut stream, "hello");
            reset(stream);
        }
        6 => drop(send(address, &get("/silent"))),
        7 => drop(once(address, &get("/resets"))),
        8 => drop(once(address, &get("/closes-in-the-body"))),
        9 => drop(once(address, &get("/resets-in-the-head"))),
        10 => {
            let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
            let request = format!("GET /tunnel HTTP/1.1\r\nHost: shop.test\r\n{upgrade}");
            let mut stream = send(address, &request);
            read_until(&mut stream, "\r\n\r\n");
            drop(stream);
        }
        _ => {
            let mut stream = send(address, "GET /1 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
            read_until(&mut stream, "hello");
            stream.write_all(get("/2").as_bytes()).unwrap();
            drop(rest(&mut stream));
        }
    }
}

fn crowd(address: SocketAddr, connections: usize) {
    let buyers = (0..BUYERS).map(|buyer| {
        thread::spawn(move || {
            for kind in (buyer..connections).step_by(BUYERS) {
                // Not in step with the number of buyers, so that each meets every kind.
                one(address, kind / BUYERS);
            }
        })
    });
    let buyers: Vec<_> = buyers.collect();
    for buyer in buyers {
        buyer.join().unwrap();
    }
}

#[test]
fn nothing_is_left_of_five_thousand_connections_with_faults() {
    let server = scripted(usual);
    let banyan = Banyan::start("timeouts = { pool_idle = \"100ms\" }", &[server]);
    // Once without the faults: what is opened only once is open from then on.
    drop(once(banyan.address, &get("/")));
    let settled = |limit: usize| {
        until("the descriptors to be closed", || match banyan.descriptors() {
            open if open <= limit => Ok(open),
            open => Err(open),
        })
    };
    // The connection to the server is closed within seconds.
    let before = settled_count(&banyan, server);
    crowd(banyan.address, CONNECTIONS / 5);
    settled(before);
    let memory = banyan.memory();
    crowd(banyan.address, CONNECTIONS);
    settled(before);
    banyan.until("banyan_requests_in_flight", 0.0);
    let at =
        format!("banyan_upstream_in_flight{{server=\"http://{server}\",upstream=\"monolith\"}}");
    banyan.until(&at, 0.0);
    // A leak of 4 KiB for each connection would be 20 MiB.
    let grown = banyan.memory().saturating_sub(memory);
    assert!(grown < 12 * 1024, "{grown} KiB more after {CONNECTIONS} connections");
}

/// The descriptors of a process that nobody talks to, its pool being empty.
fn settled_count(banyan: &Banyan, server: SocketAddr) -> usize {
    until("the pool to be emptied", || match connections(banyan.address, server) {
        0 => Ok(()),
        open => Err(open),
    });
    banyan.descriptors()
}

/// Connections that this process has not closed: of clients to it, and of its own to the server.
/// (The columns are in `proc_pid_net(5)`: the local address, the peer's, the state.)
fn connections(banyan: SocketAddr, server: SocketAddr) -> usize {
    let [own, peers] = [banyan, server].map(|it| format!(":{:04X}", it.port()));
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [_, local, peer, state, ..] = columns[..] else { return false };
        // Established, or closed by the client alone.
        matches!(state, "01" | "08") && (local.ends_with(&own) || peer.ends_with(&peers))
    };
    table.lines().filter(is_open).count()
}
