//! The law of a sweep and how sure it is: fitted to the medians, and again to runs that are drawn anew.

use crate::comparison::Row;
use crate::numbers::{count, three_digits};
use crate::stats::{Sorted, Usl};

/// So often the runs are drawn anew. The seed is fixed: one record has one picture.
const DRAWS: usize = 200;
const SEED: u64 = 1;

/// Fewer runs than this hold too little of what another draw could be.
pub(super) const FEWEST_RUNS: usize = 5;

const PLACES: usize = 32;

pub(super) struct Fit {
    pub law: Usl,
    /// Numbers in flight, from the first step to the last, at which the line is drawn.
    pub numbers: Vec<f64>,
    /// The 95 % interval of the fitted throughput at each of them; none at all where a step has too few runs.
    pub band: Vec<[f64; 2]>,
    pub knee: Knee,
}

/// What is known of the number in flight beyond which throughput falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Knee {
    /// Throughput does not fall.
    Absent,
    /// It lies below the first step or beyond the last, which is this: how far cannot be known.
    Below(f64),
    Beyond(f64),
    /// Some draws have none, or there are too few runs to draw from.
    Uncertain,
    /// Its place within the sweep, and its 95 % interval.
    At(f64, [f64; 2]),
}

impl Knee {
    fn of(law: &Usl, draws: &[Usl], (first, last): (f64, f64)) -> Knee {
        let knees: Option<Vec<f64>> = draws.iter().map(Usl::knee).collect();
        match (law.knee(), knees.and_then(interval)) {
            (None, _) => Knee::Absent,
            (Some(_), _) if draws.is_empty() => Knee::Uncertain,
            (Some(knee), _) if knee < first => Knee::Below(first),
            (Some(knee), _) if knee > last => Knee::Beyond(last),
            (Some(_), None) => Knee::Uncertain,
            (Some(knee), Some(interval)) => Knee::At(knee, interval),
        }
    }

    /// In a word or two; `None` where there is no knee.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Knee::Absent => None,
            Knee::Below(first) => Some(format!("below {}", count(first as u64))),
            Knee::Beyond(last) => Some(format!("beyond {}", count(last as u64))),
            Knee::Uncertain => Some("uncertain".to_owned()),
            Knee::At(knee, _) => Some(three_digits(knee)),
        }
    }
}

impl Fit {
    pub(super) fn of<'a>(steps: impl Iterator<Item = &'a Row>, urls: f64) -> Option<Fit> {
        let rates = steps.map(|row| {
            let rates = row.valid_figures().map(|figures| urls * 1e9 / figures.wall_ns as f64);
            (row.slots() as f64, rates.collect::<Vec<f64>>())
        });
        let rates: Vec<(f64, Vec<f64>)> = rates.collect();
        let law = Usl::fit(&medians(&rates)?)?;
        let draws = drawn_anew(&rates);
        let (first, last) = (rates.first()?.0, rates.last()?.0);
        let numbers: Vec<f64> =
            (0..=PLACES).map(|place| first * (last / first).powf(place as f64 / PLACES as f64)).collect();
        let drawn_at = |number: &f64| interval(draws.iter().map(|law| law.throughput(*number)));
        let band = numbers.iter().filter_map(drawn_at).collect();
        let knee = Knee::of(&law, &draws, (first, last));
        Some(Fit { law, numbers, band, knee })
    }
}

/// Laws fitted to runs that are drawn from those of each step; none where a step has too few to draw from.
fn drawn_anew(rates: &[(f64, Vec<f64>)]) -> Vec<Usl> {
    if rates.iter().any(|(_, rates)| rates.len() < FEWEST_RUNS) {
        return Vec::new();
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut draw = |rates: &Vec<f64>| rates.iter().map(|_| rates[random.usize(..rates.len())]).collect();
    let fits = (0..DRAWS).filter_map(|_| {
        let drawn: Vec<(f64, Vec<f64>)> =
            rates.iter().map(|(number, rates)| (*number, draw(rates))).collect();
        Usl::fit(&medians(&drawn)?)
    });
    fits.collect()
}

fn medians(rates: &[(f64, Vec<f64>)]) -> Option<Vec<(f64, f64)>> {
    let median = |rates: &Vec<f64>| Some(Sorted::new(rates.iter().copied())?.median());
    rates.iter().map(|(number, rates)| Some((*number, median(rates)?))).collect()
}

/// The middle 95 % of `values`.
fn interval(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let sorted = Sorted::new(values)?;
    Some([sorted.quantile(25), sorted.quantile(975)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEEP: (f64, f64) = (1.0, 256.0);

    fn law_with_knee_at(knee: f64) -> Usl {
        Usl { lambda: 10.0, alpha: 0.0, beta: 1.0 / (knee * knee) }
    }

    #[test]
    fn a_knee_is_shown_only_where_it_is_known() {
        let endless = Usl { lambda: 10.0, alpha: 0.1, beta: 0.0 };
        let draws = [90.0, 100.0, 110.0].map(law_with_knee_at);
        let at = |knee| Knee::of(&law_with_knee_at(knee), &draws, SWEEP).text();
        assert_eq!(at(100.0).as_deref(), Some("100"));
        assert_eq!(at(4_000.0).as_deref(), Some("beyond 256"));
        assert_eq!(at(0.5).as_deref(), Some("below 1"));
        assert_eq!(Knee::of(&endless, &draws, SWEEP).text(), None);
        let some_without = [draws[0], endless];
        assert_eq!(Knee::of(&draws[1], &some_without, SWEEP), Knee::Uncertain);
        assert_eq!(Knee::of(&draws[1], &[], SWEEP), Knee::Uncertain, "too few runs to draw from");
    }
}
