//! A process that does nothing but write to a report store, for tests that kill it.
//!
//! `store-writer URL` says on its output how many requests it has offered to be compared
//! (`offered 12`), how many of them the store has (`stored 12`), and how often it was not written
//! (`failed 1`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what it says is what it is for")]

use std::{io::Write as _, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus::{Registry, TextEncoder};
use shadow::{
    Budget, Experiment, Leg, Observation, Proof, Reading, RequestSummary, Settings, Shadow, Store,
    Subject, compare::Rules,
};

const FAILED: &str = "banyan_store_flushes_total{result=\"failed\"} ";

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let (store, registry) = (Store::open_or_wait(&url, None).await.unwrap(), Registry::new());
    let judge = Shadow::start(Settings::default(), store.clone(), &registry).unwrap();
    let (budget, proof) = (Budget::default(), Proof::default());
    let subject = Arc::new(Subject::new("a", Rules::default(), budget, proof, Vec::new()));
    let before = stored(&store).await.unwrap_or_default();
    for number in 1_u64.. {
        judge.offer(experiment(&subject, number));
        say("offered", number);
        if let Some(stored) = stored(&store).await {
            say("stored", stored.saturating_sub(before));
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let failed = text.lines().find_map(|it| it.strip_prefix(FAILED)).unwrap();
        say("failed", failed.parse().unwrap());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn say(what: &str, count: u64) {
    println!("{what} {count}");
    std::io::stdout().flush().unwrap();
}

async fn stored(store: &Store) -> Option<u64> {
    store.reports().route("a").await.ok()?.map(|it| it.compared())
}

/// With a difference of its own kind of body, so that the store grows.
fn experiment(subject: &Arc<Subject>, number: u64) -> Experiment {
    let answer = |price: u64| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let body = format!("{{\"price\":{price},\"more\":\"{}\"}}", "x".repeat(200)).into();
        let took = Duration::from_millis(12);
        Leg::Answered(Observation {
            status: StatusCode::OK,
            headers,
            body,
            trailers: HeaderMap::new(),
            took,
        })
    };
    Experiment {
        subject: Arc::clone(subject),
        request: RequestSummary {
            id: number.to_string(),
            method: Method::GET,
            target: format!("/products/{}/{number}", std::process::id()),
            template: "/products/*".to_owned(),
            signed_in: false,
            operation: None,
            variant: 0,
        },
        control: answer(number),
        candidate: answer(number + 1),
        again: None,
        recheck: None,
        reading: Reading::default(),
        deadline: Duration::from_mins(1),
    }
}
