//! Which server a request gets.

use super::*;

#[test]
fn requests_that_last_are_spread_evenly() {
    let upstream = make(settings(4), None);
    let _permits: Vec<_> = (0..4_000).map(|_| now(&upstream)).collect();
    // Drawn without looking, the four would differ by some 60.
    assert!(in_flight(&upstream).iter().all(|it| (990..=1_010).contains(it)));
}

#[test]
fn the_busiest_server_gets_nothing_while_others_are_less_busy() {
    let upstream = make(settings(3), None);
    let _busy: Vec<_> = (0..10).map(|_| of_server(&upstream, 1)).collect();
    for _ in 0..200 {
        drop(now(&upstream));
    }
    assert_eq!(upstream.servers[1].slots().taken(), 10);
    assert!(upstream.servers[0].slots().taken() > 50);
    assert!(upstream.servers[2].slots().taken() > 50);
}

#[test]
fn the_last_free_slot_is_found_among_many() {
    let upstream = make(limited(40, 1), None);
    let permits: Vec<_> = (0..40).map(|_| now(&upstream)).collect();
    assert_eq!(in_flight(&upstream), [1; 40]);
    drop(permits);
    assert_eq!(in_flight(&upstream), [0; 40]);
}

#[test]
fn a_retry_goes_to_another_server_where_there_is_one() {
    for servers in [2, 3, 10] {
        let upstream = make(settings(servers), None);
        let failed = Arc::clone(&upstream.servers[1]);
        for _ in 0..100 {
            let permit = upstream.acquire(Some(&failed)).now_or_never().unwrap().unwrap();
            assert!(!Arc::ptr_eq(permit.server(), &failed));
        }
    }
    let alone = make(settings(1), None);
    let permit = alone.acquire(Some(&alone.servers[0])).now_or_never().unwrap().unwrap();
    assert!(Arc::ptr_eq(permit.server(), &alone.servers[0]));
}

/// The other one may be back, and as many as it can take are there already to find out.
#[tokio::test]
async fn a_retry_waits_for_an_ejected_server_rather_than_ask_the_one_that_failed() {
    let upstream = make(limited(2, 1), None);
    eject(&upstream, 0);
    let back = upstream.acquire(Some(&upstream.servers[1])).await.unwrap();
    assert!(Arc::ptr_eq(back.server(), &upstream.servers[0]));
    let mut waiting = Box::pin(upstream.acquire(Some(&upstream.servers[1])));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(back);
    assert!(Arc::ptr_eq(waiting.await.unwrap().server(), &upstream.servers[0]));
}

#[test]
fn an_address_counts_once() {
    let mut twice = settings(2);
    twice.servers.extend(settings(1).servers);
    assert_eq!(make(twice, None).servers().len(), 2);
}
