//! What buyers and operators can rely on.

mod choice;
mod counts;
mod ejection;
mod line;
mod panic;
mod reload;
mod threads;

use futures_util::FutureExt as _;
use prometheus::Registry;
use tokio::task::{JoinHandle, yield_now};

use super::*;

/// A server without TLS.
pub(super) fn clear(address: &str) -> Endpoint {
    match address.parse().unwrap() {
        ServerAddr::Clear(address) => address.into(),
        ServerAddr::Tls(_) => panic!("{address} is for a server without TLS"),
    }
}

fn settings(servers: usize) -> Settings {
    let address = |index| clear(&format!("http://server-{index}.test:3000"));
    Settings::new((0..servers).map(address).collect())
}

/// With so many slots per server.
fn limited(servers: usize, slots: usize) -> Settings {
    Settings { concurrency: NonZeroUsize::new(slots), ..settings(servers) }
}

fn make(settings: Settings, previous: Option<&Upstream>) -> Arc<Upstream> {
    Upstream::new("shop", settings, previous, &UpstreamMetrics::register(&Registry::new()).unwrap())
}

/// A permit that is there at once.
fn now(upstream: &Arc<Upstream>) -> Permit {
    upstream.acquire(None).now_or_never().expect("a free slot").unwrap()
}

type Waiting = JoinHandle<Result<Permit, Unavailable>>;

/// A request that has got in line before this returns.
async fn in_line(upstream: &Arc<Upstream>) -> Waiting {
    let upstream = Arc::clone(upstream);
    let before = upstream.shared.queue.length();
    let waiting = tokio::spawn({
        let upstream = Arc::clone(&upstream);
        async move { upstream.acquire(None).await }
    });
    for _ in 0..10 {
        yield_now().await;
    }
    assert_eq!(upstream.shared.queue.length(), before + 1);
    waiting
}

fn fail(permit: &Permit, times: u32) {
    for _ in 0..times {
        permit.report(Outcome::ConnectFailed);
    }
}

/// A permit of that server, whatever the others do.
fn of_server(upstream: &Arc<Upstream>, position: usize) -> Permit {
    assert!(upstream.servers[position].slots().take(u32::MAX));
    Permit::new(Arc::clone(upstream), position)
}

fn eject(upstream: &Arc<Upstream>, position: usize) {
    fail(&of_server(upstream, position), upstream.settings.outlier.consecutive);
}

/// The verdict of a health check.
fn check(upstream: &Upstream, position: usize, passed: bool) {
    let health = upstream.settings.health.clone().unwrap();
    if upstream.servers[position].checked(passed, &health).is_some() {
        upstream.servers_changed();
    }
}

fn in_flight(upstream: &Upstream) -> Vec<u32> {
    upstream.servers().iter().map(|it| it.in_flight()).collect()
}

/// The positions of the servers that a hundred requests find.
fn used(upstream: &Arc<Upstream>) -> Vec<usize> {
    let labels: Vec<_> = upstream.servers().iter().map(|it| it.label().to_owned()).collect();
    let permits: Vec<_> = (0..100).map(|_| now(upstream)).collect();
    let is_used = |label: &String| permits.iter().any(|permit| permit.server().label() == label);
    labels.iter().enumerate().filter(|(_, it)| is_used(it)).map(|(index, _)| index).collect()
}
