//! Scales: from a figure to its place in pixels, with ticks at round figures.

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    logarithmic: bool,
    pub low: f64,
    pub high: f64,
    /// Where `low` and `high` lie, in pixels.
    pub start: f64,
    pub end: f64,
}

impl Scale {
    pub(crate) fn exact(low: f64, high: f64, start: f64, end: f64) -> Scale {
        let high = if high > low { high } else { low + 1.0 };
        Scale { logarithmic: false, low, high, start, end }
    }

    /// From zero to the round figure above `high`.
    pub(crate) fn from_zero(high: f64, start: f64, end: f64) -> Scale {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = nice_step(high / 4.0);
        Scale::exact(0.0, (high / step).ceil() * step, start, end)
    }

    /// Logarithmic, from `low`, which must be above zero, to `high`, with a little room at either end.
    pub(crate) fn log(low: f64, high: f64, start: f64, end: f64) -> Scale {
        const ROOM: f64 = 0.04;
        const LEAST_ROOM: f64 = 1.1;
        let room = (high / low).powf(ROOM).max(LEAST_ROOM);
        Scale::exact_log(low / room, high * room, start, end)
    }

    /// As [`Scale::log`], around all of `values`.
    pub(crate) fn log_around(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Scale {
        let widen = |(low, high): (f64, f64), value| (low.min(value), high.max(value));
        let (low, high) = values.fold((f64::MAX, 0.0), widen);
        Scale::log(low, high, start, end)
    }

    /// Logarithmic, from `low`, which must be above zero, to `high`, which must be above `low`.
    pub(crate) fn exact_log(low: f64, high: f64, start: f64, end: f64) -> Scale {
        Scale { logarithmic: true, low, high, start, end }
    }

    /// The place of `value`, in pixels; what lies outside comes to lie on the edge.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + share * (self.end - self.start)
    }

    /// Round figures along the scale: as many as there may be, and no more than `most`.
    pub(crate) fn ticks(&self, most: usize) -> Vec<f64> {
        if self.logarithmic && self.high / self.low >= 8.0 {
            return self.log_ticks(most);
        }
        let mut step = nice_step((self.high - self.low) / most.max(1) as f64);
        loop {
            let first = (self.low / step - 1e-9).ceil();
            let count = ((self.high / step + 1e-9).floor() - first + 1.0).max(0.0) as usize;
            if count <= most.max(2) {
                return (0..count).map(|index| (first + index as f64) * step).collect();
            }
            step = nice_step(step * 1.5);
        }
    }

    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let within = |tick: &f64| *tick >= self.low * 0.999 && *tick <= self.high * 1.001;
        let decades = |every: i32, parts: &[f64]| -> Vec<f64> {
            (first..=last)
                .filter(|exponent| exponent.rem_euclid(every) == 0)
                .flat_map(|exponent| parts.iter().map(move |part| part * 10_f64.powi(exponent)))
                .filter(within)
                .collect()
        };
        let densities: [(i32, &[f64]); 6] =
            [(1, &[1.0, 2.0, 5.0]), (1, &[1.0, 3.0]), (1, &[1.0]), (2, &[1.0]), (3, &[1.0]), (6, &[1.0])];
        let mut ticks = Vec::new();
        for (every, parts) in densities {
            ticks = decades(every, parts);
            if ticks.len() <= most {
                break;
            }
        }
        ticks
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `step`. Nice numbers for graph labels:
/// Heckbert in "Graphics Gems", 1990, pages 61 to 63.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|part| part * power)
        .find(|nice| *nice >= step * 0.999)
        .unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_logarithmic_scale_has_ticks_at_round_figures() {
        let scale = Scale::log(0.97, 264.0, 0.0, 300.0);
        assert_eq!(scale.ticks(12), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(scale.ticks(5), [1.0, 10.0, 100.0]);
        assert!((scale.at(10.0) - scale.at(1.0) - (scale.at(100.0) - scale.at(10.0))).abs() < 1e-9);
        assert_eq!((scale.at(0.0), scale.at(1e9)), (0.0, 300.0), "what lies outside stands at the edge");
    }

    #[test]
    fn a_short_logarithmic_scale_has_linear_ticks() {
        assert_eq!(Scale::log(105.0, 190.0, 0.0, 300.0).ticks(6), [100.0, 120.0, 140.0, 160.0, 180.0, 200.0]);
    }

    #[test]
    fn a_scale_from_zero_ends_at_a_round_figure() {
        let scale = Scale::from_zero(8.54, 0.0, 100.0);
        assert_eq!(scale.high, 10.0);
        assert_eq!(scale.ticks(5), [0.0, 5.0, 10.0]);
        assert_eq!(Scale::from_zero(0.0, 0.0, 1.0).high, 1.0);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_the_scale_and_are_never_too_many(
            low in 1e-3_f64..1e9, span in 1.0_f64..1e9, most in 3_usize..12,
        ) {
            for scale in [Scale::log(low, low * span, 0.0, 1.0), Scale::from_zero(low * span, 0.0, 1.0)] {
                let ticks = scale.ticks(most);
                prop_assert!(!ticks.is_empty() && ticks.len() <= most, "{scale:?}: {ticks:?}");
                for tick in ticks {
                    prop_assert!(tick >= scale.low * 0.99 && tick <= scale.high * 1.01);
                }
            }
        }
    }
}
