//! The Universal Scalability Law: throughput as a function of the number in flight, with the cost of contention and
//! coherence.
//!
//! X(N) = λN ÷ (1 + α(N − 1) + βN(N − 1)): N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007,
//! chapter 4. λ is the throughput of one in flight, α the contention (queueing), β the coherence (coordination of each
//! with all others). N ÷ X is linear in 1/λ, α/λ and β/λ, which are fitted by least squares. Each point is weighted by
//! X ÷ N, so that relative errors count alike, and no parameter is negative.

/// A fitted law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usl {
    /// The throughput of one in flight, in the unit of the points.
    pub lambda: f64,
    /// Contention.
    pub alpha: f64,
    /// Coherence.
    pub beta: f64,
}

impl Usl {
    /// Fits the law to `points`, each a number in flight and its throughput. `None` where fewer than three
    /// numbers in flight differ, or where a figure is not above zero.
    pub fn fit(points: &[(f64, f64)]) -> Option<Usl> {
        let mut numbers: Vec<f64> = points.iter().map(|(number, _)| *number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let sound = points.iter().all(|(number, rate)| *number > 0.0 && *rate > 0.0 && rate.is_finite());
        if numbers.len() < 3 || !sound {
            return None;
        }
        // Of the laws with some of α and β left out, the nearest of those in which none is below zero.
        [[true, true], [true, false], [false, true], [false, false]]
            .into_iter()
            .filter_map(|kept| least_squares(points, kept))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(law, _)| law)
    }

    /// The throughput with `number` in flight.
    pub fn throughput(&self, number: f64) -> f64 {
        self.lambda * number / (1.0 + self.alpha * (number - 1.0) + self.beta * number * (number - 1.0))
    }

    /// The number in flight beyond which throughput falls: √((1 − α) ÷ β). `None` where it never does.
    pub fn knee(&self) -> Option<f64> {
        (self.beta > 0.0 && self.alpha < 1.0).then(|| ((1.0 - self.alpha) / self.beta).sqrt())
    }
}

/// The law with those of α and β that are `kept`, and the sum of its squared relative errors; `None` where one
/// of them comes out below zero.
fn least_squares(points: &[(f64, f64)], kept: [bool; 2]) -> Option<(Usl, f64)> {
    let terms = |number: f64| {
        let full = [1.0, number - 1.0, number * (number - 1.0)];
        [full[0], if kept[0] { full[1] } else { 0.0 }, if kept[1] { full[2] } else { 0.0 }]
    };
    let mut matrix = [[0.0; 4]; 3];
    for &(number, rate) in points {
        let weight = rate / number;
        let terms = terms(number).map(|term| term * weight);
        for (row, term) in matrix.iter_mut().zip(terms) {
            for (cell, other) in row.iter_mut().zip(terms) {
                *cell += term * other;
            }
            row[3] += term; // (N ÷ X) · weight is 1
        }
    }
    for (index, kept) in kept.into_iter().enumerate() {
        if !kept {
            matrix[index + 1][index + 1] = 1.0;
        }
    }
    let [a, b, c] = solve(matrix)?;
    (a > 0.0 && b >= 0.0 && c >= 0.0).then(|| {
        let error = |&(number, rate): &(f64, f64)| {
            let [one, two, three] = terms(number);
            ((a * one + b * two + c * three) * rate / number - 1.0).powi(2)
        };
        (Usl { lambda: 1.0 / a, alpha: b / a, beta: c / a }, points.iter().map(error).sum())
    })
}

/// Gauss's elimination with the largest pivot, of three equations with their right sides.
fn solve(mut matrix: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for column in 0..3 {
        let pivot =
            (column..3).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        matrix.swap(column, pivot);
        let lead = matrix[column];
        if lead[column].abs() < f64::MIN_POSITIVE {
            return None;
        }
        for index in (0..3).filter(|index| *index != column) {
            let factor = matrix[index][column] / lead[column];
            for (cell, above) in matrix[index].iter_mut().zip(lead) {
                *cell -= factor * above;
            }
        }
    }
    Some([0, 1, 2].map(|index| matrix[index][3] / matrix[index][index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IN_FLIGHT: [f64; 6] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_000.0];

    proptest! {
        #[test]
        fn a_law_is_recovered_from_its_points(
            lambda in 0.1_f64..1e5, alpha in 0.0_f64..0.5, beta in 1e-7_f64..1e-3,
        ) {
            let law = Usl { lambda, alpha, beta };
            let fitted = Usl::fit(&IN_FLIGHT.map(|number| (number, law.throughput(number)))).unwrap();
            for number in IN_FLIGHT {
                let (is, should) = (fitted.throughput(number), law.throughput(number));
                prop_assert!((is / should - 1.0).abs() < 1e-4, "{fitted:?}: {is} for {should}");
            }
            prop_assert!((fitted.knee().unwrap() / law.knee().unwrap() - 1.0).abs() < 1e-2, "{fitted:?}");
        }

        #[test]
        fn no_parameter_is_negative(rates in prop::collection::vec(1.0_f64..1e6, 6)) {
            let points: Vec<_> = IN_FLIGHT.into_iter().zip(rates).collect();
            let law = Usl::fit(&points).unwrap();
            prop_assert!(law.lambda > 0.0 && law.alpha >= 0.0 && law.beta >= 0.0, "{law:?}");
        }
    }

    #[test]
    fn linear_scaling_has_no_knee() {
        let law = Usl::fit(&IN_FLIGHT.map(|number| (number, 4.0 * number))).unwrap();
        assert!((law.lambda - 4.0).abs() < 1e-9);
        assert!(law.knee().is_none_or(|knee| knee > 1e5), "{law:?}");
    }

    #[test]
    fn two_numbers_in_flight_are_too_few() {
        assert_eq!(Usl::fit(&[(1.0, 4.0), (2.0, 7.0), (2.0, 7.5)]), None);
        assert_eq!(Usl::fit(&[(1.0, 4.0), (2.0, 0.0), (4.0, 7.5)]), None);
    }
}
