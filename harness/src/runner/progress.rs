//! The progress of a race on the terminal: the current run, the time left, and a line for every contender that
//! has finished a run, with its median so far.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use inflight_report::numbers::{count, duration};
use inflight_report::record::{Header, Run, Verdict};
use inflight_report::stats::Sorted;

use super::observer::Observer;

/// Progress on stderr; draws nothing where that is not a terminal.
pub(crate) struct ProgressDisplay {
    drawn: MultiProgress,
    /// The current run: it fills as requests are served.
    run: ProgressBar,
    left: ProgressBar,
    lines: Vec<Line>,
    visible: bool,
    estimate: Estimate,
    running: usize,
    interrupted: &'static AtomicBool,
}

/// A contender and its runs.
#[derive(Default)]
struct Line {
    name: String,
    /// Drawn below all others when its first run is over.
    drawn: Option<ProgressBar>,
    /// Its rounds, without the warm-up.
    rounds: u32,
    expected: u32,
    finished: u32,
    invalid: u32,
    /// Of its valid runs in this session.
    walls_ns: Vec<u64>,
}

/// Estimates the time left: the ideal times still to come, and what runs took beyond theirs.
struct Estimate {
    ideals: Vec<Duration>,
    to_come: Duration,
    runs_to_come: u32,
    run_began: Instant,
    overhead: Duration,
    runs_over: u32,
    /// What is left of a budget: then it is not known which runs are to come.
    budget: Option<Duration>,
}

impl ProgressDisplay {
    /// Lines for the contenders of `header`, without any run yet.
    pub(crate) fn new(header: &Header, interrupted: &'static AtomicBool) -> ProgressDisplay {
        let drawn = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let style = |template| ProgressStyle::with_template(template).expect("the template is right");
        let run = drawn.add(ProgressBar::new(header.scenario.urls));
        let filling = style("{prefix}  {bar:30}  {human_pos} of {human_len} requests done{msg}");
        run.set_style(filling.progress_chars("█▉▊▋▌▍▎▏ "));
        let left = drawn.add(ProgressBar::no_length().with_style(style("{msg}")));
        let contenders = &header.contenders;
        let width = contenders.iter().map(|contender| contender.name.chars().count()).max().unwrap_or(0);
        let lines = contenders.iter().map(|contender| Line {
            name: format!("{:<width$}", contender.name),
            rounds: contender.rounds,
            ..Line::default()
        });
        let ideals = contenders.iter().map(|facts| Duration::from_nanos(facts.ideal_ns)).collect();
        let budget = header.budget.map(|budget| Duration::from_nanos(budget.time_ns));
        ProgressDisplay {
            visible: !drawn.is_hidden(),
            lines: lines.collect(),
            drawn,
            run,
            left,
            running: 0,
            interrupted,
            estimate: Estimate::new(ideals, budget),
        }
    }

    /// One run more of `contender` is to come.
    pub(crate) fn expect(&mut self, contender: usize) {
        self.estimate.expect(contender);
        self.lines[contender].expected += 1;
    }

    /// A run of `contender` was over before this race resumed, and took so long.
    pub(crate) fn finished(&mut self, contender: usize, took: Duration) {
        self.estimate.spend(took);
        let line = &mut self.lines[contender];
        (line.expected, line.finished) = (line.expected + 1, line.finished + 1);
    }

    /// A run of `contender` begins, one of those that were expected.
    pub(crate) fn begin(&mut self, contender: usize) {
        self.running = contender;
        self.estimate.begin(contender);
        self.run.set_prefix(self.lines[contender].name.clone());
        self.run.set_message("");
        self.run.set_position(0);
        self.show_time_left();
    }

    /// The run that began last was disturbed, and begins once more.
    pub(crate) fn begin_again(&mut self) {
        self.estimate.spend(self.estimate.run_began.elapsed());
        self.estimate.expect(self.running);
        self.begin(self.running);
    }

    /// The run that began last is over, with `run` as its result.
    pub(crate) fn end(&mut self, run: &Run) {
        self.estimate.end(self.running);
        let line = &mut self.lines[self.running];
        line.add(run);
        if self.visible {
            let text = format!("{}  {}", line.name, line.so_far());
            let drawn = line.drawn.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("{msg}").expect("the template is right");
                self.drawn.add(ProgressBar::no_length().with_style(style))
            });
            drawn.set_message(text);
        }
    }

    /// A round is over. Off a terminal, where nothing is drawn, this prints a line.
    pub(crate) fn end_round(&self, round: u32) {
        if self.visible {
            return;
        }
        let rounds = self.lines.iter().map(|line| line.rounds).max().unwrap_or(0);
        let done = match (round, self.estimate.budget) {
            (0, _) => "warm-up done".to_owned(),
            (round, None) => format!("round {round} of {rounds} done"),
            (round, Some(_)) => format!("round {round} done"),
        };
        let _ = writeln!(io::stderr(), "inflight: {done}, {} left", self.time_left(Duration::ZERO));
    }

    pub(crate) fn clear(&self) {
        for bar in self.lines.iter().filter_map(|line| line.drawn.as_ref()).chain([&self.run, &self.left]) {
            bar.finish_and_clear();
        }
    }

    fn show_time_left(&self) {
        if self.visible {
            self.left.set_message(format!("{} left", self.time_left(self.estimate.left_of(self.running))));
        }
    }

    /// `about 40 s`, with `of_this_run` for the current run.
    fn time_left(&self, of_this_run: Duration) -> String {
        let most = if self.estimate.budget.is_some() { "at most " } else { "" };
        let left = self.estimate.left(of_this_run);
        format!("{most}about {} s", left.as_secs_f64().ceil())
    }
}

impl Observer for ProgressDisplay {
    fn progressed(&mut self, served: u64, in_flight: u64) {
        self.run.set_message(format!(", {} in flight", count(in_flight)));
        self.run.set_position(served);
        self.show_time_left();
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Line {
    fn add(&mut self, run: &Run) {
        self.finished += 1;
        match (&run.verdict, &run.figures) {
            _ if run.warm_up => {}
            (Verdict::Valid, Some(figures)) => self.walls_ns.push(figures.wall_ns),
            _ => self.invalid += 1,
        }
    }

    /// `2.49 s, median of 3 valid runs, 1 invalid, 1 to come`.
    fn so_far(&self) -> String {
        let Line { expected, finished, invalid, .. } = self;
        let runs = match Sorted::new(self.walls_ns.iter().copied()) {
            Some(walls) if self.walls_ns.len() > 1 => {
                format!("{}, median of {} valid runs", duration(walls.median()), self.walls_ns.len())
            }
            Some(walls) => format!("{}, 1 valid run", duration(walls.median())),
            None if *invalid == 0 => "warm".to_owned(),
            None => "no valid run".to_owned(),
        };
        let invalid = if *invalid > 0 { format!(", {invalid} invalid") } else { String::new() };
        let to_come = expected.saturating_sub(*finished);
        let to_come = if to_come > 0 { format!(", {to_come} to come") } else { String::new() };
        runs + &invalid + &to_come
    }
}

impl Estimate {
    fn new(ideals: Vec<Duration>, budget: Option<Duration>) -> Estimate {
        Estimate {
            ideals,
            to_come: Duration::ZERO,
            runs_to_come: 0,
            run_began: Instant::now(),
            overhead: Duration::ZERO,
            runs_over: 0,
            budget,
        }
    }

    fn expect(&mut self, contender: usize) {
        self.to_come += self.ideals[contender];
        self.runs_to_come += 1;
    }

    fn begin(&mut self, contender: usize) {
        self.to_come -= self.ideals[contender];
        self.runs_to_come -= 1;
        self.run_began = Instant::now();
    }

    fn end(&mut self, contender: usize) {
        let took = self.run_began.elapsed();
        self.spend(took);
        self.overhead += took.saturating_sub(self.ideals[contender]);
        self.runs_over += 1;
    }

    fn spend(&mut self, took: Duration) {
        self.budget = self.budget.map(|left| left.saturating_sub(took));
    }

    /// What is left of a run of `running` that has begun.
    fn left_of(&self, running: usize) -> Duration {
        self.ideals[running].saturating_sub(self.run_began.elapsed())
    }

    /// What is left, with `of_this_run` for the current run.
    fn left(&self, of_this_run: Duration) -> Duration {
        let overhead_each = self.overhead.checked_div(self.runs_over).unwrap_or_default();
        let known = of_this_run + self.to_come + overhead_each * self.runs_to_come;
        let budget = self.budget.unwrap_or_default().saturating_sub(self.run_began.elapsed());
        known.max(budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_ideal_times_and_measured_overhead() {
        let second = Duration::from_secs(1);
        let mut estimate = Estimate::new(vec![10 * second, 20 * second], None);
        [0, 1, 1].into_iter().for_each(|contender| estimate.expect(contender));
        estimate.begin(0);
        let left = estimate.left(estimate.left_of(0));
        assert!(left > 49 * second && left <= 50 * second, "{left:?}");
        estimate.run_began -= 12 * second; // it took 2 s more than its ideal time
        estimate.end(0);
        estimate.begin(1);
        let left = estimate.left(estimate.left_of(1));
        assert!(left > 41 * second && left <= 42 * second + second / 2, "{left:?}");
    }

    #[test]
    fn budget_is_used_by_runs_of_any_kind() {
        let second = Duration::from_secs(1);
        let mut estimate = Estimate::new(vec![second], Some(60 * second));
        estimate.spend(10 * second);
        estimate.expect(0);
        estimate.begin(0);
        let left = estimate.left(estimate.left_of(0));
        assert!(left > 49 * second && left <= 50 * second, "{left:?}");
        estimate.spend(100 * second);
        assert!(estimate.left(estimate.left_of(0)) <= second, "what is known to come");
    }

    #[test]
    fn line_shows_the_median_and_the_number_of_invalid_runs() {
        let mut line = Line { rounds: 4, expected: 5, ..Line::default() };
        let mut after = |wall_ns: Option<u64>| {
            line.finished += 1;
            match wall_ns {
                Some(wall_ns) => line.walls_ns.push(wall_ns),
                None => line.invalid += 1,
            }
            line.so_far()
        };
        assert_eq!(after(None), "no valid run, 1 invalid, 4 to come");
        assert_eq!(after(Some(2_490_000_000)), "2.49 s, 1 valid run, 1 invalid, 3 to come");
        assert_eq!(after(Some(2_510_000_000)), "2.50 s, median of 2 valid runs, 1 invalid, 2 to come");
        assert_eq!(after(Some(9_000_000_000)), "2.51 s, median of 3 valid runs, 1 invalid, 1 to come");
        assert_eq!(after(Some(9_000_000_000)), "5.75 s, median of 4 valid runs, 1 invalid");
    }
}
