//! A panel or an alert over a metric that nobody emits stays silent for ever: the judge's part of
//! what is queried is emitted. The end-to-end tests check the whole against a running Banyan.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::collections::BTreeSet;

use dashboards::queried_metrics;
use tempfile::TempDir;

use crate::support::Bench;

mod support;

#[tokio::test]
async fn every_metric_of_the_judge_that_is_queried_is_emitted() {
    let directory = TempDir::new().unwrap();
    let bench = Bench::new(directory.path()).await;
    bench.judge("catalog.show", &[("{}", "{}")]).await;
    let emitted: BTreeSet<_> =
        bench.registry.gather().iter().map(|it| it.name().to_owned()).collect();

    let of_the_judge =
        |it: &String| ["banyan_shadow_", "banyan_store_"].iter().any(|at| it.starts_with(at));
    let queried: BTreeSet<_> = queried_metrics().into_iter().filter(of_the_judge).collect();

    let silent: Vec<_> = queried.difference(&emitted).collect();
    assert!(silent.is_empty(), "queried, but never emitted: {silent:?}");
    let unseen: Vec<_> = emitted.difference(&queried).collect();
    assert!(unseen.is_empty(), "emitted, but on no panel and in no alert: {unseen:?}");
}

#[test]
fn only_metrics_of_banyan_are_queried() {
    let foreign: Vec<_> =
        queried_metrics().into_iter().filter(|it| !it.starts_with("banyan_")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}
