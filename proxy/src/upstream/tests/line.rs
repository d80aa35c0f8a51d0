//! Waiting for a free slot.

use tokio::time::advance;

use super::*;

#[tokio::test]
async fn who_waits_longest_goes_first_and_nobody_overtakes() {
    let upstream = make(limited(1, 1), None);
    let held = now(&upstream);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(in_line(&upstream).await);
    }
    drop(held);
    for first in waiting {
        assert!(upstream.acquire(None).now_or_never().is_none());
        let permit = first.await.unwrap().unwrap();
        assert_eq!(in_flight(&upstream), [1]);
        drop(permit);
    }
    assert_eq!(upstream.shared.queue.length(), 0);
    drop(now(&upstream));
}

#[tokio::test]
async fn a_newcomer_does_not_take_what_was_freed_for_those_who_wait() {
    let upstream = make(limited(1, 1), None);
    assert!(upstream.servers[0].slots().take(1));
    let waiting = in_line(&upstream).await;
    // The moment between the freeing of a slot and the granting.
    upstream.servers[0].slots().release();
    assert!(upstream.acquire(None).now_or_never().is_none());
    waiting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_and_says_how_long_it_was() {
    let upstream = make(limited(1, 1), None);
    let _held = now(&upstream);
    let waited = Duration::from_secs(2);
    let error = upstream.acquire(None).await.unwrap_err();
    assert_eq!(error, Unavailable::QueueTimeout { upstream: "shop".to_owned(), waited });
    assert_eq!(upstream.shared.queue.length(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_permit_says_how_long_its_request_waited() {
    let upstream = make(limited(1, 1), None);
    let held = now(&upstream);
    assert_eq!(held.waited(), Duration::ZERO);
    let waiting = in_line(&upstream).await;
    advance(Duration::from_millis(300)).await;
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().waited(), Duration::from_millis(300));
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let upstream = make(Settings { queue: 1, ..limited(1, 1) }, None);
    let held = now(&upstream);
    let waiting = in_line(&upstream).await;
    let error = upstream.acquire(None).now_or_never().unwrap().unwrap_err();
    assert_eq!(error, Unavailable::QueueFull { upstream: "shop".to_owned(), queue: 1 });
    drop(held);
    waiting.await.unwrap().unwrap();
}

#[test]
fn without_a_queue_free_slots_are_used_all_the_same() {
    let upstream = make(Settings { queue: 0, ..limited(2, 1) }, None);
    let permits = [now(&upstream), now(&upstream)];
    assert!(upstream.acquire(None).now_or_never().unwrap().is_err());
    drop(permits);
    drop(now(&upstream));
}

#[tokio::test]
async fn who_gives_up_leaves_the_line() {
    let upstream = make(limited(1, 1), None);
    let held = now(&upstream);
    let first = in_line(&upstream).await;
    let second = in_line(&upstream).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(upstream.shared.queue.length(), 1);
    drop(held);
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_gives_up_after_a_slot_was_granted_passes_it_on() {
    let upstream = make(limited(1, 1), None);
    let held = now(&upstream);
    let mut first = Box::pin(upstream.acquire(None));
    assert!(futures_util::poll!(&mut first).is_pending());
    let second = in_line(&upstream).await;
    drop(held);
    drop(first);
    second.await.unwrap().unwrap();
}

#[test]
fn a_slot_that_is_granted_as_the_wait_ends_is_used() {
    let upstream = make(limited(1, 1), None);
    let held = now(&upstream);
    let place = Queue::join(&upstream, None).unwrap();
    drop(held);
    assert!(place.give_up().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_serves_those_who_wait() {
    let ejections = Outlier { base_ejection: Duration::from_secs(1), ..Outlier::default() };
    let upstream = make(Settings { outlier: ejections, ..limited(2, 1) }, None);
    eject(&upstream, 0);
    let _busy = now(&upstream);
    let permit = upstream.acquire(None).await.unwrap();
    assert_eq!(permit.server().label(), upstream.servers[0].label());
    assert_eq!(permit.waited(), Duration::from_secs(1));
}

#[tokio::test]
async fn panic_opens_servers_to_those_who_wait() {
    let health = Some(Health::default());
    let upstream = make(Settings { health, ..limited(2, 1) }, None);
    check(&upstream, 0, false);
    let busy = now(&upstream);
    let waiting = in_line(&upstream).await;
    fail(&busy, 5);
    let permit = waiting.await.unwrap().unwrap();
    assert_eq!(permit.server().label(), upstream.servers[0].label());
}

#[tokio::test]
async fn a_retry_in_line_lets_others_have_the_server_that_it_avoids() {
    let upstream = make(limited(2, 1), None);
    let (first, second) = (of_server(&upstream, 0), of_server(&upstream, 1));
    let mut retry = Box::pin(upstream.acquire(Some(&upstream.servers[0])));
    assert!(futures_util::poll!(&mut retry).is_pending());
    let other = in_line(&upstream).await;
    drop(first);
    assert_eq!(other.await.unwrap().unwrap().server().label(), upstream.servers[0].label());
    assert!(futures_util::poll!(&mut retry).is_pending());
    drop(second);
    assert_eq!(retry.await.unwrap().server().label(), upstream.servers[1].label());
}
