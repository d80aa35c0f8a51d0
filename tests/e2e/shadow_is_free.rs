//! A buyer never pays for shadow: whatever the candidate does, the buyers' run passes and is as
//! fast as without it.

use std::time::Duration;

use extracted::{Extraction, HandlerError, catalog};
use reqwest::Client;
use shadow::Unknown;
use tests::buyers::{Buyers, Until};

use crate::support::{forever, judged, proxy, routes, shop};

const SLEEPING: Extraction = Extraction {
    run: |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(HandlerError::Declined("nobody waits so long"))
        })
    },
    ..catalog::show::SHOW
};

const BLOCKING: Extraction = Extraction {
    run: |_, _| {
        Box::pin(async {
            std::thread::sleep(Duration::from_secs(10));
            Err(HandlerError::Declined("nobody waits so long"))
        })
    },
    ..catalog::show::SHOW
};

const PANICKING: Extraction =
    Extraction { run: |_, _| Box::pin(async { panic!("a planted panic") }), ..catalog::show::SHOW };

/// Declines where its thread leaves the processor to others, as those of candidates must.
const YIELDING: Extraction = Extraction {
    run: |_, _| {
        Box::pin(async {
            assert!(niceness("thread-self") > niceness("self"), "a candidate beside buyers");
            Err(HandlerError::Declined("it yields"))
        })
    },
    ..catalog::show::SHOW
};

/// The niceness of a process's first thread, or of a thread, as proc(5) names them: field 19.
fn niceness(of: &str) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{of}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(16).unwrap().parse().unwrap()
}

/// The buyers' run passes with this candidate on every product page, and the report says how its
/// calls ended.
async fn assert_free(candidate: Extraction, expected: Unknown) {
    let build = forever(vec![catalog::list::LIST, candidate]);
    let proxy = proxy(shop().await, routes(), build).await;
    let buyers = Buyers { base: proxy.url(), at_once: 3, seed: 4 };
    let tally = buyers.run(Until::Journeys(6)).await;
    assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
    // Far below the candidate's ten seconds, and below its deadline too: nobody waited for it.
    assert!(tally.percentile(0.5) < Duration::from_millis(300), "{:?}", tally.percentile(0.5));
    let report = judged(&proxy, "catalog.show", 1).await;
    assert!(report.unknowns.contains_key(&expected), "{:?}", report.unknowns);
    assert_eq!(report.matched + report.ignored + report.mismatched, 0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_sleeps_times_out() {
    assert_free(SLEEPING, Unknown::TimedOut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_blocks_its_thread_times_out() {
    assert_free(BLOCKING, Unknown::TimedOut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_panics_is_counted() {
    assert_free(PANICKING, Unknown::Panicked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_yields_to_those_that_serve_buyers() {
    assert_free(YIELDING, Unknown::Declined).await;
}

/// The same requests in turn through a proxy with a sleeping candidate and through one without:
/// paired, so that the machine's own noise hits both alike.
#[tokio::test(flavor = "multi_thread")]
async fn latency_is_unchanged_by_a_sleeping_candidate() {
    const PAIRS: usize = 150;
    let with = proxy(shop().await, routes(), forever(vec![catalog::list::LIST, SLEEPING])).await;
    let plain = tests::banyan::Setup { monolith: shop().await.url, ..Default::default() };
    let without = tests::banyan::Proxy::start(plain, &[]).await.unwrap();
    let client = Client::new();
    let mut slower = 0;
    for round in 0..PAIRS {
        let path = format!("/api/products/{}", round % 50 + 1);
        let mut took = [Duration::ZERO; 2];
        // Who goes first alternates: the first of a pair finds colder caches.
        for side in [round % 2, 1 - round % 2] {
            let base = [with.url(), without.url()][side].clone();
            let began = std::time::Instant::now();
            client.get(format!("{base}{path}")).send().await.unwrap().bytes().await.unwrap();
            took[side] = began.elapsed();
        }
        slower += usize::from(took[0] > took[1]);
    }
    // A proxy that waited for its candidate would be the slower one every time. The candidate's own
    // work takes its share of a small machine, so half of the time is not to be had: 75 to 98 of 150
    // were measured on two busy cores.
    assert!(slower <= 120, "slower with shadow in {slower} of {PAIRS} pairs");
    judged(&with, "catalog.show", 10).await;
    with.stop().await;
    without.stop().await;
}
