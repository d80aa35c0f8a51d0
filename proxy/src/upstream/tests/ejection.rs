//! Outlier detection.

use http::StatusCode;
use tokio::time::advance;

use super::*;

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_eject_a_server_for_a_while() {
    let upstream = make(settings(2), None);
    let permit = of_server(&upstream, 0);
    fail(&permit, 4);
    assert_eq!(used(&upstream), [0, 1]);
    fail(&permit, 1);
    assert_eq!(used(&upstream), [1]);
    advance(Duration::from_millis(9_999)).await;
    assert_eq!(used(&upstream), [1]);
    advance(Duration::from_millis(1)).await;
    assert_eq!(used(&upstream), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn each_ejection_is_longer_than_the_last_up_to_the_cap() {
    let cap = Duration::from_secs(35);
    let outlier = Outlier { max_ejection: cap, ..Outlier::default() };
    let upstream = make(Settings { outlier, ..settings(2) }, None);
    for seconds in [10, 20, 30, 35, 35] {
        eject(&upstream, 0);
        advance(Duration::from_millis(seconds * 1_000 - 1)).await;
        assert!(!upstream.is_usable(&upstream.servers[0]), "{seconds}");
        advance(Duration::from_millis(1)).await;
        assert!(upstream.is_usable(&upstream.servers[0]), "{seconds}");
    }
    // Twenty seconds in service: two ejections of the four that count are forgotten.
    advance(Duration::from_secs(20)).await;
    eject(&upstream, 0);
    let until = upstream.servers[0].ejected_until(Instant::now()).unwrap();
    assert_eq!(until - Instant::now(), Duration::from_secs(30));
}

#[test]
fn a_good_answer_starts_the_count_anew_and_an_application_error_is_one() {
    let upstream = make(settings(2), None);
    let permit = of_server(&upstream, 0);
    for good in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::NOT_FOUND] {
        fail(&permit, 4);
        permit.report(Outcome::Answered(good));
    }
    assert!(upstream.is_usable(&upstream.servers[0]));
}

#[test]
fn every_kind_of_failure_counts() {
    let failures = [
        Outcome::ConnectFailed,
        Outcome::BrokeOff,
        Outcome::TimedOut,
        Outcome::Answered(StatusCode::BAD_GATEWAY),
        Outcome::Answered(StatusCode::SERVICE_UNAVAILABLE),
        Outcome::Answered(StatusCode::GATEWAY_TIMEOUT),
    ];
    for failure in failures {
        let upstream = make(settings(2), None);
        let permit = of_server(&upstream, 0);
        for _ in 0..5 {
            permit.report(failure);
        }
        assert!(!upstream.is_usable(&upstream.servers[0]), "{failure:?}");
    }
}

#[test]
fn only_half_of_the_servers_are_ejected_but_one_always_may_be() {
    for (servers, at_most) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let upstream = make(settings(servers), None);
        (0..servers).for_each(|position| eject(&upstream, position));
        let usable = upstream.servers().iter().filter(|it| upstream.is_usable(it)).count();
        assert_eq!(servers - usable, at_most, "of {servers}");
    }
}

#[test]
fn it_can_be_switched_off() {
    let outlier = Outlier { consecutive: 0, ..Outlier::default() };
    let upstream = make(Settings { outlier, ..settings(2) }, None);
    fail(&of_server(&upstream, 0), 100);
    assert!(upstream.is_usable(&upstream.servers[0]));
}

#[test]
fn a_server_that_was_down_and_is_up_again_is_used_at_once() {
    let upstream = make(Settings { health: Some(Health::default()), ..settings(2) }, None);
    eject(&upstream, 0);
    check(&upstream, 0, true);
    assert!(!upstream.is_usable(&upstream.servers[0]), "one good check among failures");
    (0..3).for_each(|_| check(&upstream, 0, false));
    check(&upstream, 0, true);
    assert!(upstream.is_usable(&upstream.servers[0]));
}
