//! Verdicts from end to end: which requests count, and what a change does to what was counted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode};
use prometheus::Registry;
use shadow::{
    Budget, Leg, MonolithVersion, Observation, Proof, Reports, RouteReport, Settings, Shadow,
    Share, State, Store, StoreError, Subject, Unknown, compare::Rules,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

use super::bench::{LONG, ROUTE, experiment, observation, url};

/// One process: a judge of its own on the store in a directory.
struct Process {
    store: Store,
    judge: Shadow,
}

impl Process {
    async fn of(directory: &TempDir, build: &str, monolith: MonolithVersion) -> Self {
        Self::keyed(directory, build, monolith, None).await
    }

    async fn keyed(
        directory: &TempDir,
        build: &str,
        monolith: MonolithVersion,
        key: Option<&str>,
    ) -> Self {
        let store = Store::open_or_wait(&url(directory.path()), key).await.unwrap();
        let settings = Settings { build: build.into(), monolith, ..Settings::default() };
        let judge = Shadow::start(settings, store.clone(), &Registry::new()).unwrap();
        Self { store, judge }
    }

    async fn new(directory: &TempDir, build: &str) -> Self {
        Self::of(directory, build, MonolithVersion::Untold).await
    }

    /// Judges what was offered, and ends.
    async fn report(self) -> RouteReport {
        self.reported().await.unwrap()
    }

    async fn reported(self) -> Option<RouteReport> {
        self.judge.drain(LONG).await;
        self.store.reports().route(ROUTE).await.unwrap()
    }

    fn offer(&self, subject: &Arc<Subject>, request: &Request) {
        let Request { target, status, candidate, again, version, variant } = *request;
        let answered = |status, body| Leg::Answered(answer(status, body, version));
        let mut experiment = experiment(answered(status, "1"), answered(status, candidate));
        experiment.subject = Arc::clone(subject);
        experiment.request.target = format!("/products/{target}");
        experiment.request.variant = variant;
        experiment.again = again.map(|it| answered(status, it));
        self.judge.offer(experiment);
    }
}

/// A request as far as it matters here, and what it is answered.
#[derive(Clone, Copy)]
struct Request {
    target: u32,
    variant: u64,
    status: u16,
    candidate: &'static str,
    /// The monolith's second answer.
    again: Option<&'static str>,
    version: &'static str,
}

const GOOD: Request =
    Request { target: 1, variant: 0, status: 200, candidate: "1", again: None, version: "" };

fn answer(status: u16, body: &'static str, version: &'static str) -> Observation {
    let mut answer = observation(body);
    answer.status = StatusCode::from_u16(status).unwrap();
    answer.headers.insert("x-version", HeaderValue::from_static(version));
    answer
}

/// A budget of 1 %, at once.
fn subject() -> Arc<Subject> {
    let share = Share::new(0.01).unwrap();
    let budget = Budget { critical: share, cosmetic: share };
    let proof = Proof { time: Duration::ZERO, ..Proof::default() };
    let mut subject = Subject::new(ROUTE, Rules::default(), budget, proof, Vec::new());
    subject.noise = true;
    Arc::new(subject)
}

fn by_header() -> MonolithVersion {
    MonolithVersion::Header(HeaderName::from_static("x-version"))
}

fn distinct(report: &RouteReport) -> Vec<(&str, u64, u64, u64)> {
    let kinds = report.strata.iter();
    let kinds = kinds.map(|it| {
        let (requests, distinct) = (it.requests.compared, it.distinct);
        (it.stratum.as_str(), requests, distinct.compared, distinct.critical)
    });
    kinds.collect()
}

const OK: &str = "2xx signed-out application/json";
const ABSENT: &str = "4xx signed-out application/json";

#[tokio::test]
async fn repetitions_of_a_request_are_no_evidence() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let process = Process::new(&directory, "a").await;
    for _ in 0..900 {
        process.offer(&subject, &GOOD);
    }
    let report = process.report().await;
    assert_eq!((report.matched, distinct(&report)), (900, vec![(OK, 900, 1, 0)]));
    assert_eq!((report.verdict.state, report.verdict.more_requests), (State::Undecided, 362));

    // In another process it is known again; who asks makes a difference, and a difference sticks.
    let process = Process::new(&directory, "a").await;
    process.offer(&subject, &GOOD);
    process.offer(&subject, &Request { variant: 1, ..GOOD });
    process.offer(&subject, &Request { candidate: "2", ..GOOD });
    process.offer(&subject, &GOOD);
    assert_eq!(distinct(&process.report().await), [(OK, 904, 2, 1)]);
}

#[tokio::test]
async fn distinct_requests_make_a_route_ready() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let process = Process::new(&directory, "a").await;
    for target in 0..600 {
        process.offer(&subject, &Request { target, ..GOOD });
    }
    let report = process.report().await;
    assert_eq!(report.verdict.state, State::Ready, "{:?}", report.verdict);
}

#[tokio::test]
async fn a_small_kind_that_differs_is_not_hidden_by_the_others() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let process = Process::new(&directory, "a").await;
    for target in 0..900 {
        process.offer(&subject, &Request { target, ..GOOD });
    }
    for target in 0..3 {
        process.offer(&subject, &Request { target, status: 404, candidate: "2", ..GOOD });
    }
    let report = process.report().await;
    assert_eq!(distinct(&report), [(OK, 900, 900, 0), (ABSENT, 3, 3, 3)]);
    assert_eq!(report.verdict.state, State::NotReady);
    assert!(report.verdict.why.starts_with(&format!("in {ABSENT}: ")), "{:?}", report.verdict);
}

#[tokio::test]
async fn another_build_counts_anew_and_the_old_counts_stay_to_be_read() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let old = Process::new(&directory, "a").await;
    for target in 0..600 {
        old.offer(&subject, &Request { target, ..GOOD });
    }
    for target in 0..100 {
        old.offer(&subject, &Request { target, status: 404, ..GOOD });
    }
    let report = old.report().await;
    assert_eq!((report.reason, report.earlier.len()), (None, 0));

    let new = Process::new(&directory, "b").await;
    new.offer(&subject, &GOOD);
    let report = new.report().await;
    assert_eq!((report.matched, &*report.build), (1, "b"));
    assert_eq!(report.reason.as_deref(), Some("the build changed from a to b"));
    assert_eq!((report.earlier.len(), report.earlier[0].matched), (1, 700));
    assert_eq!(distinct(&report), [(OK, 1, 1, 0)]);
    assert_eq!(report.verdict.state, State::Undecided);
}

#[tokio::test]
async fn what_has_not_come_again_since_a_change_is_missing() {
    let directory = TempDir::new().unwrap();
    let share = Share::new(0.01).unwrap();
    let budget = Budget { critical: share, cosmetic: share };
    let subject =
        Arc::new(Subject::new(ROUTE, Rules::default(), budget, Proof::default(), Vec::new()));
    let old = Process::new(&directory, "a").await;
    for target in 0..100 {
        old.offer(&subject, &Request { target, status: 404, ..GOOD });
        old.offer(&subject, &Request { target, ..GOOD });
    }
    old.report().await;
    // The second change follows the first one soon: of what lies between there is too little to go by.
    for build in ["b", "c"] {
        let new = Process::new(&directory, build).await;
        new.offer(&subject, &GOOD);
        let why = new.report().await.verdict.why;
        assert!(why.contains(&format!("of 7 d, since the change without {ABSENT}")), "{why}");
    }
}

#[tokio::test]
async fn an_old_process_that_still_counts_changes_nothing_of_the_new_ones_counts() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let old = Process::new(&directory, "a").await;
    old.offer(&subject, &GOOD);
    let new = Process::new(&directory, "b").await;
    new.offer(&subject, &GOOD);
    // The old one's first count comes before or after the new one's; its last comes after.
    assert_eq!(&*new.report().await.build, "b");
    old.offer(&subject, &GOOD);
    let report = old.report().await;
    assert_eq!((report.matched, &*report.build), (1, "b"));
}

/// A build that nobody has asked yet has shown nothing, however long it takes until somebody does.
#[tokio::test]
async fn what_another_build_has_shown_is_history_before_the_first_request_of_this_one() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let old = Process::new(&directory, "a").await;
    old.judge.bind(&subject);
    assert!(old.reported().await.is_none(), "what was never compared has no report");
    let old = Process::new(&directory, "a").await;
    for target in 0..600 {
        old.offer(&subject, &Request { target, ..GOOD });
    }
    assert_eq!(old.report().await.verdict.state, State::Ready);

    let again = Process::new(&directory, "a").await;
    again.judge.bind(&subject);
    let report = again.report().await;
    assert_eq!((report.matched, report.verdict.state), (600, State::Ready), "nothing has changed");

    let new = Process::new(&directory, "b").await;
    new.judge.bind(&subject);
    let report = new.report().await;
    assert_eq!((report.matched, report.verdict.state), (0, State::Undecided));
    assert_eq!(report.reason.as_deref(), Some("the build changed from a to b"));
    assert_eq!(report.earlier[0].matched, 600);
}

#[tokio::test]
async fn other_rules_count_anew_and_the_same_ones_read_again_do_not() {
    let directory = TempDir::new().unwrap();
    let process = Process::new(&directory, "a").await;
    process.offer(&subject(), &GOOD);
    process.offer(&subject(), &GOOD);
    let report = process.report().await;
    assert_eq!((report.matched, report.reason), (2, None));

    let process = Process::new(&directory, "a").await;
    let (budget, proof) = (Budget::default(), Proof::default());
    let other = Subject::new(ROUTE, Rules::default(), budget, proof, Vec::new());
    process.offer(&Arc::new(other), &GOOD);
    let report = process.report().await;
    assert_eq!((report.matched, report.budget), (1, Budget::default()));
    assert_eq!(report.reason.as_deref(), Some("what the route is judged by changed"));
}

/// The same requests have other fingerprints then.
#[tokio::test]
async fn with_another_key_of_the_redaction_no_request_counts_once_more() {
    let directory = TempDir::new().unwrap();
    for key in [None, Some("one"), Some("other"), Some("other")] {
        let process = Process::keyed(&directory, "a", MonolithVersion::Untold, key).await;
        process.offer(&subject(), &GOOD);
        let report = process.report().await;
        assert_eq!(distinct(&report)[0].2, 1, "{key:?}: {report:?}");
    }
}

#[tokio::test]
async fn another_version_of_the_monolith_counts_anew() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let process = Process::of(&directory, "a", by_header()).await;
    process.judge.discard(&subject, Unknown::Declined);
    for version in ["41", "41", "42", "41", "42"] {
        process.offer(&subject, &Request { version, ..GOOD });
    }
    let report = process.report().await;
    // Which of the first came first is not certain: they are judged side by side.
    let newest = report.monolith.clone().unwrap();
    assert!(["41", "42"].contains(&&*newest), "{newest}");
    let earlier: u64 = report.earlier.iter().map(|it| it.matched).sum();
    assert_eq!(report.matched + earlier, 5);
    assert!(report.reason.unwrap().starts_with("the monolith changed from"));
    let unknown: u64 = report.unknowns.values().sum();
    assert_eq!(unknown + report.earlier.iter().map(|it| it.unknown).sum::<u64>(), 1);

    let told = MonolithVersion::Told("43".to_owned());
    let process = Process::of(&directory, "a", told).await;
    process.judge.discard(&subject, Unknown::Declined);
    let report = process.report().await;
    assert_eq!((report.monolith.as_deref(), report.matched), (Some("43"), 0));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Declined, 1)]));
}

/// A third of the products says another text each time, and there the extraction may be wrong in
/// some of the others: no difference tells it, only what is asked twice.
#[tokio::test]
async fn what_noise_may_hide_must_be_shown_by_requests_that_are_asked_twice() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let seen = |process: &Process, first| {
        for target in first..first + 600 {
            let is_noisy = target % 3 == 0;
            let again = (target - first < 200).then_some(if is_noisy { "3" } else { "1" });
            let candidate = if is_noisy { "2" } else { "1" };
            process.offer(&subject, &Request { target, candidate, again, ..GOOD });
        }
    };
    let process = Process::new(&directory, "a").await;
    seen(&process, 0);
    let report = process.report().await;
    assert_eq!((report.mismatched, report.verdict.state), (0, State::Undecided));
    let why = &report.verdict.why;
    assert!(why.contains("noise excuses critical differences in 33.3 %"), "{why}");
    assert_eq!(report.verdict.more_requests, 585, "195 more pairs, which a third of them are");

    let process = Process::new(&directory, "a").await;
    let pair = Request { target: 9_000, again: Some("1"), ..GOOD };
    (0..600).for_each(|_| process.offer(&subject, &pair));
    let report = process.report().await;
    let why = &report.verdict.why;
    assert!(why.contains("in 194 more requests asked twice"), "a repetition shows nothing: {why}");

    let process = Process::new(&directory, "a").await;
    seen(&process, 600);
    assert_eq!(process.report().await.verdict.state, State::Ready);
}

#[tokio::test]
async fn what_the_monolith_does_to_itself_is_noise_and_another_type_there_still_counts() {
    let (directory, subject) = (TempDir::new().unwrap(), subject());
    let process = Process::new(&directory, "a").await;
    for target in 0..20 {
        let request = Request { target, candidate: "2", again: Some("3"), ..GOOD };
        process.offer(&subject, &request);
    }
    process.offer(&subject, &Request { target: 90, candidate: "\"2\"", again: Some("3"), ..GOOD });
    process.offer(&subject, &Request { target: 91, candidate: "1", again: Some("3"), ..GOOD });
    let report = process.report().await;
    assert_eq!((report.matched, report.noise, report.mismatched), (1, 20, 1));
    assert_eq!(distinct(&report), [(OK, 22, 22, 1)]);
}

/// Makes the tables as the first version of this program did, with a route in them.
async fn old_store(directory: &TempDir) {
    let url = format!("{}?mode=rwc", url(directory.path()));
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::migrate!("migrations/sqlite").run_to(1, &mut connection).await.unwrap();
    // Of today, since what is old is forgotten.
    let today = "CAST(strftime('%s') AS INTEGER) * 1000";
    let route = format!(
        "INSERT INTO routes VALUES ('catalog.show', 4000, 5, 6, 6, 0, 0.001, 0.01, 1, {today})"
    );
    connection.execute(AssertSqlSafe(route)).await.unwrap();
    for statement in [
        "INSERT INTO unknowns VALUES ('catalog.show', 'timed_out', 7)",
        "INSERT INTO latencies VALUES ('catalog.show', 'control', 100, 4011)",
    ] {
        connection.execute(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_store_of_an_older_version_keeps_its_counts_to_be_read() {
    let directory = TempDir::new().unwrap();
    old_store(&directory).await;
    let unread = Reports::open_read_only(&url(directory.path())).await.unwrap_err();
    assert!(matches!(unread, StoreError::Older), "{unread:?}");
    let process = Process::new(&directory, "a").await;
    let before = process.store.reports().route(ROUTE).await.unwrap().unwrap();
    assert_eq!((before.matched, before.strata.len()), (4_000, 0));
    assert_eq!(before.verdict.state, State::Undecided, "nothing tells its requests apart");

    process.offer(&subject(), &GOOD);
    let report = process.report().await;
    assert_eq!((report.matched, report.unknowns.len()), (1, 0));
    assert_eq!(report.earlier.len(), 1);
    let earlier = &report.earlier[0];
    assert_eq!((earlier.matched, earlier.mismatched, earlier.unknown), (4_000, 6, 7));
    let reason = report.reason.unwrap();
    assert!(reason.starts_with("the build is a now"), "{reason}");
}
