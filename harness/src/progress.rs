//! What a race shows while it runs: a line a contender that fills, and the time left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use inflight_report::record::ContenderFacts;

use crate::session::Watcher;

/// Progress on stderr; draws nothing where that is not a terminal.
pub(crate) struct Progress {
    bars: Vec<ProgressBar>,
    left: ProgressBar,
    visible: bool,
    estimate: Estimate,
    running: usize,
    interrupted: &'static AtomicBool,
}

/// How long what is left will take: the floors still to come, and what runs took beyond theirs.
struct Estimate {
    floors: Vec<Duration>,
    to_come: Duration,
    runs_to_come: u32,
    run_began: Instant,
    overhead: Duration,
    runs_over: u32,
}

impl Progress {
    /// Lines for `contenders`, none of which has run yet.
    pub(crate) fn new(
        contenders: &[ContenderFacts],
        urls: u64,
        interrupted: &'static AtomicBool,
    ) -> Progress {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let width = contenders.iter().map(|contender| contender.name.chars().count()).max().unwrap_or(0);
        let style = ProgressStyle::with_template("{prefix} {bar:40} {human_pos}/{human_len}")
            .expect("the template is right")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        let bars = contenders.iter().map(|contender| {
            let bar = ProgressBar::new(urls * u64::from(contender.rounds)).with_style(style.clone());
            lines.add(bar.with_prefix(format!("{:<width$}", contender.name)))
        });
        let bars: Vec<_> = bars.inspect(ProgressBar::tick).collect();
        let left = lines.add(ProgressBar::no_length());
        left.set_style(ProgressStyle::with_template("{msg}").expect("the template is right"));
        let floors: Vec<_> =
            contenders.iter().map(|contender| Duration::from_nanos(contender.floor_ns)).collect();
        Progress {
            visible: !lines.is_hidden(),
            bars,
            left,
            running: 0,
            interrupted,
            estimate: Estimate {
                to_come: contenders
                    .iter()
                    .zip(&floors)
                    .map(|(contender, floor)| *floor * contender.rounds)
                    .sum(),
                runs_to_come: contenders.iter().map(|contender| contender.rounds).sum(),
                floors,
                run_began: Instant::now(),
                overhead: Duration::ZERO,
                runs_over: 0,
            },
        }
    }

    /// A run of `contender` begins.
    pub(crate) fn begin(&mut self, contender: usize) {
        self.running = contender;
        self.estimate.begin(contender);
        self.show_time_left();
    }

    /// The run that began last is over.
    pub(crate) fn end(&mut self, round: u32, urls: u64) {
        self.estimate.end(self.running);
        self.bars[self.running].set_position(u64::from(round) * urls);
    }

    /// The race is over: the lines go.
    pub(crate) fn clear(&self) {
        for bar in self.bars.iter().chain([&self.left]) {
            bar.finish_and_clear();
        }
    }

    fn show_time_left(&self) {
        if self.visible {
            self.left.set_message(format!("about {} s left", self.estimate.left(self.running).as_secs() + 1));
        }
    }
}

/// A run of one contender, as a session reports on it.
pub(crate) struct RunProgress<'a> {
    /// The whole.
    pub(crate) progress: &'a mut Progress,
    /// Requests of this contender's earlier rounds.
    pub(crate) before: u64,
}

impl Watcher for RunProgress<'_> {
    fn served(&mut self, requests: u64) {
        self.progress.bars[self.progress.running].set_position(self.before + requests);
        self.progress.show_time_left();
    }

    fn wants_progress(&self) -> bool {
        self.progress.visible
    }

    fn interrupted(&self) -> bool {
        self.progress.interrupted.load(Ordering::Relaxed)
    }
}

impl Estimate {
    fn begin(&mut self, contender: usize) {
        self.to_come -= self.floors[contender];
        self.runs_to_come -= 1;
        self.run_began = Instant::now();
    }

    fn end(&mut self, contender: usize) {
        self.overhead += self.run_began.elapsed().saturating_sub(self.floors[contender]);
        self.runs_over += 1;
    }

    fn left(&self, running: usize) -> Duration {
        let of_this_run = self.floors[running].saturating_sub(self.run_began.elapsed());
        let overhead_each = self.overhead.checked_div(self.runs_over).unwrap_or_default();
        of_this_run + self.to_come + overhead_each * self.runs_to_come
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
            to_come: 50 * second,
            runs_to_come: 3,
            run_began: Instant::now(),
            overhead: Duration::ZERO,
            runs_over: 0,
        };
        estimate.begin(0);
        let left = estimate.left(0);
        assert!(left > 49 * second && left <= 50 * second, "{left:?}");
        estimate.run_began -= 12 * second; // it took 2 s more than its floor
        estimate.end(0);
        estimate.begin(1);
        let left = estimate.left(1);
        assert!(left > 41 * second && left <= 42 * second + second / 2, "{left:?}");
    }
}
