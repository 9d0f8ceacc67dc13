//! The course of a race: round after round until nobody has one left, each run saved as soon as it is over.

pub mod execute;
pub(crate) mod participants;
pub(crate) mod progress;
pub(crate) mod rounds;
pub mod schedule;
pub mod session;
pub mod target;
pub(crate) mod worker_pool;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use inflight_report::record::{Header, Run, Writer};

use crate::contender::Contender;
use crate::runner::participants::{self, Past};
use crate::runner::progress::Progress;
use crate::runner::schedule::{Schedule, Turn};
use crate::runner::session::{Session, Watcher};

/// A race under way.
pub(crate) struct Course<'a> {
    header: &'a Header,
    /// Who runs, by the index in the header.
    contenders: Vec<&'a Contender>,
    past: Past,
    /// Runtime and client of each contender that has told them.
    versions: HashMap<String, (String, String)>,
    /// Runs of this race are saved already, and the target is not the one they ran against.
    resumed: bool,
}

impl<'a> Course<'a> {
    /// The race that `header` describes, of which `runs` are over. A twin runs as the contender it is a
    /// twin of.
    pub(crate) fn new(header: &'a Header, contenders: &'a [Contender], runs: &[Run]) -> Course<'a> {
        let by_name: HashMap<String, &Contender> =
            contenders.iter().map(|contender| (contender.to_string(), contender)).collect();
        let contenders =
            header.contenders.iter().map(|facts| by_name[facts.twin_of.as_ref().unwrap_or(&facts.name)]);
        let mut course = Course {
            header,
            contenders: contenders.collect(),
            past: Past::default(),
            versions: HashMap::new(),
            resumed: !runs.is_empty(),
        };
        for run in runs {
            let index = header.contenders.iter().position(|facts| facts.name == run.contender);
            course.note(index.expect("a record has no run of others"), run);
        }
        course
    }

    /// Runs what is left and saves it. Gives the number of runs; an interrupt ends it early.
    ///
    /// # Errors
    /// Where a run cannot be saved, the target cannot be started, or a contender is not what it was.
    pub(crate) fn run(
        &mut self,
        session: &mut Session,
        record: &mut Writer,
        interrupted: &'static AtomicBool,
    ) -> Result<u32> {
        let mut progress = self.progress(interrupted);
        let asked = self.header.contenders.iter().map(|facts| facts.rounds).collect();
        let mut schedule = Schedule::new(self.header.order, self.header.order_seed, asked);
        let mut finished = 0;
        'race: for round in 0..=participants::MOST_ROUNDS {
            let present = participants::present(self.header, &self.past, round);
            if present.is_empty() && round > 0 {
                break;
            }
            if self.header.budget.is_some() {
                self.expect(round, &mut progress);
            }
            let begun = finished;
            for turn in schedule.next(round, &present) {
                if self.past.has(turn.contender, round) {
                    continue;
                }
                if finished == 0 && self.resumed {
                    self.warm_target(session, interrupted)?;
                }
                let Some(run) = self.turn(turn, session, &mut progress)? else { break 'race };
                record.append(&run)?;
                finished += 1;
            }
            if finished > begun {
                progress.end_round(round);
            }
        }
        progress.clear();
        Ok(finished)
    }

    /// Progress so far, with all that is known to come.
    fn progress(&self, interrupted: &'static AtomicBool) -> Progress {
        let mut progress = Progress::new(self.header, interrupted);
        for (contender, took) in self.past.took() {
            progress.finished(contender, took);
        }
        if self.header.budget.is_none() {
            (0..=participants::MOST_ROUNDS).for_each(|round| self.expect(round, &mut progress));
        }
        progress
    }

    fn expect(&self, round: u32, progress: &mut Progress) {
        let present = participants::present(self.header, &self.past, round);
        for contender in present.into_iter().filter(|&contender| !self.past.has(contender, round)) {
            progress.expect(contender);
        }
    }

    /// One run, with progress shown; `None` when interrupted.
    fn turn(&mut self, turn: Turn, session: &mut Session, progress: &mut Progress) -> Result<Option<Run>> {
        let contender = self.contenders[turn.contender];
        let (launch, limits) = (session.worker_of(contender), session.limits(contender));
        progress.begin(turn.contender);
        let Some(mut run) = session.run(contender, turn, &launch, limits, progress)? else {
            return Ok(None);
        };
        if self.may_repeat(&run) {
            progress.begin_again();
            match session.run(contender, turn, &launch, limits, progress)? {
                Some(again) => run = again.in_place_of(&run),
                None => return Ok(None),
            }
        }
        progress.end(&run);
        run.contender.clone_from(&self.header.contenders[turn.contender].name);
        self.refuse_other_versions(&run)?;
        self.note(turn.contender, &run);
        Ok(Some(run))
    }

    /// Whether a run is to be repeated at once, which only what disturbed it decides and never a figure. On a machine
    /// that disturbs run after run there would be no end to it: so one run in ten is, and three besides.
    fn may_repeat(&self, run: &Run) -> bool {
        let (runs, repeated) = self.past.repeated();
        !run.warm_up && run.verdict.is_disturbed() && repeated < 3 + runs / 10
    }

    fn note(&mut self, contender: usize, run: &Run) {
        self.past.add(contender, run);
        if !run.runtime.is_empty() {
            let versions = (run.runtime.clone(), run.client.clone());
            self.versions.entry(run.contender.clone()).or_insert(versions);
        }
    }

    /// What runs on something else than before is another contender under the same name.
    fn refuse_other_versions(&self, run: &Run) -> Result<()> {
        let Some((runtime, client)) = self.versions.get(&run.contender) else { return Ok(()) };
        if run.runtime.is_empty() || (runtime, client) == (&run.runtime, &run.client) {
            return Ok(());
        }
        bail!(
            "{} is `{}, {}` now and was `{runtime}, {client}`: begin a new record",
            run.contender,
            run.runtime,
            run.client
        );
    }

    /// One run that is not saved: a target that has never held so many connections is some milliseconds
    /// late with its first ones, and the runs to warm it up are over.
    fn warm_target(&self, session: &mut Session, interrupted: &'static AtomicBool) -> Result<()> {
        let short = self.header.contenders.iter().zip(&self.contenders);
        let short = short.filter(|(facts, _)| participants::warms_up(facts.floor_ns));
        if let Some((_, contender)) = short.max_by_key(|(_, contender)| contender.shape.slots()) {
            let (turn, launch) = (Turn { contender: 0, round: 0, position: 0 }, session.worker_of(contender));
            session.run(contender, turn, &launch, session.limits(contender), &mut Unseen(interrupted))?;
        }
        Ok(())
    }
}

/// Nobody looks on, and Ctrl-C is heard.
struct Unseen(&'static AtomicBool);

impl Watcher for Unseen {
    fn seen(&mut self, _: u64, _: u64) {}

    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
