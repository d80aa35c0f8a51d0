//! Many threads at once.

use std::{
    collections::HashMap,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use futures_util::future::join_all;

use super::*;

const SLOTS: usize = 2;
const THREADS: usize = 4;
const TASKS: usize = 25;
const ROUNDS: usize = 200;

type InFlight = HashMap<String, AtomicUsize>;

/// Takes slots as fast as it can; every third request is given up while it waits.
async fn hammer(upstream: Arc<Upstream>, in_flight: Arc<InFlight>, task: usize) {
    for round in 0..ROUNDS {
        let mut acquire = Box::pin(upstream.acquire(None));
        if (round + task).is_multiple_of(3) {
            let polled = futures_util::poll!(&mut acquire);
            yield_now().await;
            drop(acquire);
            drop(polled);
            continue;
        }
        let permit = acquire.await.expect("a slot in time");
        let count = &in_flight[permit.server().label()];
        assert!(count.fetch_add(1, SeqCst) < SLOTS, "too many requests in flight");
        if round.is_multiple_of(2) {
            yield_now().await;
        }
        count.fetch_sub(1, SeqCst);
    }
}

#[test]
fn the_limit_holds_and_no_wake_up_is_lost() {
    // A lost wake-up is seen as a wait that never ends.
    let patient = Settings {
        queue: THREADS * TASKS,
        queue_timeout: Duration::from_secs(20),
        ..limited(3, SLOTS)
    };
    let upstream = make(patient.clone(), None);
    let count = |server: &Arc<Server>| (server.label().to_owned(), AtomicUsize::new(0));
    let counts: Arc<InFlight> = Arc::new(upstream.servers().iter().map(count).collect());
    let start = Barrier::new(THREADS);
    // Half of the threads use the version after a reload, which shares slots and queue.
    let versions = [Arc::clone(&upstream), make(patient, Some(&upstream))];
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, counts, upstream) = (&start, &counts, &versions[thread % 2]);
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                start.wait();
                let hammer =
                    |task| tokio::spawn(hammer(Arc::clone(upstream), Arc::clone(counts), task));
                runtime.block_on(async {
                    for ended in join_all((0..TASKS).map(hammer)).await {
                        ended.unwrap();
                    }
                });
            });
        }
    });
    assert_eq!(in_flight(&upstream), [0; 3]);
    assert_eq!(upstream.shared.queue.length(), 0);
}
