//! One version of an upstream after another.

use super::*;

/// The same but for the first server, and one more.
fn moved(servers: usize) -> Settings {
    let mut moved = settings(servers + 1);
    moved.servers.remove(0);
    moved
}

#[test]
fn a_server_that_stays_keeps_what_is_known_of_it() {
    let before = make(settings(3), None);
    let _held = of_server(&before, 1);
    eject(&before, 2);
    let after = make(moved(3), Some(&before));
    assert_eq!(in_flight(&after), [1, 0, 0]);
    assert_eq!(used(&after), [0, 2]);
}

#[test]
fn what_one_version_learns_the_other_knows() {
    let before = make(settings(2), None);
    let after = make(settings(2), Some(&before));
    assert_eq!(used(&after), [0, 1]);
    fail(&of_server(&before, 0), 2);
    fail(&of_server(&after, 0), 3);
    assert_eq!(used(&after), [1]);
    assert_eq!(used(&before), [1]);
}

#[tokio::test]
async fn a_slot_that_one_version_frees_serves_who_waits_in_the_other() {
    let before = make(limited(1, 1), None);
    let after = make(limited(1, 1), Some(&before));
    let held = now(&before);
    let waiting = in_line(&after).await;
    drop(held);
    let held = waiting.await.unwrap().unwrap();
    let waiting = in_line(&before).await;
    drop(held);
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_waits_for_servers_of_old_does_not_hold_up_the_others() {
    let before = make(limited(1, 1), None);
    let _held = now(&before);
    let _old = in_line(&before).await;
    let mut elsewhere = limited(2, 1);
    elsewhere.servers.remove(0);
    let after = make(elsewhere, Some(&before));
    let permit = after.acquire(None).now_or_never().expect("a free slot").unwrap();
    assert_eq!(permit.server().label(), "http://server-1.test:3000");
}

#[test]
fn a_lowered_limit_holds_for_requests_of_old() {
    let before = make(limited(1, 3), None);
    let held = [now(&before), now(&before)];
    let after = make(Settings { queue: 0, ..limited(1, 1) }, Some(&before));
    assert!(after.acquire(None).now_or_never().unwrap().is_err());
    drop(held);
    drop(now(&after));
}

#[test]
fn without_health_checks_their_last_verdict_is_void() {
    let before = make(Settings { health: Some(Health::default()), ..settings(2) }, None);
    check(&before, 0, false);
    assert_eq!(used(&before), [1]);
    assert_eq!(used(&make(settings(2), Some(&before))), [0, 1]);
}
