//! A judge on a store of its own, and what it is offered.

use std::{
    future::pending,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus::{Registry, TextEncoder};
use shadow::{
    Budget, DifferenceReport, Experiment, Leg, Observation, PathPattern, Proof, Reading,
    RequestSummary, RouteReport, Settings, Shadow, Store, Subject, Unknown,
    compare::{Excuse, Rule, Rules},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const ROUTE: &str = "catalog.show";

/// Nothing here takes so long; a test that waits for it has failed.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// A judge, its series, and the directory of its store.
pub(crate) struct Bench {
    pub(crate) directory: TempDir,
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) judge: Shadow,
}

impl Bench {
    pub(crate) async fn new(settings: Settings) -> Self {
        Self::within(tempfile::tempdir().unwrap(), settings).await
    }

    pub(crate) async fn within(directory: TempDir, settings: Settings) -> Self {
        let store = Store::open(&url(directory.path())).await.unwrap();
        let registry = Registry::new();
        let judge = Shadow::start(settings, store.clone(), &registry).unwrap();
        Self { directory, registry, store, judge }
    }

    /// Another process's turn: everything is closed and opened again, the file stays.
    pub(crate) async fn reopened(self) -> Self {
        let Self { directory, judge, store, .. } = self;
        drop((judge, store));
        Self::within(directory, Settings::default()).await
    }

    pub(crate) fn offer(&self, control: Leg, candidate: Leg) {
        self.judge.offer(experiment(control, candidate));
    }

    pub(crate) async fn drain(&self) {
        soon(self.judge.drain(LONG / 2)).await;
    }

    pub(crate) async fn report(&self) -> RouteReport {
        self.store.reports().route(ROUTE).await.unwrap().unwrap()
    }

    pub(crate) async fn differences(&self) -> Vec<DifferenceReport> {
        self.store.reports().differences(ROUTE).await.unwrap()
    }

    /// The value of a series, named with its labels; 0 before it exists.
    pub(crate) fn series(&self, name: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let mut lines = text.lines().filter_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        lines.next().map_or(0, |it| it.parse().unwrap())
    }

    /// Experiments that are over, of all routes.
    pub(crate) fn judged(&self) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let lines = text.lines().filter(|it| it.starts_with("banyan_shadow_comparisons_total{"));
        lines.map(|it| it.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    /// Whether a route has a mismatched request.
    pub(crate) fn counted(&self, route: &str) -> bool {
        let labels = format!("{{outcome=\"mismatched\",route=\"{route}\"}}");
        self.series(&format!("banyan_shadow_comparisons_total{labels}")) > 0
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.series("banyan_shadow_unknowns_total{reason=\"dropped\",route=\"catalog.show\"}")
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < LONG, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the store, not only the judge, knows of so many compared requests.
    pub(crate) async fn until_stored(&self, compared: u64) {
        let start = Instant::now();
        loop {
            let report = self.store.reports().route(ROUTE).await.unwrap();
            if report.is_some_and(|it| it.compared() == compared) {
                return;
            }
            assert!(start.elapsed() < LONG, "waited in vain for {compared} in the store");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// What must happen, and does not hang the test when it does not.
pub(crate) async fn soon<T>(it: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, it).await.unwrap()
}

pub(crate) fn url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join("banyan.db").display())
}

pub(crate) fn subject() -> Arc<Subject> {
    let ignored = Rule {
        at: PathPattern::parse("$.at").unwrap(),
        excuse: Excuse::Ignore,
        why: "the clock".to_owned(),
        until: None,
    };
    let rules = Rules::new(vec![ignored]);
    let reveal = vec![PathPattern::parse("$.revealed").unwrap()];
    let mut subject = Subject::new(ROUTE, rules, Budget::default(), Proof::default(), reveal);
    subject.noise = true;
    Arc::new(subject)
}

pub(crate) fn experiment(control: Leg, candidate: Leg) -> Experiment {
    let request = RequestSummary {
        id: "0f6d2c1e".to_owned(),
        method: Method::GET,
        target: "/api/products/7".to_owned(),
        template: "/api/products/{id}".to_owned(),
        signed_in: false,
        operation: None,
        variant: 0,
    };
    let reading = Reading::default();
    let subject = subject();
    let (again, recheck, deadline) = (None, None, LONG);
    Experiment { subject, request, control, candidate, again, recheck, reading, deadline }
}

pub(crate) fn observation(body: impl Into<String>) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let took = Duration::from_millis(12);
    Observation {
        status: StatusCode::OK,
        headers,
        body: body.into().into(),
        trailers: HeaderMap::new(),
        took,
    }
}

pub(crate) fn json(body: impl Into<String>) -> Leg {
    Leg::Answered(observation(body))
}

pub(crate) fn never() -> Leg {
    Leg::Ask(Box::pin(pending()))
}

/// A side that says when it is asked, and answers when it is told to.
pub(crate) fn gated() -> (Leg, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (asked, is_asked) = oneshot::channel();
    let (open, gate) = oneshot::channel();
    let leg = Leg::Ask(Box::pin(async move {
        let _ = asked.send(());
        gate.await.map_err(|_| Unknown::Failed)?;
        Ok(observation("1"))
    }));
    (leg, is_asked, open)
}

pub(crate) fn counts(report: &RouteReport) -> (u64, u64, u64) {
    (report.matched, report.ignored, report.mismatched)
}
