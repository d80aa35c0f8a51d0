//! The guard under a clock of its own: when the breaker opens, is tried, and closes.

use extracted::HandlerError;

use super::*;

const SETTINGS: Settings = Settings {
    concurrency: 2,
    failures: 3,
    percent: 50,
    window: Duration::from_secs(10),
    pause: Duration::from_secs(5),
};

struct Bench {
    guard: Arc<Guard>,
    now: Instant,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let metrics = BreakerMetrics {
            open: IntGauge::new("open", "open").unwrap(),
            opened: IntCounter::new("opened", "opened").unwrap(),
        };
        Self { guard: Arc::new(Guard::new("a".into(), settings, metrics)), now: Instant::now() }
    }

    /// One call, if it is let through.
    fn call(&self, failed: bool) -> bool {
        let Ok(mut pass) = self.guard.enter_at(self.now) else { return false };
        pass.ended = true;
        self.guard.note(pass.probe, failed, self.now);
        true
    }

    fn opened(&self) -> u64 {
        self.guard.metrics.opened.get()
    }
}

#[test]
fn it_opens_after_so_many_failures_and_the_monolith_answers_at_once() {
    let bench = Bench::new(SETTINGS);
    assert!(bench.call(true) && bench.call(true));
    assert_eq!(bench.guard.breaker(), Breaker::Closed);
    assert!(bench.call(true));
    assert_eq!(bench.guard.breaker(), Breaker::Open);
    assert!(!bench.call(false));
    assert_eq!((bench.guard.metrics.open.get(), bench.opened()), (1, 1));
}

#[test]
fn a_few_failures_among_many_calls_do_not_open_it() {
    let bench = Bench::new(SETTINGS);
    for call in 0..100 {
        assert!(bench.call(call % 3 == 0), "{call}");
    }
    assert_eq!(bench.opened(), 0);
}

#[test]
fn failures_far_apart_are_not_counted_together() {
    let mut bench = Bench::new(SETTINGS);
    for _ in 0..10 {
        assert!(bench.call(true));
        bench.now += SETTINGS.window + Duration::from_millis(1);
    }
    assert_eq!(bench.opened(), 0);
}

#[test]
fn zero_failures_is_never() {
    let bench = Bench::new(Settings { failures: 0, ..SETTINGS });
    assert!((0..100).all(|_| bench.call(true)));
}

#[test]
fn after_its_pause_one_request_tries_the_handler_and_closes_it() {
    let mut bench = Bench::new(SETTINGS);
    (0..3).for_each(|_| assert!(bench.call(true)));
    bench.now += SETTINGS.pause;
    let trial = bench.guard.enter_at(bench.now).unwrap();
    assert_eq!(bench.guard.breaker(), Breaker::HalfOpen);
    assert!(!bench.call(false), "only one tries");
    trial.end(false);
    assert_eq!(bench.guard.breaker(), Breaker::Closed);
    assert_eq!(bench.guard.metrics.open.get(), 0);
    assert!(bench.call(true), "one failure is few again");
}

#[test]
fn a_trial_that_fails_opens_it_for_another_pause() {
    let mut bench = Bench::new(SETTINGS);
    (0..3).for_each(|_| assert!(bench.call(true)));
    bench.now += SETTINGS.pause;
    assert!(bench.call(true));
    assert!(!bench.call(false));
    bench.now += SETTINGS.pause;
    assert!(bench.call(false));
    assert_eq!((bench.guard.breaker(), bench.opened()), (Breaker::Closed, 1));
}

#[test]
fn a_trial_without_an_end_is_made_again() {
    let mut bench = Bench::new(SETTINGS);
    (0..3).for_each(|_| assert!(bench.call(true)));
    bench.now += SETTINGS.pause;
    drop(bench.guard.enter_at(bench.now).unwrap());
    // As after a request that was given back.
    let declined = NoReply::Failed(Failure::Handler(HandlerError::Declined("a test")));
    bench.guard.enter_at(bench.now + SETTINGS.pause).unwrap().ended(&Err(declined));
    bench.now = Instant::now() + SETTINGS.pause;
    assert!(bench.call(false));
    assert_eq!(bench.guard.breaker(), Breaker::Closed);
}

#[test]
fn no_more_run_at_once_than_may() {
    let bench = Bench::new(SETTINGS);
    let both = (bench.guard.enter().unwrap(), bench.guard.enter().unwrap());
    assert!(matches!(bench.guard.enter(), Err(Failure::Busy(2))));
    drop(both);
    assert!(bench.guard.enter().is_ok());
}
