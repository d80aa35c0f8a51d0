//! The error rates, by simulation: each route is looked at after every request.

use super::{random::Lcg, sequential::float, tests::*, *};

/// The test of critical differences alone: what surrounds it takes more time than it does.
fn test() -> Test {
    one_of(1)
}

/// The same of one of so many tallies.
fn one_of(tested: u64) -> Test {
    let [critical, _] = tests(Tally::default(), tested, budget(0.01), proof());
    critical
}

fn state(test: &Test) -> State {
    match (test.speaks_against(), test.missing()) {
        (true, _) => State::NotReady,
        (false, 0) => State::Ready,
        (false, _) => State::Undecided,
    }
}

#[test]
fn the_shortcut_of_the_simulations_is_the_verdict() {
    for seen in [(362, 0), (363, 0), (617, 1), (616, 1), (3, 3), (50, 1)] {
        let (compared, mismatched) = seen;
        let verdict = Verdict::of(&evidence(compared, mismatched), budget(0.01), proof());
        let mut test = test();
        (test.compared, test.mismatched) = seen;
        assert_eq!(state(&test), verdict.state, "{seen:?}");
    }
}

/// Never mind what it was called before: one look at which it is called ready is one too many.
#[test]
fn of_2000_routes_at_their_budget_at_most_5_percent_are_ever_called_ready() {
    let mut random = Lcg(20_261_124);
    let ready = (0..2_000)
        .filter(|_| {
            let mut seen = test();
            (0..2_000).any(|_| {
                seen.compared += 1;
                seen.mismatched += u64::from(random.below(100) == 0);
                state(&seen) == State::Ready
            })
        })
        .count();
    assert!(ready <= 100, "{ready} of 2,000");
    assert!(ready > 40, "{ready} of 2,000: the test would never call anything ready");
}

/// One kind of requests is at its budget, the others never differ.
#[test]
fn a_kind_of_requests_at_its_budget_is_not_hidden_by_the_others() {
    let mut random = Lcg(5);
    let ready = (0..1_000)
        .filter(|_| {
            let (mut good, mut bad) = (test(), test());
            (0..6_000).any(|_| {
                let is_bad = random.below(4) == 0;
                let kind = if is_bad { &mut bad } else { &mut good };
                kind.compared += 1;
                kind.mismatched += u64::from(is_bad && random.below(100) == 0);
                state(&good) == State::Ready && state(&bad) == State::Ready
            })
        })
        .count();
    assert!(ready <= 50, "{ready} of 1,000");
}

#[test]
fn good_routes_are_called_ready_and_as_soon_as_by_walds_test() {
    let mut random = Lcg(11);
    let mut until_decided = || {
        let mut seen = test();
        while state(&seen) == State::Undecided {
            seen.compared += 1;
            seen.mismatched += u64::from(random.below(1_000) == 0);
        }
        (state(&seen), seen.compared)
    };
    let seen: Vec<_> = (0..2_000).map(|_| until_decided()).collect();
    let wrong = seen.iter().filter(|it| it.0 == State::NotReady).count();
    assert!(wrong <= 100, "{wrong} good ones were called not ready");
    let mean = float(seen.iter().map(|it| it.1).sum()) / 2_000.0;
    // Wald's expected number at a tenth of the budget, both errors 5 %: A and B are his limits.
    let (p0, p1) = (0.01_f64, 0.001_f64);
    let (a, b) = ((0.95_f64 / 0.05).ln(), (0.05_f64 / 0.95).ln());
    let step = p1 * (p1 / p0).ln() + (1.0 - p1) * ((1.0 - p1) / (1.0 - p0)).ln();
    let wald = (0.95 * a + 0.05 * b) / step;
    assert!(mean <= 1.5 * wald, "{mean} requests on average, {wald} by Wald's");
}

/// A good one in each of eight kinds must pass nine tests that may speak against it.
#[test]
fn of_1000_good_routes_with_eight_kinds_at_most_5_percent_are_ever_called_not_ready() {
    let mut random = Lcg(23);
    let mut is_ever_not_ready = || {
        let mut seen = [one_of(9); 9];
        let mut ready = [false; 9];
        loop {
            let kind = usize::try_from(random.below(8)).unwrap();
            let differs = u64::from(random.below(1_000) == 0);
            for index in [kind, 8] {
                seen[index].compared += 1;
                seen[index].mismatched += differs;
                match state(&seen[index]) {
                    State::NotReady => return true,
                    now => ready[index] = now == State::Ready,
                }
            }
            if ready.iter().all(|it| *it) {
                return false;
            }
        }
    };
    let wrong = (0..1_000).filter(|_| is_ever_not_ready()).count();
    assert!(wrong <= 50, "{wrong} of 1,000");
}
