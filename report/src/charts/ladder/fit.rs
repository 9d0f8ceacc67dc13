//! The law of a ladder and how sure it is: fitted to the medians, and again to runs that are drawn anew.

use crate::comparison::{Measured, Row};
use crate::stats::{Sorted, Usl};

/// So often the runs are drawn anew. The seed is fixed: one record has one picture.
const DRAWS: usize = 200;
const SEED: u64 = 1;

/// Places along the line.
const PLACES: usize = 32;

pub(super) struct Fit {
    pub law: Usl,
    /// Numbers in flight, and the 95 % interval of the fitted throughput there.
    pub band: Vec<(f64, [f64; 2])>,
    /// The interval of the knee, where every draw has one.
    pub knee: Option<(f64, f64)>,
}

impl Fit {
    pub(super) fn of(steps: &[(&Row, &Measured)], urls: f64) -> Option<Fit> {
        let rates: Vec<(f64, Vec<f64>)> = steps
            .iter()
            .map(|(row, _)| {
                let walls = row.valid_figures().map(|figures| figures.wall_ns as f64);
                (row.slots() as f64, walls.map(|wall_ns| urls * 1e9 / wall_ns).collect())
            })
            .collect();
        let law = Usl::fit(&medians(&rates)?)?;
        let mut random = fastrand::Rng::with_seed(SEED);
        let draws: Vec<Usl> = (0..DRAWS)
            .filter_map(|_| {
                let drawn: Vec<(f64, Vec<f64>)> = rates
                    .iter()
                    .map(|(number, rates)| {
                        (*number, rates.iter().map(|_| rates[random.usize(..rates.len())]).collect())
                    })
                    .collect();
                Usl::fit(&medians(&drawn)?)
            })
            .collect();
        let (first, last) = (rates.first()?.0, rates.last()?.0);
        let band = (0..=PLACES)
            .map(|place| first * (last / first).powf(place as f64 / PLACES as f64))
            .filter_map(|number| Some((number, interval(draws.iter().map(|law| law.throughput(number)))?)))
            .collect();
        let knees: Option<Vec<f64>> = draws.iter().map(Usl::knee).collect();
        let knee = knees.and_then(interval).map(|[low, high]| (low, high));
        Some(Fit { law, band, knee })
    }
}

fn medians(rates: &[(f64, Vec<f64>)]) -> Option<Vec<(f64, f64)>> {
    rates
        .iter()
        .map(|(number, rates)| Some((*number, Sorted::new(rates.iter().copied())?.median())))
        .collect()
}

/// The middle 95 % of `values`.
fn interval(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let sorted = Sorted::new(values)?;
    Some([sorted.quantile(25), sorted.quantile(975)])
}
