//! What noise may hide. Where the monolith differs from itself every so often, so may the extraction,
//! and nothing tells whether this very difference is a fault: noise excuses by the history of a place.
//! But the requests of which the monolith was asked twice are drawn by lot, and there a fault shows as
//! a request in which the extraction differs and the monolith does not. What the world does, or
//! chance, makes as many in which it is the other way round.

use std::ops::AddAssign;

use super::sequential::{decisive, float, ratio};
use crate::Share;

/// The bets are this one, and its halves: so many.
const LARGEST: f64 = 0.99;
const BETS: usize = 12;

/// What was seen of noise in the differences of one class, in requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoiseTally {
    /// Those in which it excused some.
    pub excused: u64,
    /// Distinct ones of which the monolith was asked twice.
    pub asked_twice: u64,
    /// Those of them in which only the extraction differed, at a place where that is excused.
    pub candidate_only: u64,
    /// Those of them in which only the monolith did, from itself.
    pub control_only: u64,
}

impl AddAssign for NoiseTally {
    fn add_assign(&mut self, other: Self) {
        self.excused += other.excused;
        self.asked_twice += other.asked_twice;
        self.candidate_only += other.candidate_only;
        self.control_only += other.control_only;
    }
}

/// Whether noise hides fewer faults than the budget permits, by a test that may be watched.
///
/// It bets against "of a request asked twice, the extraction alone differs more often than the monolith
/// alone, by the budget or more": a share λ of what one has, at each request, on its not being so. Who
/// bets against the truth has ever 1/α times of what they began with, with a probability of at most α
/// (J. Ville, 1939; I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by
/// betting", 2024). How bold a bet should be depends on how much differs by chance, so several λ are
/// mixed, half of the money on the boldest: where nothing differs by chance that is the one to have.
/// (The last 4,096th is not staked.)
#[derive(Debug, Clone, Copy)]
pub(super) struct Hidden {
    tally: NoiseTally,
    decisive: f64,
    bets: [Bet; BETS],
}

/// What becomes of a part of the money; all of it in logarithms.
#[derive(Debug, Clone, Copy)]
struct Bet {
    weight: f64,
    /// By a request in which neither differs alone, by one in which the candidate does, and by one in
    /// which the monolith does.
    neither: f64,
    candidate: f64,
    control: f64,
}

impl Hidden {
    pub(super) fn new(tally: NoiseTally, budget: Share, confidence: Share) -> Self {
        let (mut weight, mut bet, budget) = (1.0, 2.0 * LARGEST, budget.get());
        let bets = [(); BETS].map(|()| {
            weight *= 0.5_f64;
            bet *= 0.5;
            let after = |gain: f64| (bet * gain).ln_1p();
            let [neither, candidate, control] = [budget, budget - 1.0, budget + 1.0].map(after);
            Bet { weight: weight.ln(), neither, candidate, control }
        });
        Self { tally, decisive: decisive(confidence), bets }
    }

    /// The logarithm of what the bets have come to, after so many more requests asked twice in which
    /// neither differs alone.
    fn evidence(&self, more: u64) -> f64 {
        let NoiseTally { asked_twice, candidate_only, control_only, .. } = self.tally;
        let neither = asked_twice.saturating_sub(candidate_only + control_only) + more;
        let money = self.bets.map(|it| {
            it.weight
                + float(neither) * it.neither
                + float(candidate_only) * it.candidate
                + float(control_only) * it.control
        });
        let most = money.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + money.iter().map(|it| (it - most).exp()).sum::<f64>().ln()
    }

    fn is_shown_after(&self, more: u64) -> bool {
        self.tally.excused == 0 || self.evidence(more) >= self.decisive
    }

    /// How many more requests must be asked twice, if in none of them one differs alone. Where noise
    /// excuses nothing it hides nothing.
    pub(super) fn missing(&self) -> u64 {
        if self.is_shown_after(0) {
            return 0;
        }
        let mut most = 1;
        while !self.is_shown_after(most) && most < u64::from(u32::MAX) {
            most *= 2;
        }
        let mut least = most / 2;
        while most - least > 1 {
            let middle = least + (most - least) / 2;
            if self.is_shown_after(middle) {
                most = middle;
            } else {
                least = middle;
            }
        }
        most
    }

    /// The share of so many distinct requests that was asked twice.
    pub(super) fn share(&self, distinct: u64) -> f64 {
        ratio(self.tally.asked_twice, distinct).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::random::Lcg, *};

    fn share(share: f64) -> Share {
        Share::new(share).unwrap()
    }

    fn hidden(asked_twice: u64, candidate_only: u64, control_only: u64) -> Hidden {
        let tally = NoiseTally { excused: 1, asked_twice, candidate_only, control_only };
        Hidden::new(tally, share(0.01), share(0.95))
    }

    #[test]
    fn without_a_lone_difference_it_takes_little_more_than_the_test_of_differences() {
        assert_eq!([0, 394, 395].map(|it| hidden(it, 0, 0).missing()), [395, 1, 0]);
    }

    #[test]
    fn where_nothing_was_excused_nothing_is_hidden() {
        let tally = NoiseTally { asked_twice: 5, ..NoiseTally::default() };
        assert_eq!(Hidden::new(tally, share(0.01), share(0.95)).missing(), 0);
    }

    #[test]
    fn what_differs_alone_as_often_as_the_monolith_does_costs_time_and_no_more() {
        let [one, fair, unfair] = [(1, 0), (20, 20), (20, 0)].map(|(candidate, control)| {
            let missing = hidden(1_000, candidate, control).missing();
            1_000 + missing
        });
        assert!((1_000..1_300).contains(&one), "{one}");
        assert_eq!(fair, 2_021);
        assert!(unfair > fair, "{unfair}");
    }

    /// Looked at after every request that is asked twice.
    #[test]
    fn of_1000_routes_whose_noise_hides_the_budget_at_most_5_percent_are_ever_believed() {
        for by_chance in [0, 10] {
            let mut random = Lcg(20_261_129);
            let believed = (0..1_000)
                .filter(|_| {
                    let mut seen = hidden(0, 0, 0);
                    (0..1_200).any(|_| {
                        let drawn = random.below(1_000);
                        seen.tally.asked_twice += 1;
                        seen.tally.candidate_only += u64::from(drawn < 10 + by_chance);
                        seen.tally.control_only += u64::from(drawn >= 1_000 - by_chance);
                        seen.is_shown_after(0)
                    })
                })
                .count();
            assert!(believed <= 50, "{believed} of 1,000, {by_chance} by chance");
        }
    }
}
