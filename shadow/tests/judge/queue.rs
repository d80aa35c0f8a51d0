//! The way to the judge: bounded, never waited for, and drained at the end.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use futures_util::{FutureExt as _, future};
use shadow::{Leg, Prepared, Settings, Unknown};
use tokio::sync::oneshot;

use super::bench::*;

#[tokio::test]
async fn an_experiment_is_made_by_the_judge_and_only_if_there_is_room_for_it() {
    let bench = Bench::new(Settings { queue: 2, concurrency: 1, ..Settings::default() }).await;
    let (leg, asked, open) = gated();
    bench.offer(json("1"), leg);
    soon(asked).await.unwrap();

    let made = Arc::new(Mutex::new(Vec::new()));
    for number in 0..4 {
        assert_eq!(bench.judge.has_room(), number < 2);
        let made = Arc::clone(&made);
        let prepare = move || {
            made.lock().unwrap().push((number, thread::current().name().map(str::to_owned)));
            assert_ne!(number, 1, "a panic that the test asked for");
            let experiment = experiment(json("1"), json("1"));
            future::ready(Prepared { experiment, on_mismatch: None }).boxed()
        };
        bench.judge.offer_later(&subject(), 0, Box::new(prepare));
    }
    assert_eq!(*made.lock().unwrap(), [], "nothing is made where it is offered");
    open.send(()).unwrap();
    bench.drain().await;
    assert_eq!(*made.lock().unwrap(), [0, 1].map(|it| (it, Some("shadow".to_owned()))));
    let report = bench.report().await;
    assert_eq!(counts(&report), (2, 0, 0));
    assert_eq!(report.unknowns, BTreeMap::from([(Unknown::Dropped, 3)]), "each is counted once");
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
