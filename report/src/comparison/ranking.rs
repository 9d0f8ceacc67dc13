//! The contenders ranked by a figure, as far as tests and bounds support it.

use serde::Serialize;

use super::pairs::{Ratio, Readings, log_ratios};
use super::significance::TestResults;
use super::{Comparison, Finding, PairwiseComparison, RankingFigure, Row};

/// A contender's place among all that have valid runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// One more than the number of contenders that are known to be better. Several share a rank where it is not
    /// known which of them is better. Absent where too few rounds were valid for a test and no bound decides.
    pub rank: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its median of the figure, in nanoseconds: wall time, or CPU per request.
    pub median_ns: u64,
    /// The contenders that are known to be better.
    pub behind: Vec<String>,
    /// What is known of it.
    pub finding: Finding,
    /// The p-value for its being the best, adjusted for all that were tested; absent where it was not tested.
    pub adjusted_p: Option<f64>,
    /// Its comparison with the first; absent for the first itself.
    pub to_first: Option<PairwiseComparison>,
}

impl Comparison {
    /// The ranking by `figure`; empty where contenders are not compared by it.
    pub fn ranking_by(&self, figure: RankingFigure) -> &[Ranked] {
        match figure {
            _ if figure == self.ranked_by => &self.ranking,
            RankingFigure::CpuNs => &self.cpu_ranking,
            RankingFigure::WallNs => &[],
        }
    }
}

/// Ranks `rows` by `figure`, from the `results` of its tests.
pub(super) fn rank(figure: RankingFigure, rows: &[Row], results: &TestResults) -> Vec<Ranked> {
    let name = |&at: &usize| rows[at].name.clone();
    let ranked = rows.iter().zip(&results.contenders).filter_map(|(row, result)| {
        let measured = row.measured.as_ref()?;
        figure.median(row)?;
        Some(Ranked {
            rank: None,
            name: row.name.clone(),
            median_ns: match figure {
                RankingFigure::WallNs => measured.wall_ns.median,
                RankingFigure::CpuNs => (measured.cpu_us_per_request.median * 1e3).round() as u64,
            },
            behind: result.behind.iter().map(name).collect(),
            finding: result.finding,
            adjusted_p: result.adjusted_p,
            to_first: None,
        })
    });
    ordered(figure, ranked.collect(), rows)
}

/// Those of `ranking` that are among `rows`, ranked again among themselves.
pub(super) fn among(figure: RankingFigure, mut ranking: Vec<Ranked>, rows: &[Row]) -> Vec<Ranked> {
    let is_there = |name: &String| rows.iter().any(|row| row.name == *name);
    ranking.retain(|ranked| is_there(&ranked.name));
    ranking.iter_mut().for_each(|ranked| ranked.behind.retain(is_there));
    ordered(figure, ranking, rows)
}

/// Assigns ranks, sorts the best first and those of unknown rank next, and compares each with the first.
fn ordered(figure: RankingFigure, mut ranking: Vec<Ranked>, rows: &[Row]) -> Vec<Ranked> {
    let unbeaten = ranking.iter().filter(|ranked| ranked.behind.is_empty()).count();
    let all_others_are_behind = unbeaten == 1 && ranking.len() > 1;
    for ranked in &mut ranking {
        // The rank of one that may be the best is known where it was tested, or where no other may be the best.
        let is_tested = ranked.finding != Finding::TooFewRounds;
        let is_known = is_tested || all_others_are_behind || !ranked.behind.is_empty();
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
    for (place, ranked) in ranking.iter_mut().enumerate() {
        let beside = first.zip(row(&ranked.name)).filter(|_| place > 0);
        ranked.to_first = beside.map(|(first, row)| {
            let ratios = log_ratios(&Readings::of(figure, first), &Readings::of(figure, row));
            PairwiseComparison {
                figure,
                lower: first.name.clone(),
                higher: row.name.clone(),
                rounds: ratios.len() as u32,
                ratio: Ratio::of(&ratios),
                adjusted_p: ranked.adjusted_p,
                finding: ranked.finding,
            }
        });
    }
    ranking
}
