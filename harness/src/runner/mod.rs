//! Runs a race: round after round until no contender has one left, each run saved as soon as it is over.

mod execute;
mod observer;
mod participants;
mod progress;
pub(crate) mod rounds;
mod schedule;
pub(crate) mod session;
pub(crate) mod target;
mod worker_pool;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use anyhow::{Result, bail};
use inflight_report::record::{Header, Run, Writer};

pub use execute::Limits;
pub use observer::{NoObserver, Observer};
pub(crate) use participants::warms_up;
pub use schedule::Turn;
pub use session::{Session, target_options};
pub use target::TargetOptions;

use crate::contender::Contender;
use participants::{MOST_ROUNDS, RunHistory, participants};
use progress::ProgressDisplay;
use schedule::Schedule;

pub(crate) struct Runner<'a> {
    header: &'a Header,
    contenders: Vec<&'a Contender>,
    history: RunHistory,
    /// Runtime and client of each contender that has reported them.
    versions: HashMap<String, (String, String)>,
    /// Whether runs of this race are saved already: they ran against another target process.
    resumed: bool,
}

impl<'a> Runner<'a> {
    /// The race that `header` describes, of which `runs` are over. An A/A control runs as the contender that it
    /// repeats.
    pub(crate) fn new(header: &'a Header, contenders: &'a [Contender], runs: &[Run]) -> Runner<'a> {
        let by_name: HashMap<String, &Contender> =
            contenders.iter().map(|contender| (contender.to_string(), contender)).collect();
        let contenders =
            header.contenders.iter().map(|facts| by_name[facts.control_of.as_ref().unwrap_or(&facts.name)]);
        let mut runner = Runner {
            header,
            contenders: contenders.collect(),
            history: RunHistory::default(),
            versions: HashMap::new(),
            resumed: !runs.is_empty(),
        };
        for run in runs {
            let index = header.contenders.iter().position(|facts| facts.name == run.contender);
            runner.note(index.expect("a record has no run of other contenders"), run);
        }
        runner
    }

    /// Runs what is left and saves it. Gives the number of runs; an interrupt ends it early. Fails where a run cannot be
    /// saved, the target cannot be started, or the versions of a contender have changed.
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
        'race: for round in 0..=MOST_ROUNDS {
            let participants = participants(self.header, &self.history, round);
            if participants.is_empty() && round > 0 {
                break;
            }
            if self.header.budget.is_some() {
                self.expect(round, &mut progress);
            }
            let begun = finished;
            for turn in schedule.next(round, &participants) {
                if self.history.has(turn.contender, round) {
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

    /// Progress so far, with all runs that are known to come.
    fn progress(&self, interrupted: &'static AtomicBool) -> ProgressDisplay {
        let mut progress = ProgressDisplay::new(self.header, interrupted);
        for (contender, took) in self.history.took() {
            progress.finished(contender, took);
        }
        if self.header.budget.is_none() {
            (0..=MOST_ROUNDS).for_each(|round| self.expect(round, &mut progress));
        }
        progress
    }

    fn expect(&self, round: u32, progress: &mut ProgressDisplay) {
        let participants = participants(self.header, &self.history, round);
        for contender in participants.into_iter().filter(|&contender| !self.history.has(contender, round)) {
            progress.expect(contender);
        }
    }

    /// One run, with its progress shown; `None` when interrupted.
    fn turn(
        &mut self,
        turn: Turn,
        session: &mut Session,
        progress: &mut ProgressDisplay,
    ) -> Result<Option<Run>> {
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

    /// Whether a run is repeated at once. Only what disturbed it decides, never a figure. On a machine that disturbs
    /// run after run this would never end: at most one run in ten is repeated, and three besides.
    fn may_repeat(&self, run: &Run) -> bool {
        let (runs, repeated) = self.history.repeated();
        !run.warm_up && run.verdict.is_disturbed() && repeated < 3 + runs / 10
    }

    fn note(&mut self, contender: usize, run: &Run) {
        self.history.add(contender, run);
        if !run.runtime.is_empty() {
            let versions = (run.runtime.clone(), run.client.clone());
            self.versions.entry(run.contender.clone()).or_insert(versions);
        }
    }

    /// With other versions than before it would be another contender under the same name.
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
    /// late with its first ones, and the warm-up runs are over.
    fn warm_target(&self, session: &mut Session, interrupted: &'static AtomicBool) -> Result<()> {
        let short = self.header.contenders.iter().zip(&self.contenders);
        let short = short.filter(|(facts, _)| warms_up(facts.ideal_ns));
        if let Some((_, contender)) = short.max_by_key(|(_, contender)| contender.shape.slots()) {
            let (turn, launch) = (Turn { contender: 0, round: 0, position: 0 }, session.worker_of(contender));
            let mut observer = interrupted;
            session.run(contender, turn, &launch, session.limits(contender), &mut observer)?;
        }
        Ok(())
    }
}
