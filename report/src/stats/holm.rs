//! Holm's step-down adjustment of many p-values.
//!
//! S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics
//! 6 (2), 1979, pages 65 to 70. Whatever the tests have to do with each other, the chance of even one false
//! claim among those whose adjusted p is at most α is at most α.

/// The adjusted p of each of `p`, in their order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut most_so_far: f64 = 0.0;
    for (step, &at) in order.iter().enumerate() {
        let hypotheses_left = (p.len() - step) as f64;
        most_so_far = most_so_far.max((p[at] * hypotheses_left).min(1.0));
        adjusted[at] = most_so_far;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Holm's procedure is the closed test of Bonferroni's: a hypothesis falls when every set of hypotheses
    /// that it is in falls, and a set falls by its smallest p times its size.
    fn by_closed_testing(p: &[f64]) -> Vec<f64> {
        let of_set = |set: usize| {
            let members = (0..p.len()).filter(|i| set >> i & 1 == 1);
            let least = members.clone().map(|i| p[i]).fold(1.0, f64::min);
            (least * members.count() as f64).min(1.0)
        };
        let sets_with = |i: usize| (1..1_usize << p.len()).filter(move |set| set >> i & 1 == 1);
        (0..p.len()).map(|i| sets_with(i).map(of_set).fold(0.0, f64::max)).collect()
    }

    proptest! {
        #[test]
        fn it_agrees_with_closed_testing(p in prop::collection::vec(0.0_f64..=1.0, 0..8)) {
            for (fast, brute) in holm(&p).into_iter().zip(by_closed_testing(&p)) {
                prop_assert!((fast - brute).abs() < 1e-12);
            }
        }
    }

    /// `statsmodels.stats.multitest.multipletests(p, method="holm")` of statsmodels.
    #[test]
    fn statsmodels_agrees() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005, 0.2, 0.5, 0.04]);
        let expected = [0.06, 0.16, 0.15, 0.035, 0.4, 0.5, 0.16];
        assert!(adjusted.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{adjusted:?}");
    }
}
