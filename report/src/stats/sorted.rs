//! Order statistics: smallest, largest, median and every other quantile.
//!
//! Of the many definitions of a sample quantile this is number 7 of Hyndman and Fan, "Sample Quantiles
//! in Statistical Packages", The American Statistician 50 (4), 1996, pages 361 to 365: what R and NumPy
//! give by default. The quantile p of n values lies (n − 1)·p places above the smallest, and between two
//! values on the straight line that joins them; so the median of an even number of values is the mean
//! of the middle two.

use std::cmp::Ordering;

/// Values in ascending order, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Sorted<T>(Vec<T>);

impl<T: Number> Sorted<T> {
    /// Sorts `values`; `None` where there are none.
    pub fn new(values: impl IntoIterator<Item = T>) -> Option<Sorted<T>> {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort_unstable_by(T::order);
        (!values.is_empty()).then_some(Sorted(values))
    }

    /// The smallest value.
    pub fn low(&self) -> T {
        self.0[0]
    }

    /// The largest value.
    pub fn high(&self) -> T {
        self.0[self.0.len() - 1]
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The value that has `place` others before it.
    ///
    /// # Panics
    /// Where there are not so many.
    pub fn nth(&self, place: usize) -> T {
        self.0[place]
    }

    /// The value with half of the others on either side.
    pub fn median(&self) -> T {
        self.quantile(500)
    }

    /// The value that has `per_mille` thousandths of the others below it. Where it falls between
    /// two integers it is rounded to the nearest, a half upwards.
    ///
    /// # Panics
    /// Where `per_mille` is above 1,000.
    pub fn quantile(&self, per_mille: usize) -> T {
        assert!(per_mille <= 1_000, "a quantile of {per_mille} thousandths");
        let thousandths = (self.0.len() - 1) * per_mille;
        let (place, part) = (thousandths / 1_000, thousandths % 1_000);
        if part == 0 {
            return self.0[place];
        }
        self.0[place].towards(self.0[place + 1], part)
    }
}

/// A number that can be sorted and divided in proportion.
pub trait Number: Copy {
    /// Ascending order.
    fn order(&self, other: &Self) -> Ordering;

    /// What lies `per_mille` thousandths of the way from here up to `upper`.
    fn towards(self, upper: Self, per_mille: usize) -> Self;
}

macro_rules! integer {
    ($integer:ty) => {
        impl Number for $integer {
            fn order(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }

            fn towards(self, upper: Self, per_mille: usize) -> Self {
                let (low, high) = (i128::from(self), i128::from(upper));
                let between = low + ((high - low) * per_mille as i128 + 500) / 1_000;
                Self::try_from(between).expect("it lies between two of the type")
            }
        }
    };
}

integer!(u64);
integer!(i64);

impl Number for f64 {
    fn order(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }

    fn towards(self, upper: Self, per_mille: usize) -> Self {
        self + (upper - self) * (per_mille as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Type 7 by brute force: draw the straight lines, in a thousand steps between every two
    /// neighbours, and count steps. The result is in thousandths.
    fn by_counting_steps(mut values: Vec<i64>, per_mille: usize) -> i128 {
        values.sort_unstable();
        let mut steps = vec![i128::from(values[0]) * 1_000];
        for pair in values.windows(2) {
            let (low, high) = (i128::from(pair[0]), i128::from(pair[1]));
            steps.extend((1..=1_000).map(|step| low * 1_000 + (high - low) * step));
        }
        steps[per_mille * (values.len() - 1)]
    }

    proptest! {
        #[test]
        fn integers_agree_with_brute_force(
            values in prop::collection::vec(any::<i64>(), 1..20),
            per_mille in 0_usize..=1_000,
        ) {
            let exact = by_counting_steps(values.clone(), per_mille);
            let sorted = Sorted::new(values).unwrap();
            let rounded = (exact + 500).div_euclid(1_000);
            prop_assert_eq!(i128::from(sorted.quantile(per_mille)), rounded);
        }

        #[test]
        fn every_kind_of_number_agrees(
            values in prop::collection::vec(0_u32..1_000_000, 1..40),
            per_mille in 0_usize..=1_000,
        ) {
            let signed = Sorted::new(values.iter().map(|&v| i64::from(v))).unwrap().quantile(per_mille);
            let unsigned = Sorted::new(values.iter().map(|&v| u64::from(v))).unwrap().quantile(per_mille);
            let float = Sorted::new(values.iter().map(|&v| f64::from(v))).unwrap().quantile(per_mille);
            prop_assert_eq!(signed, unsigned.cast_signed());
            prop_assert!((float - signed as f64).abs() <= 0.500_001);
        }

        #[test]
        fn the_ends_are_the_least_and_the_most_and_the_median_halves(
            values in prop::collection::vec(any::<i64>(), 1..40),
        ) {
            let sorted = Sorted::new(values.clone()).unwrap();
            prop_assert_eq!(Some(sorted.low()), values.iter().copied().min());
            prop_assert_eq!(Some(sorted.high()), values.iter().copied().max());
            prop_assert_eq!(sorted.quantile(0), sorted.low());
            prop_assert_eq!(sorted.quantile(1_000), sorted.high());
            let below = values.iter().filter(|&&v| v < sorted.median()).count();
            let above = values.iter().filter(|&&v| v > sorted.median()).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
        }
    }

    /// `numpy.percentile([[10, 7, 4], [3, 2, 1]], 50)` in NumPy's own documentation.
    #[test]
    fn numpys_documented_example() {
        let values = [10.0, 7.0, 4.0, 3.0, 2.0, 1.0];
        assert_eq!(Sorted::new(values).unwrap().median(), 3.5);
    }

    #[test]
    fn the_widest_gap_does_not_overflow() {
        let ends = Sorted::new([u64::MIN, u64::MAX]).unwrap();
        assert_eq!(ends.median(), 1 << 63);
        assert_eq!(Sorted::new([i64::MIN, i64::MAX]).unwrap().median(), 0);
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Sorted::<u64>::new([]), None);
    }
}
