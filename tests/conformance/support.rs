//! What the tables need: Banyan between a buyer and an origin, and a list of what went wrong.

use std::time::Instant;

use tests::banyan::{Proxy, Setup};

use crate::{
    message::Message,
    origin::Origin,
    wire::{PATIENCE, Wire},
};

/// How one case ended; an error says what was seen.
pub(crate) type Verdict = Result<(), String>;

/// The verdicts of a table.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    cases: usize,
    faults: Vec<String>,
}

impl Verdicts {
    pub(crate) fn add(&mut self, case: &str, verdict: Verdict) {
        self.cases += 1;
        self.faults.extend(verdict.err().map(|fault| format!("{case}: {fault}")));
    }

    /// Fails the test if one of its cases failed.
    pub(crate) fn conclude(self) {
        assert_ne!(self.cases, 0, "a table without cases proves nothing");
        let (count, faults) = (self.faults.len(), self.faults.join("\n  "));
        assert!(count == 0, "{count} of {} cases failed:\n  {faults}", self.cases);
    }
}

/// Banyan in front of `origin`, with one worker: all its connections are in one pool.
pub(crate) async fn banyan(origin: &Origin, routes: &str) -> Proxy {
    let setup = Setup {
        monolith: format!("http://{}", origin.address),
        routes: (!routes.is_empty()).then(|| routes.to_owned()),
        flags: vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()],
        ..Setup::default()
    };
    Proxy::start(setup, &[]).await.unwrap()
}

/// Banyan with one worker in front of the servers at these addresses, `more` being further lines of
/// `[monolith]` and what follows it.
pub(crate) async fn banyan_before(servers: &[String], more: &str) -> Proxy {
    let routes = format!("[monolith]\nservers = {servers:?}\n{more}\n");
    let flags = vec!["--workers=1".to_owned(), "--drain-timeout=0".to_owned()];
    let setup = Setup { routes: Some(routes), flags, ..Setup::default() };
    Proxy::start(setup, &[]).await.unwrap()
}

/// A buyer's connection.
pub(crate) async fn buyer(proxy: &Proxy) -> Wire {
    Wire::connect(proxy.address()).await
}

/// Sends a request on a connection of its own, and reads the answer.
pub(crate) async fn once(proxy: &Proxy, request: impl AsRef<[u8]>) -> Result<Message, String> {
    ask(&mut buyer(proxy).await, request).await
}

/// Sends a request, and reads the answer.
pub(crate) async fn ask(wire: &mut Wire, request: impl AsRef<[u8]>) -> Result<Message, String> {
    wire.send(request.as_ref()).await;
    let head = request.as_ref().starts_with(b"HEAD ");
    wire.answer(if head { "HEAD" } else { "GET" }).await
}

/// A GET with nothing special about it.
pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n")
}

/// A POST with a short body.
pub(crate) fn post(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n\r\nhello")
}

/// Fails unless the answer has this status.
pub(crate) fn is(answer: &Message, status: u16) -> Verdict {
    same("the status", &answer.status(), &status)
}

/// Fails unless the two are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    seen: &T,
    due: &T,
) -> Verdict {
    if seen == due { Ok(()) } else { Err(format!("{what} is {seen:?}, not {due:?}")) }
}

/// Fails with what `fault` says unless `holds`.
pub(crate) fn holds(holds: bool, fault: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(fault()) }
}

/// Waits until the limit of this name is counted: once, and not more often.
pub(crate) async fn fired(proxy: &Proxy, limit: &str) -> Verdict {
    let patience = Instant::now() + PATIENCE;
    let series = format!("banyan_limits_total{{limit=\"{limit}\"");
    loop {
        let url = format!("{}/metrics", proxy.admin());
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let line = text.lines().find(|it| it.starts_with(&series));
        let count = line.and_then(|it| it.rsplit(' ').next()?.parse::<f64>().ok());
        match count {
            Some(count) if count > 0.0 => return same("the count", &count, &1.0),
            _ if Instant::now() > patience => return Err(format!("{limit} was not counted")),
            _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}
