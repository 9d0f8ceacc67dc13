//! What a race shows while it runs: a line a contender that fills, and the time left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use inflight_report::record::Header;

use crate::session::Watcher;

/// Progress on stderr; draws nothing where that is not a terminal.
pub(crate) struct Progress {
    lines: Vec<Line>,
    left: ProgressBar,
    visible: bool,
    urls: u64,
    estimate: Estimate,
    running: usize,
    interrupted: &'static AtomicBool,
}

/// A contender's line, and its runs.
struct Line {
    bar: ProgressBar,
    expected: u64,
    finished: u64,
}

/// How long what is left will take: the floors still to come, and what runs took beyond theirs.
struct Estimate {
    floors: Vec<Duration>,
    to_come: Duration,
    runs_to_come: u32,
    run_began: Instant,
    overhead: Duration,
    runs_over: u32,
    /// What is left of a budget: then nobody knows which runs are to come.
    budget: Option<Duration>,
}

impl Progress {
    /// Lines for the contenders of `header`, of which no run is known yet.
    pub(crate) fn new(header: &Header, interrupted: &'static AtomicBool) -> Progress {
        let drawn = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let contenders = &header.contenders;
        let width = contenders.iter().map(|contender| contender.name.chars().count()).max().unwrap_or(0);
        let style = ProgressStyle::with_template("{prefix} {bar:40} {human_pos}/{human_len}")
            .expect("the template is right")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        let lines = contenders.iter().map(|contender| {
            let bar = drawn.add(ProgressBar::new(0).with_style(style.clone()));
            Line { bar: bar.with_prefix(format!("{:<width$}", contender.name)), expected: 0, finished: 0 }
        });
        let lines: Vec<_> = lines.inspect(|line| line.bar.tick()).collect();
        let left = drawn.add(ProgressBar::no_length());
        left.set_style(ProgressStyle::with_template("{msg}").expect("the template is right"));
        Progress {
            visible: !drawn.is_hidden(),
            lines,
            left,
            urls: header.scenario.urls,
            running: 0,
            interrupted,
            estimate: Estimate {
                floors: contenders.iter().map(|facts| Duration::from_nanos(facts.floor_ns)).collect(),
                to_come: Duration::ZERO,
                runs_to_come: 0,
                run_began: Instant::now(),
                overhead: Duration::ZERO,
                runs_over: 0,
                budget: header.budget.map(|budget| Duration::from_nanos(budget.time_ns)),
            },
        }
    }

    /// One run more of `contender` is to come.
    pub(crate) fn expect(&mut self, contender: usize) {
        self.estimate.expect(contender);
        let line = &mut self.lines[contender];
        line.expected += 1;
        line.bar.set_length(line.expected * self.urls);
    }

    /// A run of `contender` was over before this race began, and took so long.
    pub(crate) fn finished(&mut self, contender: usize, took: Duration) {
        self.estimate.spend(took);
        let line = &mut self.lines[contender];
        (line.expected, line.finished) = (line.expected + 1, line.finished + 1);
        line.bar.set_length(line.expected * self.urls);
        line.bar.set_position(line.finished * self.urls);
    }

    /// A run of `contender` begins, one of those that were expected.
    pub(crate) fn begin(&mut self, contender: usize) {
        self.running = contender;
        self.estimate.begin(contender);
        self.show_time_left();
    }

    /// The run that began last is over.
    pub(crate) fn end(&mut self) {
        self.estimate.end(self.running);
        let line = &mut self.lines[self.running];
        line.finished += 1;
        line.bar.set_position(line.finished * self.urls);
    }

    /// The race is over: the lines go.
    pub(crate) fn clear(&self) {
        for bar in self.lines.iter().map(|line| &line.bar).chain([&self.left]) {
            bar.finish_and_clear();
        }
    }

    fn show_time_left(&self) {
        if self.visible {
            let most = if self.estimate.budget.is_some() { "at most " } else { "" };
            let seconds = self.estimate.left(self.running).as_secs() + 1;
            self.left.set_message(format!("{most}about {seconds} s left"));
        }
    }
}

impl Watcher for Progress {
    fn served(&mut self, requests: u64) {
        let line = &self.lines[self.running];
        line.bar.set_position(line.finished * self.urls + requests);
        self.show_time_left();
    }

    fn wants_progress(&self) -> bool {
        self.visible
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Estimate {
    fn expect(&mut self, contender: usize) {
        self.to_come += self.floors[contender];
        self.runs_to_come += 1;
    }

    fn begin(&mut self, contender: usize) {
        self.to_come -= self.floors[contender];
        self.runs_to_come -= 1;
        self.run_began = Instant::now();
    }

    fn end(&mut self, contender: usize) {
        let took = self.run_began.elapsed();
        self.spend(took);
        self.overhead += took.saturating_sub(self.floors[contender]);
        self.runs_over += 1;
    }

    fn spend(&mut self, took: Duration) {
        self.budget = self.budget.map(|left| left.saturating_sub(took));
    }

    fn left(&self, running: usize) -> Duration {
        let of_this_run = self.floors[running].saturating_sub(self.run_began.elapsed());
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
    fn the_time_left_counts_floors_to_come_and_the_overhead_seen() {
        let second = Duration::from_secs(1);
        let mut estimate = Estimate {
            floors: vec![10 * second, 20 * second],
            to_come: Duration::ZERO,
            runs_to_come: 0,
            run_began: Instant::now(),
            overhead: Duration::ZERO,
            runs_over: 0,
            budget: None,
        };
        [0, 1, 1].into_iter().for_each(|contender| estimate.expect(contender));
        estimate.begin(0);
        let left = estimate.left(0);
        assert!(left > 49 * second && left <= 50 * second, "{left:?}");
        estimate.run_began -= 12 * second; // it took 2 s more than its floor
        estimate.end(0);
        estimate.begin(1);
        let left = estimate.left(1);
        assert!(left > 41 * second && left <= 42 * second + second / 2, "{left:?}");
    }
    #[test]
    fn a_budget_is_spent_by_runs_of_any_kind() {
        let second = Duration::from_secs(1);
        let mut estimate = Estimate {
            floors: vec![second],
            to_come: Duration::ZERO,
            runs_to_come: 0,
            run_began: Instant::now(),
            overhead: Duration::ZERO,
            runs_over: 0,
            budget: Some(60 * second),
        };
        estimate.spend(10 * second);
        estimate.expect(0);
        estimate.begin(0);
        let left = estimate.left(0);
        assert!(left > 49 * second && left <= 50 * second, "{left:?}");
        estimate.spend(100 * second);
        assert!(estimate.left(0) <= second, "what is known to come");
    }
}
