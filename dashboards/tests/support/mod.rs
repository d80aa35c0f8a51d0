//! A judge with a store of its own, and answers to judge.

use std::{path::Path, sync::Arc, time::Duration};

use axum::http::{HeaderMap, Method, StatusCode, header};
use prometheus::Registry;
use shadow::{
    Budget, Experiment, Leg, Observation, PathPattern, Proof, Reading, RequestSummary, Settings,
    Shadow, Store, Subject, Unknown, compare::Rules,
};

/// A store in a directory, and the series of the judge that writes to it.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
}

impl Bench {
    pub(crate) async fn new(directory: &Path) -> Self {
        let url = format!("sqlite://{}", directory.join("banyan.db").display());
        let store = Store::open(&url).await.unwrap();
        Self { store, registry: Registry::new() }
    }

    /// Judges these pairs of JSON bodies, and one request that cannot be compared, as `route`.
    pub(crate) async fn judge(&self, route: &str, pairs: &[(&'static str, &'static str)]) {
        let judge = Shadow::start(Settings::default(), self.store.clone(), &self.registry).unwrap();
        let reveal = vec![PathPattern::parse("$.price").unwrap()];
        let (budget, proof) = (Budget::default(), Proof::default());
        let subject = Arc::new(Subject::new(route, Rules::default(), budget, proof, reveal));
        for (control, candidate) in pairs {
            judge.offer(Experiment {
                subject: Arc::clone(&subject),
                request: RequestSummary {
                    id: "0f6d2c1e".into(),
                    method: Method::GET,
                    target: "/api/products/7".into(),
                    signed_in: false,
                    operation: None,
                    variant: 0,
                },
                control: Leg::Answered(json(control)),
                candidate: Leg::Answered(json(candidate)),
                again: None,
                recheck: None,
                reading: Reading::default(),
                deadline: Duration::from_secs(5),
            });
        }
        judge.discard(&subject, Unknown::Declined);
        judge.drain(Duration::from_secs(10)).await;
    }
}

fn json(body: &'static str) -> Observation {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let took = Duration::from_millis(12);
    Observation { status: StatusCode::OK, headers, body: body.into(), took }
}
