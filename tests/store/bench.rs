//! A store of its own for each test, judges that write to it, and what they are offered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus::{Registry, TextEncoder};
use shadow::{
    Budget, DifferenceReport, Experiment, Leg, Observation, PathPattern, Proof, Reading, Recheck,
    RequestSummary, RouteReport, Settings, Shadow, Store, Subject, Unknown, compare::Rules,
};
use tests::project::Scratch;

use crate::servers::{self, Kind};

/// Nothing here takes so long; a test that waits for it has failed.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// Where a store may be made.
pub(crate) struct Place {
    pub(crate) url: String,
    /// Of a file.
    pub(crate) folder: Scratch,
}

impl Place {
    #[expect(clippy::unused_async, reason = "as the others")]
    pub(crate) async fn sqlite() -> Self {
        let folder = Scratch::new("store");
        let url = format!("sqlite://{}", folder.path().join("banyan.db").display());
        Self { url, folder }
    }

    pub(crate) async fn mariadb() -> Self {
        Self::on(Kind::MariaDb).await
    }

    #[cfg(feature = "mysql")]
    pub(crate) async fn mysql() -> Self {
        Self::on(Kind::MySql).await
    }

    pub(crate) async fn postgresql() -> Self {
        Self::on(Kind::Postgres).await
    }

    /// A database in a server.
    pub(crate) async fn on(kind: Kind) -> Self {
        Self { url: servers::database(kind).await, folder: Scratch::new("store") }
    }
}

/// One process: a judge of its own on a store.
pub(crate) struct Process {
    url: String,
    pub(crate) store: Store,
    pub(crate) judge: Shadow,
    registry: Registry,
}

impl Process {
    pub(crate) async fn new(url: &str) -> Self {
        Self::of(url, "build").await
    }

    pub(crate) async fn of(url: &str, build: &str) -> Self {
        Self::with(url, Settings { build: build.to_owned(), ..Settings::default() }).await
    }

    pub(crate) async fn with(url: &str, settings: Settings) -> Self {
        Self::on(url, Store::open(url).await.unwrap(), settings)
    }

    /// On a store that is not there yet.
    pub(crate) async fn waiting(url: &str) -> Self {
        Self::on(url, Store::open_or_wait(url, None).await.unwrap(), Settings::default())
    }

    fn on(url: &str, store: Store, settings: Settings) -> Self {
        let registry = Registry::new();
        let judge = Shadow::start(settings, store.clone(), &registry).unwrap();
        Self { url: url.to_owned(), store, judge, registry }
    }

    /// Judges what was offered, and ends; returns the store as the next process finds it. The
    /// connections of this one end with the judge's threads, which nobody waits for.
    pub(crate) async fn end(self) -> Store {
        self.judge.drain(LONG).await;
        Store::open(&self.url).await.unwrap()
    }

    /// Two answers to `GET target`, as JSON.
    pub(crate) fn offer(&self, route: &str, target: &str, answers: [&str; 2]) {
        self.offer_as(route, target, answers, 200);
    }

    pub(crate) fn offer_as(&self, route: &str, target: &str, answers: [&str; 2], status: u16) {
        let sides = answers.map(|it| Leg::Answered(answer(it, status)));
        self.judge.offer(experiment(route, target, sides));
    }

    /// A sale between the two answers: the monolith says then what the extraction had said.
    pub(crate) fn race(&self, route: &str, target: &str, answers: [&str; 2]) {
        let [before, after] = answers.map(|it| answer(it, 200));
        let again = after.clone();
        let recheck = Recheck::Control(Box::pin(async { Ok(again) }), Box::new(|| unreachable!()));
        let sides = [before, after].map(Leg::Answered);
        let experiment = experiment(route, target, sides);
        self.judge.offer(Experiment { recheck: Some(recheck), ..experiment });
    }

    /// The monolith has answered, and the handler's database failed.
    pub(crate) fn fail(&self, route: &str, target: &str) {
        let failed = Leg::Ask(Box::pin(async { Err(Unknown::Failed) }));
        let sides = [Leg::Answered(answer("1", 200)), failed];
        self.judge.offer(experiment(route, target, sides));
    }

    pub(crate) fn discard(&self, route: &str) {
        self.judge.discard(&subject(route), Unknown::Declined);
    }
    /// The value of a series, named with its labels; 0 before it exists.
    pub(crate) fn series(&self, name: &str) -> u64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let mut lines = text.lines().filter_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
        lines.next().map_or(0, |it| it.parse().unwrap())
    }

    pub(crate) fn failed(&self) -> u64 {
        self.series("banyan_store_flushes_total{result=\"failed\"}")
    }

    /// Waits until this holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < LONG, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the store has so many compared requests of a route. A store that cannot be read
    /// may be back soon.
    pub(crate) async fn until_stored(&self, route: &str, compared: u64) -> RouteReport {
        let start = Instant::now();
        loop {
            let found = self.store.reports().route(route).await;
            if let Ok(Some(report)) = &found
                && report.compared() >= compared
            {
                assert_eq!(report.compared(), compared, "nothing is counted twice");
                return report.clone();
            }
            assert!(start.elapsed() < LONG, "waited in vain for {compared}: {found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a store says of a route.
pub(crate) async fn report(store: &Store, route: &str) -> RouteReport {
    store.reports().route(route).await.unwrap().unwrap()
}

pub(crate) async fn differences(store: &Store, route: &str) -> Vec<DifferenceReport> {
    store.reports().differences(route).await.unwrap()
}

/// One for each route, as from a route file that is loaded once. `$.revealed` may be seen.
fn subject(route: &str) -> Arc<Subject> {
    static SUBJECTS: Mutex<BTreeMap<String, Arc<Subject>>> = Mutex::new(BTreeMap::new());
    let mut subjects = SUBJECTS.lock().unwrap();
    Arc::clone(subjects.entry(route.to_owned()).or_insert_with(|| Arc::new(fresh(route))))
}

fn fresh(route: &str) -> Subject {
    let reveal = vec![PathPattern::parse("$.revealed").unwrap()];
    let (budget, proof) = (Budget::default(), Proof::default());
    Subject::new(route, Rules::default(), budget, proof, reveal)
}

fn experiment(route: &str, target: &str, [control, candidate]: [Leg; 2]) -> Experiment {
    Experiment {
        subject: subject(route),
        request: RequestSummary {
            id: "0f6d2c1e".to_owned(),
            method: Method::GET,
            target: target.to_owned(),
            // What stands in the template is shown: tests tell samples apart by it.
            template: target.to_owned(),
            signed_in: false,
            operation: None,
            variant: 0,
        },
        control,
        candidate,
        again: None,
        recheck: None,
        reading: Reading::default(),
        deadline: LONG,
    }
}

fn answer(body: &str, status: u16) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let (status, took) = (StatusCode::from_u16(status).unwrap(), Duration::from_millis(12));
    let (body, trailers) = (body.to_owned().into(), HeaderMap::new());
    Observation { status, headers, body, trailers, took }
}
