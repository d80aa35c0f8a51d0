//! What is handed over by threads that serve buyers becomes an experiment on the judge's own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode};
use prometheus::Registry;
use shadow::{
    Budget, Experiment, Leg, Observation, Prepared, Proof, Reading, RequestSummary, Settings,
    Shadow, Store, Subject, Unknown, compare::Rules,
};
use tokio::sync::oneshot;

/// Nothing here takes so long; a test that waits for it has failed.
const LONG: Duration = Duration::from_mins(1);

fn subject() -> Arc<Subject> {
    let (rules, budget, proof) = (Rules::default(), Budget::default(), Proof::default());
    Arc::new(Subject::new("catalog.show", rules, budget, proof, Vec::new()))
}

fn observation() -> Observation {
    Observation {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: "1".into(),
        trailers: HeaderMap::new(),
        took: Duration::from_millis(1),
    }
}

fn experiment(candidate: Leg) -> Experiment {
    Experiment {
        subject: subject(),
        request: RequestSummary {
            id: "0f6d2c1e".into(),
            method: Method::GET,
            target: "/api/products/7".into(),
            template: "/api/products/{id}".into(),
            signed_in: false,
            operation: None,
            variant: 0,
        },
        control: Leg::Answered(observation()),
        candidate,
        again: None,
        recheck: None,
        reading: Reading::default(),
        deadline: LONG,
    }
}

#[tokio::test]
async fn an_experiment_is_made_by_the_judge_and_only_if_there_is_room_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("banyan.db").display());
    let store = Store::open(&url).await.unwrap();
    let settings = Settings { queue: 2, concurrency: 1, ..Settings::default() };
    let judge = Shadow::start(settings, store.clone(), &Registry::new()).unwrap();
    let ((asked, is_asked), (open, opened)) = (oneshot::channel(), oneshot::channel::<()>());
    judge.offer(experiment(Leg::Ask(Box::pin(async move {
        asked.send(()).unwrap();
        opened.await.unwrap();
        Ok(observation())
    }))));
    tokio::time::timeout(LONG, is_asked).await.unwrap().unwrap();

    let made = Arc::new(Mutex::new(Vec::new()));
    for number in 0..4 {
        assert_eq!(judge.has_room(), number < 2);
        let made = Arc::clone(&made);
        let prepare = move || {
            made.lock().unwrap().push((number, thread::current().name().map(str::to_owned)));
            assert_ne!(number, 1, "a panic that the test asked for");
            let experiment = experiment(Leg::Answered(observation()));
            Prepared { experiment, on_mismatch: None }
        };
        judge.offer_later(&subject(), 0, Box::new(prepare));
    }
    assert_eq!(*made.lock().unwrap(), [], "nothing is made where it is offered");
    open.send(()).unwrap();
    judge.drain(LONG).await;
    assert_eq!(*made.lock().unwrap(), [0, 1].map(|it| (it, Some("shadow".to_owned()))));
    let report = store.reports().route("catalog.show").await.unwrap().unwrap();
    assert_eq!((report.matched, report.compared()), (2, 2));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 3)]), "each is counted once");
}
