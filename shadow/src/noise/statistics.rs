//! Whether one side differs more often than the other, asked of the requests in which only one did.

/// McNemar's exact test, one-sided: how likely so many of the discordant pairs are the candidate's if
/// each is one side's or the other's with the same chance.
pub(super) fn mcnemar(candidate_only: u64, control_only: u64) -> f64 {
    let all = candidate_only + control_only;
    // From the far end inwards, in logarithms: a binomial coefficient has no bound.
    let (mut term, mut chance) = (float(all) * 0.5_f64.ln(), 0.0);
    for misses in 0..=control_only {
        chance += term.exp();
        term += (float(all - misses) / float(misses + 1)).ln();
    }
    chance.min(1.0)
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

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }

    /// R: `binom.test(c, b + c, alternative = "less")`.
    #[test]
    fn mcnemars_test_agrees_with_the_binomial_distribution() {
        close(mcnemar(10, 2), 79.0 / 4_096.0);
        close(mcnemar(5, 0), 1.0 / 32.0);
        close(mcnemar(4, 4), 163.0 / 256.0);
        close(mcnemar(0, 0), 1.0);
        close(mcnemar(0, 9), 1.0);
        assert!(mcnemar(3_000, 100) < 1e-300 && mcnemar(3_000, 3_000) > 0.5);
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
