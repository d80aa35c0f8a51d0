//! That what is counted is a sample of all, whatever came before.

use time::OffsetDateTime;

use super::*;
use crate::{
    Budget, Evidence, KindEvidence, Proof, RouteReport, Share, State, Stratum, Subject, Unknown,
    Verdict,
    binding::Binding,
    compare::Rules,
    report::{Pending, Store},
    verdict::random::{Lcg, hash},
};

const CLEAN: Marks = Marks { critical: false, cosmetic: false };
const CRITICAL: Marks = Marks { critical: true, cosmetic: false };

/// Kept as the store keeps them.
#[derive(Default)]
struct Kept {
    known: HashMap<u64, Known>,
    sampling: Sampling,
    grown: Grown,
}

impl Kept {
    fn flush(&mut self, came: &[(u64, Known)]) {
        let came = came.iter().copied().collect();
        let (changed, grown) = merge(&came, &self.known, &mut self.sampling);
        self.known.extend(changed);
        self.grown.seen += grown.seen;
        self.grown.distinct.compared += grown.distinct.compared;
        self.grown.distinct.critical += grown.distinct.critical;
    }

    fn thin(&mut self) {
        self.sampling.level = self.sampling.level.next();
        self.known.retain(|it, _| self.sampling.level.takes(*it));
        self.sampling.kept = self.known.len() as u64;
    }

    /// At a budget of 1 %.
    fn verdict(&self) -> State {
        let budget = Share::new(0.01).unwrap();
        let kind = KindEvidence { distinct: self.grown.distinct, ..KindEvidence::default() };
        let strata = BTreeMap::from([(Stratum::default(), kind)]);
        let evidence = Evidence { strata, sampling: self.sampling, ..Evidence::default() };
        Verdict::of(&evidence, Budget { critical: budget, cosmetic: budget }, Proof::default())
            .state
    }

    fn counts(&self) -> (u64, u64, u64) {
        let Grown { seen, distinct } = self.grown;
        (seen, distinct.compared, distinct.critical)
    }
}

#[test]
fn a_request_counts_once_and_as_compared_as_soon_as_it_was() {
    let mut kept = Kept::default();
    let compared = Known::Compared;
    kept.flush(&[(1, Known::Unknown), (2, compared(CLEAN)), (3, Known::Unknown)]);
    assert_eq!(kept.counts(), (3, 1, 0));
    kept.flush(&[(1, compared(CRITICAL)), (2, Known::Unknown), (3, Known::Unknown)]);
    assert_eq!(kept.counts(), (3, 2, 1));
    kept.flush(&[(1, compared(CLEAN)), (2, compared(CRITICAL))]);
    assert_eq!(kept.counts(), (3, 2, 2));
}

#[test]
fn what_is_forgotten_stays_counted_and_is_never_counted_again() {
    let mut kept = Kept::default();
    let (small, large) = (5, u64::MAX - 5);
    kept.flush(&[(small, Known::Unknown), (large, Known::Compared(CLEAN))]);
    kept.thin();
    assert_eq!((kept.sampling.kept, kept.counts()), (1, (2, 1, 0)));
    kept.flush(&[(small, Known::Compared(CRITICAL)), (large, Known::Compared(CRITICAL))]);
    assert_eq!(kept.counts(), (2, 2, 1));
    // Another process had room for few of what it saw: what it left out comes another time.
    kept.flush(&[(6, Known::Compared(CLEAN))]);
    assert_eq!(kept.counts(), (3, 3, 1));
}

async fn flush(store: &Store, number: u64, kinds: [(&str, std::ops::Range<u64>); 2], every: u64) {
    let subject =
        Subject::new("a", Rules::default(), Budget::default(), Proof::default(), Vec::new());
    let at = OffsetDateTime::now_utc();
    let binding = Binding { build: "".into(), rules: "".into(), monolith: None, since: None };
    let mut pending = Pending::default();
    let (route, room) = pending.route(&subject, binding, at);
    for (kind, range) in kinds {
        let Ok(stratum) = kind.parse::<Stratum>();
        for it in range {
            match it % every {
                0 => route.kinds.compared(stratum.clone(), hash(it), CRITICAL, room),
                1 => route.kinds.unknown(stratum.clone(), hash(it), Unknown::Failed, room),
                _ => route.kinds.compared(stratum.clone(), hash(it), CLEAN, room),
            }
        }
    }
    store.write(number, &pending).await.unwrap();
}

async fn report(store: &Store) -> RouteReport {
    store.reports().route("a").await.unwrap().unwrap()
}

/// One of 500 differs, and one is never compared. What only added those that differ would come to 0.3 %.
#[tokio::test]
async fn however_many_requests_there_are_the_counts_are_a_sample_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
    let store = Store::open(&url).await.unwrap();
    let round = |it: u64| {
        [("x", it * 9_000..it * 9_000 + 6_000), ("y", it * 9_000 + 6_000..it * 9_000 + 9_000)]
    };
    for number in 0..11 {
        flush(&store, number + 1, round(number), 500).await;
    }
    let all = report(&store).await;
    assert_eq!((all.distinct_one_in, all.strata[0].distinct.compared), (1, 65_868));
    // Each again, by another process: none is new.
    let other = Store::open(&url).await.unwrap();
    for number in 0..11 {
        flush(&other, number + 1, round(number), 500).await;
    }
    assert_eq!(report(&store).await.strata[0].distinct, all.strata[0].distinct);
    for number in 11..33 {
        let store = if number % 2 == 0 { &store } else { &other };
        flush(store, number + 1, round(number), 500).await;
    }
    let report = report(&store).await;
    let [x, y] = &*report.strata else { panic!("{:?}", report.strata) };
    let counted = x.distinct.compared + y.distinct.compared;
    assert_eq!(report.distinct_one_in, 4, "297,000 came");
    // All of 108,000, half of the next 99,000, and a quarter of the rest.
    assert!((170_000..190_000).contains(&counted), "{counted}");
    let share = (x.distinct.critical + y.distinct.critical) * 100_000 / counted;
    assert!((150..250).contains(&share), "{share} of 100,000");
    let kind = y.distinct.compared * 1_000 / counted;
    assert!((325..342).contains(&kind), "a third: {kind}");
    let why = &report.verdict.why;
    assert!(!why.contains("could not be compared"), "0.2 % as well: {why}");
}

/// An older store, or one to which an older process wrote, may have more than are kept.
#[tokio::test]
async fn a_number_that_is_wrong_is_set_right() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
    let store = Store::open(&url).await.unwrap();
    flush(&store, 1, [("x", 0..100), ("y", 100..200)], 50).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute("UPDATE samplings SET kept = 5000000", &[]).await.unwrap();
    tx.commit().await.unwrap();
    flush(&store, 2, [("x", 200..201), ("y", 0..0)], 50).await;
    let sampling = read(&store.database, "a").await.unwrap();
    assert_eq!(sampling.level, Level(1));
    assert!((60..140).contains(&sampling.kept), "{sampling:?}");
}

/// Routes whose requests differ so often, watched after every flush of two processes, one of which has
/// room for half of what it sees. The store remembers 400 of 4,000.
fn ever_ready(routes: u64, one_in: u64) -> usize {
    let mut random = Lcg(17);
    let ready = (0..routes).filter(|route| {
        let mut kept = Kept::default();
        (0..100).any(|flush| {
            let fresh = (0..40).map(|it| flush * 40 + it);
            let again = (0..10).map(|_| random.below((flush + 1) * 40));
            let mut came: Vec<_> = fresh.chain(again.collect::<Vec<_>>()).collect();
            came.retain(|it| flush % 2 == 0 || Level(1).takes(hash(route << 32 | it)));
            let known = |it: u64| {
                let marks =
                    Marks { critical: hash(it ^ 0xfa11).is_multiple_of(one_in), cosmetic: false };
                (hash(it), Known::Compared(marks))
            };
            kept.flush(&came.into_iter().map(|it| known(route << 32 | it)).collect::<Vec<_>>());
            if kept.sampling.kept > 400 {
                kept.thin();
            }
            kept.verdict() == State::Ready
        })
    });
    ready.count()
}

#[test]
fn of_1000_routes_at_their_budget_at_most_5_percent_are_ever_ready_however_few_are_remembered() {
    let ready = ever_ready(1_000, 100);
    assert!((15..=50).contains(&ready), "{ready} of 1,000");
}

#[test]
fn good_routes_are_ready_though_few_of_their_requests_are_remembered() {
    let ready = ever_ready(200, 1_000);
    assert!(ready >= 190, "{ready} of 200");
}
