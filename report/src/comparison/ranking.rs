//! The contenders in the order of a figure, ranked as far as tests and bounds go.

use serde::Serialize;

use super::pairs::{Ratio, Readings, log_ratios};
use super::significance::Standings;
use super::{Comparison, Figure, Finding, Pair, Row};

/// A contender's place among all that have valid runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// One more than the contenders that are known to be ahead; several share a rank where it is not known
    /// which of them is ahead. Absent where too few rounds were valid for a test and the bound settles nothing.
    pub rank: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its median of the figure, in nanoseconds: wall, or CPU a request.
    pub median_ns: u64,
    /// The contenders that are known to be ahead of it.
    pub behind: Vec<String>,
    /// What is known of it.
    pub finding: Finding,
    /// The p-value for its being the best, adjusted for all that were tested; absent where it was not tested.
    pub adjusted_p: Option<f64>,
    /// How it stands to the first of all; absent for the first itself.
    pub to_first: Option<Pair>,
}

impl Comparison {
    /// The ranking by `figure`; empty where contenders are not compared by it.
    pub fn ranking_by(&self, figure: Figure) -> &[Ranked] {
        match figure {
            _ if figure == self.ranked_by => &self.ranking,
            Figure::CpuNs => &self.cpu_ranking,
            Figure::WallNs => &[],
        }
    }
}

/// Ranks `rows` by what `standings` say of `figure`.
pub(super) fn rank(figure: Figure, rows: &[Row], standings: &Standings) -> Vec<Ranked> {
    let name = |&at: &usize| rows[at].name.clone();
    let ranked = rows.iter().zip(&standings.contenders).filter_map(|(row, standing)| {
        let measured = row.measured.as_ref()?;
        figure.median(row)?;
        Some(Ranked {
            rank: None,
            name: row.name.clone(),
            median_ns: match figure {
                Figure::WallNs => measured.wall_ns.median,
                Figure::CpuNs => (measured.cpu_us_per_request.median * 1e3).round() as u64,
            },
            behind: standing.behind.iter().map(name).collect(),
            finding: standing.finding,
            adjusted_p: standing.adjusted_p,
            to_first: None,
        })
    });
    ordered(figure, ranked.collect(), rows)
}

/// Those of `ranking` that are among `rows`, ranked anew by what is known of them.
pub(super) fn among(figure: Figure, mut ranking: Vec<Ranked>, rows: &[Row]) -> Vec<Ranked> {
    let is_there = |name: &String| rows.iter().any(|row| row.name == *name);
    ranking.retain(|ranked| is_there(&ranked.name));
    ranking.iter_mut().for_each(|ranked| ranked.behind.retain(is_there));
    ordered(figure, ranking, rows)
}

/// Gives ranks, puts the best first, those whose rank is not known next, and holds each against the first.
fn ordered(figure: Figure, mut ranking: Vec<Ranked>, rows: &[Row]) -> Vec<Ranked> {
    let unbeaten = ranking.iter().filter(|ranked| ranked.behind.is_empty()).count();
    let all_others_are_behind = unbeaten == 1 && ranking.len() > 1;
    for ranked in &mut ranking {
        let is_known = match ranked.behind.len() {
            // It may be the best: that says something where it was tested, or where nobody else may be.
            0 => ranked.finding != Finding::TooFewRounds || all_others_are_behind,
            _ => true,
        };
        ranked.rank = is_known.then_some(ranked.behind.len() + 1);
    }
    ranking.sort_by_key(|ranked| {
        let place = match ranked.rank {
            Some(1) => 0,
            None => 1,
            Some(rank) => rank,
        };
        (place, ranked.median_ns)
    });
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let first = ranking.first().and_then(|first| row(&first.name));
    for ranked in ranking.iter_mut().skip(1) {
        let beside = first.zip(row(&ranked.name));
        ranked.to_first = beside.map(|(first, row)| Pair {
            figure,
            lower: first.name.clone(),
            higher: row.name.clone(),
            rounds: log_ratios(&Readings::of(figure, first), &Readings::of(figure, row)).len() as u32,
            ratio: Ratio::of(figure, first, row),
            adjusted_p: ranked.adjusted_p,
            finding: ranked.finding,
        });
    }
    ranking.iter_mut().take(1).for_each(|first| first.to_first = None);
    ranking
}
