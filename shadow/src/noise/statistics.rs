//! Whether one side differs more often than the other, asked of the requests in which only one did,
//! and after every one of them.

/// The alternatives that are weighed: shares of the discordant pairs that are the candidate's, in
/// steps of a hundredth above a half.
const STEPS: u32 = 50;

/// Sequential McNemar test, one-sided: at most how likely so many of the discordant pairs are the
/// candidate's, now or at any earlier or later look, if each is the other side's with at least the
/// same chance.
///
/// McNemar's own test (Q. McNemar, 1947) is for one look. Watched at 5 % over 300 pairs, it takes 27
/// of a hundred fair coins for false ones. So its alternatives are mixed into one likelihood ratio,
/// which ever reaches 1/α with a probability of at most α (J. Ville, 1939; H. Robbins, "Statistical
/// methods related to the law of the iterated logarithm", 1970). Half of the weight is on "they are
/// all the candidate's", since that is what a fault mostly looks like: it is found after as many
/// pairs as by the test for one look.
pub(super) fn chance(candidate_only: u64, control_only: u64) -> f64 {
    let ratio = |share: f64| {
        let [candidate, control] =
            [(share, candidate_only), (1.0 - share, control_only)].map(|(share, pairs)| {
                // No pair says nothing, also of a share of nothing.
                if pairs == 0 { 0.0 } else { float(pairs) * (2.0 * share).ln() }
            });
        (candidate + control).exp()
    };
    let shares = (1..=STEPS).map(|step| 0.5 + 0.5 * f64::from(step) / f64::from(STEPS));
    let mixed = shares.map(ratio).sum::<f64>() / f64::from(STEPS);
    1.0 / f64::midpoint(mixed, ratio(1.0)).max(1.0)
}
/// Holm's step-down method: what each chance comes to when so many are looked at.
pub(super) fn holm(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|one, other| chances[*one].total_cmp(&chances[*other]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut least: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(float((chances.len() - rank) as u64) * chances[index]).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

#[expect(clippy::cast_precision_loss, reason = "counts of one process")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::random::Lcg;

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }

    /// By hand: the powers of 0.51, 0.52 … 1, twice each.
    #[test]
    fn the_chance_is_that_of_the_mixture() {
        let mixed = (51..=100).map(|it| (f64::from(it) / 50.0).powi(5)).sum::<f64>() / 50.0;
        close(chance(5, 0), 2.0 / (32.0 + mixed));
        close(chance(0, 0), 1.0);
        close(chance(0, 9), 1.0);
        close(chance(4, 4), 1.0);
        assert!(chance(3_000, 100) < 1e-300 && chance(3_000, 3_000) > 0.5);
        assert!(chance(u64::MAX, 0) < 1e-300 && chance(0, u64::MAX) > 0.5);
    }

    /// As many as McNemar's exact test needs for one look: 1 / 32 is below 5 %.
    #[test]
    fn what_always_differs_where_the_monolith_does_not_is_found_after_five_pairs() {
        assert!(chance(4, 0) > 0.05 && chance(5, 0) < 0.05);
        assert!(chance(10, 1) > 0.05 && chance(11, 1) < 0.05);
    }

    /// Of 2,000 routes, in how many a look after each of 400 pairs ever shows a fault, if so many in a
    /// hundred of the pairs are the candidate's.
    fn ever_found(percent: u64) -> usize {
        let mut random = Lcg(20_261_129);
        let mut is_found = || {
            let (mut candidate, mut control) = (0, 0);
            (0..400).any(|_| {
                let is_candidates = random.below(100) < percent;
                *(if is_candidates { &mut candidate } else { &mut control }) += 1;
                chance(candidate, control) <= 0.05
            })
        };
        (0..2_000).filter(|_| is_found()).count()
    }

    #[test]
    fn of_2000_routes_as_noisy_as_the_monolith_at_most_5_percent_are_ever_taken_for_worse() {
        let found = ever_found(50);
        assert!(found <= 100, "{found} of 2,000");
        assert!(found > 20, "{found} of 2,000: the test would never find anything");
        assert!(ever_found(70) > 1_990, "seven of ten are found in the end");
    }

    /// R: `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`.
    #[test]
    fn holms_method_agrees_with_r() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (one, other) in adjusted.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(one, other);
        }
        assert!(holm(&[]).is_empty());
    }
}
