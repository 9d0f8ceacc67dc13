//! The ranking: who is ahead of whom, and how much noise the record has.

use super::data::{Cell, Column, Data};
use crate::comparison::{
    ALPHA, CONFIDENCE, Comparison, Finding, NoiseFloor, POWER, Ranked, RankingFigure, Ratio, Testing,
};
use crate::numbers::{NONE, duration, percent, three_digits};

/// A row for each contender with valid runs, the best first.
pub(crate) fn table(comparison: &Comparison) -> Data {
    let median = match comparison.ranked_by {
        RankingFigure::WallNs => Column::number("wall", "wall_ns"),
        RankingFigure::CpuNs => Column::number("CPU per request", "cpu_ns_per_request"),
    };
    Data {
        columns: vec![
            Column::number("rank", "rank"),
            Column::text("contender", "contender"),
            Column { gives_way: Some(3), ..median },
            Column::number("÷ first", "times_the_first"),
            Column::number("95 % interval", "times_the_first_low times_the_first_high"),
            Column { gives_way: Some(2), ..Column::number("rounds", "rounds") },
            Column { gives_way: Some(1), ..Column::number("p", "adjusted_p") },
        ],
        rows: comparison.ranking.iter().map(row).collect(),
    }
}

fn row(ranked: &Ranked) -> Vec<Cell> {
    let pair = ranked.to_first.as_ref();
    let ratio = pair.and_then(|pair| pair.ratio);
    // Of one round there is no interval.
    let with_interval = ratio.filter(|_| pair.is_some_and(|pair| pair.rounds > 1));
    let to_first = match pair {
        None => Cell::figure("1×", 1.0),
        Some(_) => ratio.map_or_else(Cell::none, |ratio| {
            Cell::figure(format!("{}×", digits(ratio.estimate)), ratio.estimate)
        }),
    };
    vec![
        ranked.rank.map_or_else(Cell::none, |rank| Cell::figure(rank.to_string(), rank as f64)),
        Cell::text(&ranked.name),
        Cell::figure(duration(ranked.median_ns), ranked.median_ns as f64),
        to_first,
        with_interval.map_or_else(Cell::none, |ratio| Cell::interval(interval(ratio), ratio.low, ratio.high)),
        pair.map_or_else(Cell::none, |pair| Cell::figure(pair.rounds.to_string(), f64::from(pair.rounds))),
        p(ranked),
    ]
}

/// The adjusted p-value of the comparison with the first, or that a bound settles it.
fn p(ranked: &Ranked) -> Cell {
    let Some(pair) = &ranked.to_first else { return Cell::none() };
    let raw = pair.adjusted_p.into_iter().collect();
    let text = match (pair.finding, pair.adjusted_p) {
        (Finding::Bound, _) => "bound".to_owned(),
        (_, Some(p)) if p < 0.001 => "< 0.001".to_owned(),
        (_, Some(p)) => format!("{p:.3}"),
        (_, None) => NONE.to_owned(),
    };
    Cell { text, raw }
}

/// The lines that explain the ranking.
pub(crate) fn heading(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let why = match comparison.ranked_by {
        RankingFigure::WallNs => "by wall",
        RankingFigure::CpuNs if comparison.rate.is_some() => {
            "by CPU per request, since walls are not compared in an open loop"
        }
        RankingFigure::CpuNs => {
            "by CPU per request, since nothing is delayed and the target limits the wall too"
        }
    };
    let settled = match comparison.ranked_by {
        RankingFigure::WallNs => "by a test (p) or by the least wall that its concurrency allows (bound)",
        RankingFigure::CpuNs => "by a test (p)",
    };
    vec![
        (
            "ranking",
            format!(
                "{why}; a rank is one more than the number of contenders that are known to be ahead, {settled}; \
                 {NONE} is not ranked, for want of rounds"
            ),
        ),
        (
            "÷ first",
            "how many times that of the first of all, within rounds (Hodges–Lehmann); the interval is of this \
             ratio alone, and min–max where there are too few rounds for one"
                .to_owned(),
        ),
        ("tests", tests(comparison)),
    ]
}

fn tests(comparison: &Comparison) -> String {
    let Testing { contenders, enough_rounds, .. } = comparison.testing;
    let all = || comparison.ranking.iter().chain(&comparison.cpu_ranking);
    let untested = |ranking: &[Ranked]| ranking.iter().filter(|ranked| ranked.rank.is_none()).count();
    let by_budget = match comparison.budget {
        Some(_) => ", were it not that under a budget the number of rounds depends on the data",
        None => "",
    };
    let among = match comparison.contender_count {
        raced if raced > comparison.contenders.len() => format!(" of the {raced} that ran"),
        _ => String::new(),
    };
    let figures = match comparison.ranked_by {
        RankingFigure::WallNs => "by wall, and the same by CPU",
        RankingFigure::CpuNs => "by CPU",
    };
    let made = format!(
        "multiple comparisons with the best (Hsu), {figures}: exact one-sided signed-rank tests among up to \
         {contenders} contenders{among}, adjusted (Bonferroni, Holm); of equals, or of the best, one is put behind \
         another with a chance of at most {} a figure{by_budget}",
        percent(ALPHA)
    );
    let short = untested(&comparison.ranking).max(untested(&comparison.cpu_ranking));
    let missed = format!("{short} had too few rounds for any test; --rounds {enough_rounds} is enough");
    match (contenders, short) {
        (0, 0) if all().all(|ranked| ranked.rank.is_some()) => {
            "none was needed: the bounds settle all".to_owned()
        }
        (0, _) => format!("none: {missed}"),
        (_, 0) => made,
        (_, _) => format!("{made}; {missed}"),
    }
}

/// The noise that the A/A controls show.
pub(crate) fn noise(comparison: &Comparison) -> Vec<String> {
    comparison
        .noise
        .iter()
        .flat_map(|floor| match floor.ratio {
            Some(ratio) => vec![observed_noise(floor, ratio), detectable(floor, comparison)],
            None => vec![unknown_noise(floor)],
        })
        .collect()
}

/// The figure as notes call it.
fn named(figure: RankingFigure) -> &'static str {
    match figure {
        RankingFigure::WallNs => "wall",
        RankingFigure::CpuNs => "CPU",
    }
}

fn unknown_noise(floor: &NoiseFloor) -> String {
    format!(
        "A/A: {} was run a second time under another name, with {} valid runs and {} invalid; in no round are both \
         valid, so nothing is known of the noise of {}",
        floor.contender,
        floor.control_valid_runs,
        floor.control_invalid_runs,
        named(floor.figure),
    )
}

fn observed_noise(floor: &NoiseFloor, ratio: Ratio) -> String {
    let rounds = if floor.rounds == 1 { "round" } else { "rounds" };
    let range = match floor.rounds {
        1 => String::new(),
        _ if ratio.confidence < CONFIDENCE => format!("{}, ", interval(ratio)),
        _ => format!("95 % interval {}, ", interval(ratio)),
    };
    let verdict = if floor.distinguished {
        "; the test distinguishes the two, which happens in fewer than 1 in 100 sound records: do not trust this one"
    } else {
        ""
    };
    let invalid = match floor.control_invalid_runs {
        0 => String::new(),
        invalid => format!("; {invalid} more of its runs invalid"),
    };
    format!(
        "A/A: {0}, run a second time under another name, took {1}× its own {2} ({range}{3} {rounds}{invalid}): \
         that much is noise{verdict}",
        floor.contender,
        digits(ratio.estimate),
        named(floor.figure),
        floor.rounds,
    )
}

fn detectable(floor: &NoiseFloor, comparison: &Comparison) -> String {
    let (contender, figure) = (&floor.contender, named(floor.figure));
    let percent = floor.smallest_detectable.map_or(0.0, |part| (part * 1_000.0).ceil() / 10.0);
    let more = match floor.figure {
        RankingFigure::WallNs => format!("a wall {percent:.1} % longer"),
        RankingFigure::CpuNs => format!("{percent:.1} % more CPU"),
    };
    match floor.smallest_detectable {
        Some(0.0) => format!(
            "All readings of the {figure} of {contender} were the same: noise smaller than a step of the meter is \
             unknown"
        ),
        Some(_) => format!(
            "With the noise of {contender}, {more} would have been detected in {:.0} % of such \
             records; smaller differences may have been missed",
            POWER * 100.0,
        ),
        None => format!(
            "Too few rounds for a significant difference in {figure} between the two, however large; \
             use --rounds {}",
            comparison.testing.enough_rounds,
        ),
    }
}

fn interval(ratio: Ratio) -> String {
    let kind = if ratio.confidence < CONFIDENCE { "min–max " } else { "" };
    format!("{kind}{}–{}×", digits(ratio.low), digits(ratio.high))
}

/// Near 1 a thousandth counts.
fn digits(ratio: f64) -> String {
    if (0.1..9.9995).contains(&ratio) { format!("{ratio:.3}") } else { three_digits(ratio) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{self, figures_of, runs_of};
    use crate::record::{Budget, RateFacts, Record, Run, Verdict};

    const CONTROL: &str = "threads:32, again";

    /// The example with an A/A control of threads:32 and `rounds` rounds of everything that ran five times.
    fn record_with_control(rounds: u32) -> Record {
        let mut record = example::record_of_rounds(rounds);
        let mut facts = record.header.contenders[1].clone();
        facts.control_of = Some(std::mem::replace(&mut facts.name, CONTROL.to_owned()));
        let walls: Vec<u64> = figures_of(&mut record, "threads:32").map(|figures| figures.wall_ns).collect();
        let of_control = runs_of(&mut record, "threads:32")
            .map(|run| Run { contender: CONTROL.to_owned(), ..run.clone() })
            .collect::<Vec<_>>();
        record.header.contenders.push(facts);
        record.runs.extend(of_control);
        for (figures, wall_ns) in figures_of(&mut record, CONTROL).zip(walls.iter().cycle().skip(1)) {
            figures.wall_ns = *wall_ns;
        }
        record
    }

    #[test]
    fn a_control_shows_the_noise_and_what_it_hides() {
        let comparison = Comparison::of(&record_with_control(16));
        assert!(comparison.contenders.iter().all(|row| !row.name.contains("again")));
        assert!(comparison.ranking.iter().all(|ranked| !ranked.name.contains("again")));
        insta::assert_snapshot!(noise(&comparison).join("\n"));
        insta::assert_snapshot!(noise(&Comparison::of(&record_with_control(5))).join("\n"));
        assert!(noise(&Comparison::of(&example::record())).is_empty());
    }

    #[test]
    fn a_control_without_valid_runs_shows_no_noise() {
        let mut record = record_with_control(16);
        let mut lines = |invalid: usize| {
            for run in runs_of(&mut record, CONTROL).take(invalid) {
                run.verdict = Verdict::Invalid { reasons: Vec::new() };
            }
            noise(&Comparison::of(&record))
        };
        let some = lines(2).join("\n");
        assert!(some.contains(" its own CPU (") && some.contains("14 rounds; 2 more of its runs invalid)"));
        let all = lines(16);
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(
            all.iter().all(|line| line.contains("with 0 valid runs and 16 invalid; in no round")),
            "{all:?}"
        );
    }

    #[test]
    fn the_guarantee_names_its_conditions() {
        let mut record = record_with_control(16);
        let lines = |comparison: &Comparison| heading(comparison).pop().unwrap().1;
        let of_two_figures = lines(&Comparison::of(&record));
        assert!(of_two_figures.contains("by wall, and the same by CPU: "), "{of_two_figures}");
        assert!(of_two_figures.contains(" at most 0.250 % a figure"), "{of_two_figures}");
        let some = Comparison::of(&record).only(&["threads:32", "tokio:128"].map(str::to_owned));
        assert!(lines(&some).contains(" contenders of the 5 that ran, "), "{}", lines(&some));
        record.header.budget = Some(Budget { time_ns: 1, precision: 0.02 });
        record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
        let open = Comparison::of(&record);
        assert!(lines(&open).contains("with the best (Hsu), by CPU: "), "{}", lines(&open));
        assert!(lines(&open).contains(" under a budget the number of rounds depends on the data"));
        assert_eq!(open.noise.len(), 1, "wall times of a control are not compared either");
    }

    #[test]
    fn a_control_that_is_distinguished_discredits_the_record() {
        let mut record = record_with_control(16);
        figures_of(&mut record, CONTROL).for_each(|figures| figures.wall_ns *= 2);
        let comparison = Comparison::of(&record);
        assert!(comparison.noise[0].distinguished);
        assert!(noise(&comparison)[0].ends_with("do not trust this one"), "{:?}", noise(&comparison));
    }

    #[test]
    fn digits_of_a_ratio() {
        let cases = [(1.0, "1.000"), (0.9996, "1.000"), (1.0123, "1.012"), (9.9996, "10.0"), (345.6, "346")];
        for (ratio, text) in cases {
            assert_eq!(digits(ratio), text);
        }
    }
}
