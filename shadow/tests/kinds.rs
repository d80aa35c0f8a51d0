//! What could not be compared, by the kind of its request: as far as the monolith's answer is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, future::pending, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus::Registry;
use shadow::{
    Budget, Experiment, Leg, Observation, Proof, Reading, RequestSummary, RouteReport, Settings,
    Shadow, Store, Subject, Unknown, compare::Rules,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

const ROUTE: &str = "graphql.execute";

/// Nothing here takes so long.
const LONG: Duration = Duration::from_mins(1);

struct Bench {
    _directory: TempDir,
    store: Store,
    judge: Shadow,
    subject: Arc<Subject>,
}

impl Bench {
    async fn new(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
        let store = Store::open(&url).await.unwrap();
        let judge = Shadow::start(settings, store.clone(), &Registry::new()).unwrap();
        let (rules, budget, proof) = (Rules::default(), Budget::default(), Proof::default());
        let subject = Arc::new(Subject::new(ROUTE, rules, budget, proof, Vec::new()));
        Self { _directory: directory, store, judge, subject }
    }

    fn offer(&self, operation: &str, control: Leg, candidate: Leg, deadline: Duration) {
        self.judge.offer(Experiment {
            subject: Arc::clone(&self.subject),
            request: RequestSummary {
                id: "0f6d2c1e".to_owned(),
                method: Method::POST,
                target: "/graphql".to_owned(),
                template: "/graphql".to_owned(),
                signed_in: true,
                operation: Some(operation.to_owned()),
                variant: 0,
            },
            control,
            candidate,
            again: None,
            recheck: None,
            reading: Reading::default(),
            deadline,
        });
    }

    async fn report(&self) -> RouteReport {
        tokio::time::timeout(LONG, self.judge.drain(LONG / 2)).await.unwrap();
        self.store.reports().route(ROUTE).await.unwrap().unwrap()
    }
}

fn answer(body: impl Into<String>) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    Observation {
        status: StatusCode::OK,
        headers,
        body: body.into().into(),
        trailers: HeaderMap::new(),
        took: Duration::from_millis(12),
    }
}

fn answered(body: &str) -> Leg {
    Leg::Answered(answer(body))
}

/// A side that is still to be asked.
fn asked(body: &'static str) -> Leg {
    Leg::Ask(Box::pin(async move { Ok(answer(body)) }))
}

fn failing(why: Unknown) -> Leg {
    Leg::Ask(Box::pin(async move { Err(why) }))
}

fn never() -> Leg {
    Leg::Ask(Box::pin(pending()))
}

/// A side that says when it is asked, and answers when it is told to.
fn gated() -> (Leg, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (asked, is_asked) = oneshot::channel();
    let (open, gate) = oneshot::channel();
    let leg = Leg::Ask(Box::pin(async move {
        let _ = asked.send(());
        gate.await.map_err(|_| Unknown::Failed)?;
        Ok(answer("1"))
    }));
    (leg, is_asked, open)
}

/// Each kind with its unknowns, by the operation.
fn kinds(report: &RouteReport) -> BTreeMap<String, BTreeMap<Unknown, u64>> {
    let of = |it: &shadow::StratumReport| {
        let operation = it.stratum.as_str().strip_prefix("2xx signed-in application/json ");
        (operation.unwrap().to_owned(), it.unknowns.clone())
    };
    report.strata.iter().map(of).collect()
}

#[tokio::test]
async fn an_unknown_is_of_the_kind_that_the_monoliths_answer_makes_it() {
    let bench = Bench::new(Settings::default()).await;
    let soon = Duration::from_millis(1);
    bench.offer("Equal", answered("1"), asked("1"), LONG);
    bench.offer("Failed", answered("1"), failing(Unknown::Failed), LONG);
    bench.offer("TimedOut", answered("1"), never(), soon);
    bench.offer("Unparsable", answered("{"), answered("1"), LONG);
    // Where the extraction answers the buyer the monolith is asked by the judge.
    bench.offer("AskedBack", asked("{"), answered("1"), LONG);
    bench.offer("NoControl", failing(Unknown::ControlFailed), answered("1"), LONG);
    bench.offer("LateControl", never(), answered("1"), soon);
    bench.judge.discard(&bench.subject, Unknown::ClientGone);
    let report = bench.report().await;

    let one = |why| BTreeMap::from([(why, 1)]);
    let expected = [
        ("Equal", BTreeMap::new()),
        ("Failed", one(Unknown::Failed)),
        ("TimedOut", one(Unknown::TimedOut)),
        ("Unparsable", one(Unknown::Unparsable)),
        ("AskedBack", one(Unknown::Unparsable)),
    ];
    let expected = expected.map(|(name, unknowns)| (name.to_owned(), unknowns));
    assert_eq!(kinds(&report), BTreeMap::from(expected));
    let unplaced = [Unknown::TimedOut, Unknown::ControlFailed, Unknown::ClientGone];
    assert_eq!(report.unplaced, unplaced.into_iter().map(|it| (it, 1)).collect());
    assert_eq!(report.unknowns.values().sum::<u64>(), 7, "with those of no kind");
}

#[tokio::test]
async fn what_found_no_room_is_of_no_kind_since_nobody_looked_at_it() {
    let bench = Bench::new(Settings { queue: 1, concurrency: 1, ..Settings::default() }).await;
    let (leg, is_asked, open) = gated();
    bench.offer("First", answered("1"), leg, LONG);
    is_asked.await.unwrap();
    for operation in ["Waits", "Dropped", "Dropped"] {
        bench.offer(operation, answered("1"), answered("1"), LONG);
    }
    open.send(()).unwrap();
    let report = bench.report().await;
    let dropped = BTreeMap::from([(Unknown::Dropped, 2)]);
    assert_eq!((report.matched, report.strata.len(), &report.unplaced), (2, 2, &dropped));
    assert_eq!(report.unknowns, dropped);
}

#[tokio::test]
async fn a_kind_that_always_fails_speaks_against_a_route_that_is_good_otherwise() {
    let settings = Settings { queue: 4_000, ..Settings::default() };
    let bench = Bench::new(settings).await;
    for _ in 0..1_990 {
        bench.offer("Good", answered("1"), answered("1"), LONG);
    }
    for _ in 0..10 {
        bench.offer("Bad", answered("1"), failing(Unknown::TimedOut), LONG);
    }
    let report = bench.report().await;
    let why = "in 2xx signed-in application/json Bad: 100.0 % could not be compared (timed_out 10), \
               at most 1 % may be";
    assert_eq!((report.verdict.state, &*report.verdict.why), (shadow::State::NotReady, why));
    let bad = report.strata.iter().find(|it| it.stratum.as_str().ends_with("Bad")).unwrap();
    assert_eq!((bad.requests.compared, bad.state), (0, shadow::State::NotReady));
}

/// A body beyond 1 MiB is digested as it passes.
#[tokio::test]
async fn a_match_by_digest_is_marked() {
    let bench = Bench::new(Settings::default()).await;
    let long = format!("\"{}\"", "a".repeat(1024 * 1024));
    for _ in 0..2 {
        bench.offer("Long", answered(&long), answered(&long), LONG);
    }
    bench.offer("Long", answered(&long), answered("1"), LONG);
    bench.offer("Short", answered("1"), answered("1"), LONG);
    let report = bench.report().await;
    assert_eq!((report.matched, report.matched_by_digest, report.mismatched), (3, 2, 1));
    let by_digest = report.strata.iter().map(|it| (it.stratum.as_str(), it.matched_by_digest));
    let by_digest: Vec<_> = by_digest.filter(|it| it.1 > 0).collect();
    assert_eq!(by_digest, [("2xx signed-in application/json Long", 2)]);
}
