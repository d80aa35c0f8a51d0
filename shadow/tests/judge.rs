//! The judge from end to end: experiments are offered, reports are read from a store on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    future::pending,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus::{Registry, TextEncoder};
use shadow::{
    Budget, DifferenceKind, DifferenceReport, Experiment, Leg, Observation, PathPattern, Proof,
    Reading, Reports, RequestSummary, RouteReport, Settings, Shadow, Store, StoreError, Subject,
    Unknown,
    compare::{Excuse, Matcher, Rule, Rules},
};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;

const ROUTE: &str = "catalog.show";

/// Nothing here takes so long; a test that waits for it has failed.
const LONG: Duration = Duration::from_mins(1);

const NOT_FLUSHED: &str = "banyan_store_flushes_total{result=\"failed\"}";
const WAITING: &str = "banyan_store_pending_rows";

/// A judge, its series, and the directory of its store.
struct Bench {
    directory: TempDir,
    registry: Registry,
    store: Store,
    judge: Shadow,
}

impl Bench {
    async fn new(settings: Settings) -> Self {
        Self::within(tempfile::tempdir().unwrap(), settings).await
    }

    async fn within(directory: TempDir, settings: Settings) -> Self {
        let store = Store::open(&url(directory.path())).await.unwrap();
        let registry = Registry::new();
        let judge = Shadow::start(settings, store.clone(), &registry).unwrap();
        Self { directory, registry, store, judge }
    }

    /// Another process's turn: everything is closed and opened again, the file stays.
    async fn reopened(self) -> Self {
        let Self { directory, judge, store, .. } = self;
        drop((judge, store));
        Self::within(directory, Settings::default()).await
    }

    fn offer(&self, control: Leg, candidate: Leg) {
        self.judge.offer(experiment(control, candidate));
    }

    async fn drain(&self) {
        soon(self.judge.drain(LONG / 2)).await;
    }

    async fn report(&self) -> RouteReport {
        self.store.reports().route(ROUTE).await.unwrap().unwrap()
    }

    async fn differences(&self) -> Vec<DifferenceReport> {
        self.store.reports().differences(ROUTE).await.unwrap()
    }

    /// The value of a series, named with its labels; 0 before it exists.
    fn series(&self, name: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let mut lines = text.lines().filter_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        lines.next().map_or(0, |it| it.parse().unwrap())
    }

    /// Experiments that are over, of all routes.
    fn judged(&self) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let lines = text.lines().filter(|it| it.starts_with("banyan_shadow_comparisons_total{"));
        lines.map(|it| it.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }

    /// Whether a route has a mismatched request.
    fn counted(&self, route: &str) -> bool {
        let labels = format!("{{outcome=\"mismatched\",route=\"{route}\"}}");
        self.series(&format!("banyan_shadow_comparisons_total{labels}")) > 0
    }

    fn dropped(&self) -> u64 {
        self.series("banyan_shadow_unknowns_total{reason=\"dropped\",route=\"catalog.show\"}")
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < LONG, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the store, not only the judge, knows of so many compared requests.
    async fn until_stored(&self, compared: u64) {
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
async fn soon<T>(it: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, it).await.unwrap()
}

fn url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join("banyan.db").display())
}

fn subject() -> Arc<Subject> {
    let ignored = Rule {
        at: PathPattern::parse("$.at").unwrap(),
        excuse: Excuse::Ignore,
        why: "the clock".to_owned(),
        until: None,
    };
    let rules = Rules::new(vec![ignored]);
    let reveal = vec![PathPattern::parse("$.revealed").unwrap()];
    Arc::new(Subject::new(ROUTE, rules, Budget::default(), Proof::default(), reveal))
}

fn experiment(control: Leg, candidate: Leg) -> Experiment {
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

fn observation(body: impl Into<String>) -> Observation {
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

fn json(body: impl Into<String>) -> Leg {
    Leg::Answered(observation(body))
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
        Ok(observation("1"))
    }));
    (leg, is_asked, open)
}

fn counts(report: &RouteReport) -> (u64, u64, u64) {
    (report.matched, report.ignored, report.mismatched)
}

#[tokio::test]
async fn what_was_compared_is_counted_and_reported() {
    let bench = Bench::new(Settings::default()).await;
    bench.offer(json("{\"a\":1}"), json("{ \"a\": 1 }"));
    bench.offer(json("{\"at\":1}"), json("{\"at\":2}"));
    bench.offer(json("{\"at\":1,\"a\":1}"), json("{\"at\":2,\"a\":2}"));
    bench.offer(json("[{\"b\":1},{\"b\":2}]"), json("[{\"b\":3},{\"b\":4}]"));
    bench.offer(json("1"), Leg::Ask(Box::pin(async { Ok(observation("1")) })));
    bench.drain().await;

    let report = bench.report().await;
    assert_eq!(counts(&report), (2, 1, 2));
    assert_eq!((report.critical, report.cosmetic, report.compared()), (2, 0, 5));
    assert_eq!(report.unknowns, BTreeMap::new());
    assert!(report.control.p50.is_some_and(|it| (0.012..0.014).contains(&it)), "{report:?}");
    let series = |outcome| {
        bench.series(&format!(
            "banyan_shadow_comparisons_total{{outcome=\"{outcome}\",route=\"{ROUTE}\"}}"
        ))
    };
    assert_eq!(["matched", "ignored", "mismatched", "unknown"].map(series), [2, 1, 2, 0]);

    let found: Vec<_> = bench.differences().await;
    let found: Vec<_> =
        found.iter().map(|it| (&*it.path, it.kind, it.requests, it.excused)).collect();
    let changed = DifferenceKind::Changed;
    assert_eq!(
        found,
        [("$.a", changed, 1, 0), ("$[*].b", changed, 1, 0), ("$.at", changed, 2, 2)],
        "two elements of one request are one request"
    );
}

#[tokio::test]
async fn a_rule_is_suggested_for_what_looks_like_noise_until_there_is_one() {
    let bench = Bench::new(Settings::default()).await;
    let uuid = |end| format!("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5{end}");
    let offer = |at: &str, one: &str, other: &str| {
        let [one, other] = [one, other].map(|it| format!("{{\"{at}\":\"{it}\"}}"));
        bench.offer(json(one), json(other));
    };
    offer("request", &uuid('a'), &uuid('b'));
    bench.until_stored(1).await;
    offer("request", &uuid('c'), &uuid('d'));
    offer("request", &uuid('c'), "none");
    offer("at", &uuid('a'), &uuid('b'));
    bench.drain().await;

    let found = bench.differences().await;
    let suggested: Vec<_> =
        found.iter().map(|it| (&*it.path, it.suggestion.as_ref().map(|it| it.excuses))).collect();
    assert_eq!(suggested, [("$.request", Some(2)), ("$.at", None)], "over two flushes");
    let suggestion = found[0].suggestion.as_ref().unwrap();
    assert!(
        suggestion.rule.starts_with("{ at = \"$.request\", as = \"uuid\", why = \"\", until = ")
    );
    assert_eq!((suggestion.of, suggestion.critical), (3, true));
}

#[tokio::test]
async fn ids_with_a_name_are_linked_from_answer_to_answer() {
    let bench = Bench::new(Settings::default()).await;
    let linked = |of: &str| Rule {
        at: PathPattern::parse("$.id").unwrap(),
        excuse: Excuse::Tolerate(Matcher::Id { of: of.to_owned() }),
        why: "numbered anew".to_owned(),
        until: None,
    };
    let answers = [
        ("order", 7, 12, false),
        ("order", 7, 12, false),
        ("order", 8, 12, true),
        ("order", 7, 13, true),
        ("product", 7, 13, false),
        ("", 7, 1, false),
        ("", 7, 2, false),
    ];
    for (judged, (of, id, other, counts)) in (1..).zip(answers) {
        let rules = Rules::new(vec![linked(of)]);
        let (budget, proof) = (Budget::default(), Proof::default());
        let route = format!("{of}.{id}.{other}");
        let subject = Arc::new(Subject::new(route.as_str(), rules, budget, proof, Vec::new()));
        let [id, other] = [id, other].map(|it: u32| json(format!("{{\"id\":{it}}}")));
        bench.judge.offer(Experiment { subject, ..experiment(id, other) });
        bench.until("it is judged", |it| it.judged() == judged).await;
        let counted = bench.counted(&route);
        assert_eq!(counted, counts, "{route}");
    }
}

#[tokio::test]
async fn what_is_noise_is_known_after_a_restart() {
    let body = |it: u32| format!("{{\"views\":{it}}}");
    let mut bench = Bench::new(Settings::default()).await;
    for it in 0..3 {
        let again = Some(json(body(it + 1)));
        let experiment = experiment(json(body(it)), json(body(it + 2)));
        bench.judge.offer(Experiment { again, ..experiment });
    }
    bench.until_stored(3).await;
    for process in 0..2 {
        bench.offer(json(body(7)), json(body(8)));
        bench.offer(json(body(7)), json("{\"views\":\"8\"}"));
        bench.drain().await;
        let report = bench.report().await;
        let expected = (4 + process, 1 + process);
        assert_eq!((report.noise, report.mismatched), expected, "process {process}");
        bench = bench.reopened().await;
    }
}

#[tokio::test]
async fn a_side_that_gives_no_answer_is_an_unknown_with_its_reason() {
    let bench = Bench::new(Settings::default()).await;
    let failing = |why| Leg::Ask(Box::pin(async move { Err(why) }));
    let panicking = || Leg::Ask(Box::pin(async { panic!("a panic that the test asked for") }));
    bench.offer(json("1"), panicking());
    bench.offer(panicking(), json("1"));
    bench.offer(json("1"), failing(Unknown::Declined));
    bench.offer(failing(Unknown::ControlFailed), json("1"));
    bench.offer(json("no json"), json("1"));
    bench.judge.discard(&subject(), Unknown::ClientGone);

    let (hold, gone) = oneshot::channel::<()>();
    let late = Leg::Ask(Box::pin(async move {
        let _hold = hold;
        pending().await
    }));
    let deadline = Duration::from_millis(1);
    bench.judge.offer(Experiment { deadline, ..experiment(json("1"), late) });
    assert!(soon(gone).await.is_err(), "at the deadline the side is dropped");

    bench.drain().await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (0, 0, 0));
    let expected = [
        (Unknown::TimedOut, 1),
        (Unknown::Panicked, 2),
        (Unknown::ControlFailed, 1),
        (Unknown::Declined, 1),
        (Unknown::ClientGone, 1),
        (Unknown::Unparsable, 1),
    ];
    assert_eq!(report.unknowns, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_full_queue_drops_and_counts_and_never_makes_the_caller_wait() {
    let bench = Bench::new(Settings { queue: 2, concurrency: 1, ..Settings::default() }).await;
    let (leg, asked, open) = gated();
    bench.offer(json("1"), leg);
    soon(asked).await.unwrap();

    let judge = bench.judge.clone();
    let (done, offered) = oneshot::channel();
    thread::spawn(move || {
        for _ in 0..100 {
            judge.offer(experiment(json("1"), json("1")));
        }
        let _ = done.send(());
    });
    soon(offered).await.unwrap();
    assert_eq!(bench.dropped(), 98, "at once, not when the queue moves on");
    assert_eq!(bench.series("banyan_shadow_queue_depth"), 2);

    open.send(()).unwrap();
    bench.drain().await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (3, 0, 0));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 98)]));
    assert_eq!(bench.series("banyan_shadow_queue_depth"), 0);
    assert_eq!(bench.series("banyan_shadow_running"), 0);
}

#[tokio::test]
async fn answers_that_are_too_large_to_wait_are_dropped_and_their_room_comes_back() {
    let bench = Bench::new(Settings { queue_kib: 16, ..Settings::default() }).await;
    let large = |kib: usize| json(format!("\"{}\"", "a".repeat(kib * 1024)));
    bench.offer(large(8), large(8));
    assert_eq!(bench.dropped(), 1, "17 KiB do not fit");
    for round in 1..=3 {
        bench.offer(large(7), large(7));
        let series =
            format!("banyan_shadow_comparisons_total{{outcome=\"matched\",route=\"{ROUTE}\"}}");
        bench.until("the answers were compared", |it| it.series(&series) == round).await;
    }
    bench.drain().await;
    assert_eq!(counts(&bench.report().await), (3, 0, 0));
}

#[tokio::test]
async fn a_drain_finishes_what_is_queued_and_drops_what_comes_later() {
    let bench = Bench::new(Settings { concurrency: 1, ..Settings::default() }).await;
    let (leg, asked, open) = gated();
    bench.offer(json("1"), leg);
    for _ in 0..20 {
        bench.offer(json("1"), Leg::Ask(Box::pin(async { Ok(observation("1")) })));
    }
    soon(asked).await.unwrap();
    let judge = bench.judge.clone();
    let draining = tokio::spawn(async move { judge.drain(LONG / 2).await });
    // Soon the queue is closed, and the first that is offered after that is dropped.
    let accepted = Cell::new(21);
    bench
        .until("the queue is closed", |it| {
            it.offer(json("1"), json("1"));
            let dropped = it.dropped() > 0;
            accepted.set(accepted.get() + u64::from(!dropped));
            dropped
        })
        .await;
    open.send(()).unwrap();
    soon(draining).await.unwrap();
    let report = bench.report().await;
    assert_eq!(counts(&report), (accepted.get(), 0, 0));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 1)]));

    bench.offer(json("1"), json("1"));
    assert_eq!(bench.dropped(), 2);
    bench.drain().await;
}

#[tokio::test]
async fn a_drain_that_takes_too_long_drops_the_rest_and_still_writes() {
    let bench = Bench::new(Settings { concurrency: 1, ..Settings::default() }).await;
    bench.offer(json("1"), json("2"));
    for _ in 0..3 {
        bench.offer(json("1"), never());
    }
    let waiting = |it: &Bench| it.series("banyan_shadow_queue_depth");
    bench.until("one of the three is asked", |it| waiting(it) == 2).await;
    let clone = bench.judge.clone();
    let limit = Duration::from_millis(20);
    soon(async { tokio::join!(bench.judge.drain(limit), clone.drain(limit)) }).await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (0, 0, 1));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 3)]), "running or waiting");
    assert_eq!(bench.series("banyan_shadow_queue_depth"), 0);
    assert_eq!(bench.series("banyan_shadow_running"), 0);
}

#[tokio::test]
async fn counts_and_the_hashes_of_values_survive_a_restart() {
    let body = |price| json(format!("{{\"price\":{price}}}"));
    let bench = Bench::new(Settings::default()).await;
    bench.offer(body(4711), body(4712));
    bench.drain().await;
    let before = bench.differences().await;

    let bench = bench.reopened().await;
    bench.offer(body(4711), body(4713));
    bench.drain().await;
    assert_eq!(counts(&bench.report().await), (0, 0, 2));
    let after = bench.differences().await;
    assert_eq!((after.len(), after[0].requests), (1, 2));
    assert_eq!((&after[0].id, after[0].first_seen), (&before[0].id, before[0].first_seen));

    let samples = bench.store.reports().samples(ROUTE, &after[0].id).await.unwrap();
    let [new, old] = &samples[..] else { panic!("{samples:?}") };
    assert!(old.control.value.as_deref().unwrap().starts_with("‹number of 1–8 #"), "{old:?}");
    assert_eq!(new.control, old.control);
    assert_ne!(new.candidate.value, old.candidate.value);
}

#[tokio::test]
async fn a_judge_that_is_dropped_at_its_work_leaves_a_store_that_opens() {
    let bench = Bench::new(Settings { concurrency: 2, ..Settings::default() }).await;
    bench.offer(json("1"), json("2"));
    let (hold, gone) = oneshot::channel::<()>();
    let hanging = Leg::Ask(Box::pin(async move {
        let _hold = hold;
        pending().await
    }));
    bench.offer(json("1"), hanging);
    bench.until_stored(1).await;
    for _ in 0..200 {
        bench.offer(json("1"), json("2"));
    }
    let bench = bench.reopened().await;
    assert!(soon(gone).await.is_err(), "what was asked is given up");
    bench.offer(json("1"), json("1"));
    bench.drain().await;
    let report = bench.report().await;
    assert!(report.mismatched >= 1, "what was written stays: {report:?}");
    assert_eq!(report.matched, 1);
}

#[tokio::test]
async fn a_locked_store_loses_nothing() {
    let bench = Bench::new(Settings::default()).await;
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    bench.until_stored(1).await;

    let mut other = SqliteConnection::connect(&url(bench.directory.path())).await.unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    bench.judge.discard(&subject(), Unknown::Declined);
    bench.until("a flush has failed", |it| it.series(NOT_FLUSHED) > 0).await;
    assert_eq!(bench.report().await.compared(), 1, "readers are not locked out");
    bench.until("the rows wait again", |it| it.series(WAITING) == 6).await;
    // What comes while the others wait is added to them.
    bench.offer(json("{\"a\":1}"), json("{\"a\":2}"));
    other.execute("ROLLBACK").await.unwrap();

    bench.until_stored(3).await;
    let report = bench.report().await;
    assert_eq!(counts(&report), (0, 0, 3));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Declined, 1)]));
    let differences = bench.differences().await;
    assert_eq!((differences.len(), differences[0].requests), (1, 3));
    let samples = bench.store.reports().samples(ROUTE, &differences[0].id).await.unwrap();
    assert_eq!(samples.len(), 3);
    assert_eq!(bench.series(WAITING), 0);
}

#[tokio::test]
async fn a_difference_keeps_its_first_samples_and_its_newest_and_at_most_ten() {
    let mut bench = Bench::new(Settings::default()).await;
    for round in 1..=4 {
        for _ in 0..8 {
            let mut experiment = experiment(json("{\"a\":1}"), json("{\"a\":2}"));
            experiment.request.id = format!("round {round}");
            bench.judge.offer(experiment);
        }
        bench.drain().await;
        bench = bench.reopened().await;
    }
    let differences = bench.differences().await;
    assert_eq!((differences.len(), differences[0].requests), (1, 32));
    let samples = bench.store.reports().samples(ROUTE, &differences[0].id).await.unwrap();
    let ids: Vec<_> = samples.iter().map(|it| &*it.request_id).collect();
    assert_eq!(ids, [["round 4"; 5], ["round 1"; 5]].concat());
}

#[tokio::test]
async fn values_that_are_not_revealed_are_nowhere_in_the_files() {
    const CANARY: &str = "kNaRi-7c41e";
    const REVEALED: &str = "sHoWn-93d0b";
    let bench = Bench::new(Settings::default()).await;
    let answer = |value: &str, revealed: &str| {
        let mut it = observation(format!(
            "{{\"v\":\"{value}\",\"revealed\":\"{revealed}\",\"n\":{{\"l\":[\"{value}\"],\"{value}@b.test\":1}}}}"
        ));
        let cookie = format!("session={value}; path=/; domain={value}.test");
        for (name, value) in [("location", value), ("x-token", value), ("set-cookie", &cookie)] {
            it.headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        it
    };
    let offer = |control, candidate| {
        let mut it = experiment(Leg::Answered(control), Leg::Answered(candidate));
        it.request.target = format!("/search/{CANARY}%20/7?q={CANARY}&{CANARY}%5B=1");
        bench.judge.offer(it);
    };
    let (one, other) = (format!("1{CANARY}1"), format!("2{CANARY}2"));
    offer(answer(&one, REVEALED), answer(&other, "other"));
    let opaque = |value: &str| {
        let mut it = answer(value, "");
        it.headers.insert("content-type", HeaderValue::from_static("text/html"));
        it
    };
    offer(opaque(&one), opaque(&other));
    bench.drain().await;
    assert_eq!(counts(&bench.report().await), (0, 0, 2));
    assert!(bench.differences().await.len() >= 8);

    // Open still, so what was written is in the write-ahead log.
    let files = fs::read_dir(bench.directory.path()).unwrap().map(|it| it.unwrap().path());
    let files: BTreeMap<_, _> = files.map(|it| (it.clone(), fs::read(it).unwrap())).collect();
    let holding = |text: &str| -> Vec<_> {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        files.iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path.clone()).collect()
    };
    assert!(!holding(REVEALED).is_empty(), "a text in the store is found in {:?}", files.keys());
    for canary in [CANARY, &CANARY.to_lowercase()] {
        let path = holding(canary);
        assert!(path.is_empty(), "{canary} is in {path:?}: {:#?}", bench.differences().await);
    }
}

#[tokio::test]
async fn a_store_of_another_kind_is_refused_and_its_error_says_how_one_is_named() {
    for url in ["redis://localhost/1", "oracle:reports", "banyan.db", "sqlite::memory:", ""] {
        let error = Store::open(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
        assert!(error.to_string().starts_with("a store is named sqlite://PATH, mysql://"));
        let error = Reports::open_read_only(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_store_in_a_directory_that_is_not_there_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let error = Store::open(&url(&directory.path().join("absent"))).await.unwrap_err();
    assert!(matches!(error, StoreError::Open(_)), "{error:?}");
    assert!(error.to_string().contains("is the directory there"), "{error}");
}
