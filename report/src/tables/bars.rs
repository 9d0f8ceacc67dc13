//! Bars of block characters: how long each wall is, and how much of it no client could have saved.

use crate::numbers::duration;

/// Characters that the longest bar takes.
const CELLS: u32 = 10;

/// Stands for what is beyond the ideal.
const BEYOND: char = '░';

/// The left eighths of a block, from none to all of them.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Bars on one scale, for all rows of a table.
pub(super) struct Bars {
    /// Where a logarithmic scale begins: at a power of ten below the shortest wall or ideal. A linear one begins at 0.
    log_from_ns: Option<f64>,
    /// The longest wall.
    to_ns: f64,
}

impl Bars {
    /// For rows with these ideal times, 0 where there is none, and walls. Where the longest is ten times the shortest or more the scale
    /// is logarithmic: on any other, the short ones could not be distinguished.
    pub(super) fn of(rows: impl Iterator<Item = (u64, u64)>) -> Bars {
        let (mut least, mut most) = (u64::MAX, 1);
        for (ideal_ns, wall_ns) in rows {
            least = least.min(if ideal_ns > 0 { ideal_ns.min(wall_ns) } else { wall_ns }).max(1);
            most = most.max(wall_ns);
        }
        let power_below = || 10_f64.powf((least as f64).log10().floor()) / 10.0;
        Bars { log_from_ns: (most / least >= 10).then(power_below), to_ns: most as f64 }
    }

    /// The bar of one wall: solid up to the ideal, light from there on.
    pub(super) fn draw(&self, ideal_ns: u64, wall_ns: u64) -> String {
        let eighths = |ns: u64| (self.part(ns) * f64::from(CELLS * 8)).round() as usize;
        let solid = eighths(ideal_ns.min(wall_ns));
        let all = eighths(wall_ns).div_ceil(8).max(1);
        let mut bar = EIGHTHS[8].to_string().repeat(solid / 8);
        if !solid.is_multiple_of(8) {
            bar.push(EIGHTHS[solid % 8]);
        }
        let drawn = bar.chars().count();
        bar.extend(std::iter::repeat_n(BEYOND, all.saturating_sub(drawn)));
        bar
    }

    /// Which part of the longest bar stands for `ns`, 0 to 1.
    fn part(&self, ns: u64) -> f64 {
        let ns = ns as f64;
        match self.log_from_ns {
            None => ns / self.to_ns,
            Some(from_ns) => (ns / from_ns).log10().max(0.0) / (self.to_ns / from_ns).log10(),
        }
    }

    /// What the bars show, for a legend.
    pub(super) fn meaning(&self) -> String {
        let shows = format!("the wall: █ as far as the ideal, {BEYOND} from there on");
        let to = duration(self.to_ns as u64);
        match self.log_from_ns.map(|ns| duration(ns as u64)) {
            None => format!("{shows}; from 0 to {to}"),
            Some(from) => format!("{shows}; on a logarithmic scale, from {from} to {to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn drawn(rows: &[(u64, u64)]) -> Vec<String> {
        let bars = Bars::of(rows.iter().copied());
        rows.iter().map(|&(ideal_ns, wall_ns)| bars.draw(ideal_ns, wall_ns)).collect()
    }

    #[test]
    fn walls_of_one_magnitude_are_drawn_to_scale() {
        let rows =
            [(5 * MS, 10 * MS), (5 * MS, 5 * MS), (0, 3 * MS), (9 * MS, 10 * MS), (MS * 9 / 2, 5 * MS)];
        assert_eq!(drawn(&rows), ["█████░░░░░", "█████", "░░░", "█████████░", "████▌"]);
    }

    #[test]
    fn walls_of_several_magnitudes_share_a_logarithmic_scale() {
        // From 100 µs to 1 s: four powers of ten on ten characters.
        let rows = [(MS, MS), (10 * MS, 10 * MS), (10 * MS, 1_000 * MS)];
        assert_eq!(drawn(&rows), ["██▌", "█████", "█████░░░░░"]);
        assert!(Bars::of(rows.into_iter()).meaning().ends_with("logarithmic scale, from 100 µs to 1.00 s"));
    }

    #[test]
    fn every_bar_fits_its_cells() {
        for rows in [&[(0, 0)][..], &[(0, 1)], &[(5, 3)], &[(u64::MAX, u64::MAX), (0, 0)], &[(1, u64::MAX)]] {
            for bar in drawn(rows) {
                assert!((1..=CELLS as usize).contains(&bar.chars().count()), "{rows:?}: {bar:?}");
            }
        }
        Bars::of(std::iter::empty()).draw(0, 0);
    }
}
