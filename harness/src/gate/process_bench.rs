//! Measures the cells of a gate with real processes and real targets.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use inflight_report::gate::{Cell, Cost, Gate, GateFigure, Side, Unmatched};
use inflight_report::record::{Figures, Noise, Run, Usage};
use mock_target::Scenario;

use super::Artifact;
use super::build_target::BuildTarget;
use super::config::CellConfig;
use super::cost::Sum;
use super::stages::{Bench, Counted, Measured};
use crate::contender::Contender;
use crate::contender::catalogue::Catalogue;
use crate::machine::placement::Placement;
use crate::meter::{Callgrind, Snapshot, SystemCalls, children_cpu_ns};
use crate::process::Launch;
use crate::runner::{Observer, Turn};

/// Where either run was disturbed both run again, at most this many times per run. A pair that is lost is measured again
/// in a later round.
const ATTEMPTS: u32 = 3;

/// The sessions and contenders behind a gate's cells.
pub(crate) struct ProcessBench<'a> {
    targets: Vec<BuildTarget>,
    cells: Vec<BenchCell>,
    observer: &'a mut dyn GateObserver,
    has_callgrind: bool,
    began: Instant,
    took_ns: u64,
    /// The noise of the machine while pairs ran, including this program's own CPU.
    noise: Noise,
    ours_ns: u64,
    /// Cells whose contender one build lacks.
    pub(crate) unmatched: Vec<Unmatched>,
}

/// Observes a gate.
pub(crate) trait GateObserver: Observer {
    /// A measurement of `stage` begins.
    fn begin_measurement(&mut self, stage: &str);

    /// What is `done`, how many figures are `decided` and of how many, and what is left of the budget.
    fn end_round(&mut self, done: &str, decided: (usize, usize), left: Duration);
}

struct BenchCell {
    cell: Cell,
    base: CellBuild,
    head: CellBuild,
}

impl BenchCell {
    fn build(&self, side: Side) -> &CellBuild {
        match side {
            Side::Base => &self.base,
            Side::Head => &self.head,
        }
    }
}

/// How a build is run in a cell.
#[derive(Clone)]
struct CellBuild {
    contender: Contender,
    launch: Launch,
    /// The name of the build.
    name: String,
    /// Index of the target that serves it.
    target: usize,
}

/// Readings of the machine before a pair.
struct StartReadings {
    at: Instant,
    machine: Snapshot,
    children_ns: u64,
    targets_ns: u64,
}

impl<'a> ProcessBench<'a> {
    /// Starts the targets of `cells`, and finds the contenders in both builds. `program`, this one, serves the cells that
    /// compare contenders, and is the load of those that compare targets. The third build, another copy of the base, is
    /// for the A/A control.
    ///
    /// # Errors
    /// Where a target cannot be started, a build has none that is to be compared, or neither has a contender.
    pub(crate) fn prepare(
        program: &Path,
        cells: &[CellConfig],
        [base, head, control]: [&Artifact; 3],
        placement: Option<&Placement>,
        observer: &'a mut dyn GateObserver,
    ) -> Result<ProcessBench<'a>> {
        let mut bench = ProcessBench {
            targets: Vec::new(),
            cells: Vec::new(),
            observer,
            has_callgrind: Callgrind::not_offered().is_none(),
            began: Instant::now(),
            took_ns: 0,
            noise: Noise::default(),
            ours_ns: 0,
            unmatched: Vec::new(),
        };
        for config in cells {
            let cell = config.cell()?;
            if !cell.target
                && let Some(only_in) = only_in(base, head, &cell)?
            {
                bench.unmatched.push(Unmatched { cell: cell.name(), only_in });
                continue;
            }
            let scenario = config.scenario()?;
            let mut build = |artifact| bench.build(artifact, &cell, &scenario, program, placement);
            let (base, head) = (build(base)?, build(head)?);
            bench.cells.push(BenchCell { cell, base, head });
        }
        bench.add_controls(control, program, placement)?;
        bench.began = Instant::now();
        Ok(bench)
    }

    /// How `artifact` is run in a cell. In a target cell it serves, and this program is the load.
    fn build(
        &mut self,
        artifact: &Artifact,
        cell: &Cell,
        scenario: &Scenario,
        program: &Path,
        placement: Option<&Placement>,
    ) -> Result<CellBuild> {
        let (contender, launch, server) = if cell.target {
            let contender = load(&cell.contender)?;
            let launch = contender.launch(program);
            (contender, launch, artifact.program()?)
        } else {
            let contender = artifact.contender(&cell.contender)?;
            let launch = artifact.launch(&contender, program);
            (contender, launch, program)
        };
        crate::contender::limits::check(&contender)?;
        let plays = |target: &BuildTarget| {
            target.program == server && target.session.workload().scenario == *scenario
        };
        let target = match self.targets.iter().position(plays) {
            Some(target) => target,
            None => {
                self.targets.push(BuildTarget::start(server, scenario.clone(), placement)?);
                self.targets.len() - 1
            }
        };
        Ok(CellBuild { contender, launch, name: artifact.build.name.clone(), target })
    }

    /// A/A controls, the base against itself: one of each workload with a required figure that noise affects, or else one of
    /// the first cell with such a figure.
    fn add_controls(
        &mut self,
        control: &Artifact,
        program: &Path,
        placement: Option<&Placement>,
    ) -> Result<()> {
        let measured = |figures: &[GateFigure]| -> Vec<GateFigure> {
            figures.iter().copied().filter(|figure| figure.is_measured()).collect()
        };
        let mut chosen: Vec<&BenchCell> = Vec::new();
        for cell in self.cells.iter().filter(|cell| !measured(&cell.cell.required).is_empty()) {
            if !chosen.iter().any(|other| other.cell.has_workload_of(&cell.cell)) {
                chosen.push(cell);
            }
        }
        if chosen.is_empty() {
            chosen.extend(self.cells.iter().find(|cell| !measured(&cell.cell.figures).is_empty()));
        }
        let chosen: Vec<(Cell, CellBuild)> =
            chosen.iter().map(|cell| (cell.cell.clone(), cell.base.clone())).collect();
        for (cell, base) in chosen {
            let (figures, required) = (measured(&cell.figures), measured(&cell.required));
            let cell = Cell { figures, required, control: true, ..cell };
            let scenario = self.targets[base.target].session.workload().scenario.clone();
            let head = self.build(control, &cell, &scenario, program, placement)?;
            self.cells.push(BenchCell { cell, base, head });
        }
        Ok(())
    }

    /// The cells, A/A controls last.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        self.cells.iter().map(|cell| cell.cell.clone()).collect()
    }

    /// Counts that a cell asks for and that are not possible here, with the reason.
    pub(crate) fn not_offered(&self) -> Vec<(GateFigure, String)> {
        let wanted = |figure: GateFigure| self.cells.iter().any(|cell| cell.cell.figures.contains(&figure));
        let callgrind = Callgrind::not_offered();
        let mut missing = Vec::new();
        for (figure, reason) in [
            (GateFigure::Instructions, callgrind.clone()),
            (GateFigure::Allocations, callgrind),
            (GateFigure::SystemCalls, SystemCalls::not_offered()),
        ] {
            missing.extend(reason.filter(|_| wanted(figure)).map(|reason| (figure, reason)));
        }
        missing
    }

    /// How long all pairs took, and the noise of the machine in that time.
    ///
    /// The machine counts in ticks of 10 ms, of which a pair has few: this program's own CPU is subtracted from all pairs together.
    pub(crate) fn noise(&self) -> (u64, Noise) {
        let others_cpu_ns = self.noise.others_cpu_ns.map(|all_ns| all_ns.saturating_sub(self.ours_ns));
        (self.took_ns, Noise { others_cpu_ns, ..self.noise })
    }

    fn start_readings(&self) -> StartReadings {
        StartReadings {
            at: Instant::now(),
            machine: Snapshot::read(),
            children_ns: children_cpu_ns(),
            targets_ns: self.targets_cpu_ns(),
        }
    }

    fn add_noise(&mut self, began: &StartReadings) {
        self.took_ns += began.at.elapsed().as_nanos() as u64;
        let ours_ns = children_cpu_ns() + self.targets_cpu_ns();
        self.ours_ns += ours_ns.saturating_sub(began.children_ns + began.targets_ns);
        self.noise = self.noise.and(&Snapshot::read().since(&began.machine, 0));
    }

    fn targets_cpu_ns(&self) -> u64 {
        self.targets.iter().filter_map(|target| target.session.target_cpu_ns().ok()).sum()
    }

    /// Several runs of each build, in turns, the `first` one first.
    fn measure(&mut self, cell: usize, first: Side) -> Result<Option<Measured>> {
        let is_of_targets = self.cells[cell].cell.target;
        if is_of_targets {
            for side in [first, first.other()] {
                let target = self.cells[cell].build(side).target;
                self.targets[target].restart()?;
            }
        }
        let runs = self.cells[cell].cell.runs;
        let (mut base, mut head) = (Sum::default(), Sum::default());
        let (mut done, mut repeated) = (0, 0);
        while done < runs && repeated < ATTEMPTS * runs {
            match self.both(cell, first)? {
                Some([of_base, of_head]) => {
                    base.add(&of_base);
                    head.add(&of_head);
                    done += 1;
                }
                None => repeated += 1,
            }
        }
        if done < runs {
            return Ok(None);
        }
        let cost = |side: Side, sum: Sum| {
            let target = is_of_targets.then(|| {
                let of_build = &self.targets[self.cells[cell].build(side).target];
                sum.target_cost(runs, self.cells[cell].cell.urls, of_build.growth_bytes())
            });
            Cost { target, ..sum.mean(runs) }
        };
        Ok(Some(Measured { base: cost(Side::Base, base), head: cost(Side::Head, head), repeated }))
    }

    /// Both builds once, one after the other, the `first` one first: base's and head's.
    fn both(&mut self, cell: usize, first: Side) -> Result<Option<[Figures; 2]>> {
        let one = self.run(cell, first)?;
        let other = self.run(cell, first.other())?;
        Ok(one.zip(other).map(|(one, other)| match first {
            Side::Base => [one, other],
            Side::Head => [other, one],
        }))
    }

    /// The figures of a run; `None` where something other than the build disturbed it.
    fn run(&mut self, cell: usize, side: Side) -> Result<Option<Figures>> {
        let build = self.cells[cell].build(side);
        let session = &mut self.targets[build.target].session;
        let turn = Turn { contender: 0, round: 1, position: 1 };
        let limits = session.limits(&build.contender);
        let run = session.run(&build.contender, turn, &build.launch, limits, &mut *self.observer)?;
        let run = run.context(INTERRUPTED)?;
        refuse_failure(build, &self.cells[cell].cell, &run)?;
        // A disturbance changes times; it does not change the number of connections.
        let is_timed = self.cells[cell].cell.figures.iter().any(|figure| figure.is_measured());
        Ok(run.figures.filter(|_| !is_timed || run.verdict.is_valid()))
    }

    fn counted(&mut self, cell: usize, side: Side, callgrind: Option<&Callgrind>) -> Result<Usage> {
        let build = self.cells[cell].build(side);
        let session = &mut self.targets[build.target].session;
        let run = session.count(&build.contender, &build.launch, callgrind, &mut *self.observer)?;
        let run = run.context(INTERRUPTED)?;
        // A late target does not change a count.
        refuse_failure(build, &self.cells[cell].cell, &run)?;
        Ok(run.figures.map_or_else(Usage::default, |figures| figures.usage))
    }
}

/// The message of a gate that the user has stopped.
pub(crate) const INTERRUPTED: &str = "interrupted: nothing of it is saved";

/// The build that has the contender of a cell, where the other one lacks it.
fn only_in(base: &Artifact, head: &Artifact, cell: &Cell) -> Result<Option<Side>> {
    match (base.has(&cell.contender)?, head.has(&cell.contender)?) {
        (true, true) => Ok(None),
        (true, false) => Ok(Some(Side::Base)),
        (false, true) => Ok(Some(Side::Head)),
        (false, false) => bail!("{}: neither build has such a contender", cell.name()),
    }
}

/// The load of a target cell: a model of this program, the same for both builds.
fn load(contender: &str) -> Result<Contender> {
    let contender = Catalogue::load(&[])?.contender(contender)?;
    if contender.external().is_some() {
        bail!("{contender} is not a model of this program: the load of a [[target]] must be one");
    }
    Ok(contender)
}

/// Fails where a build does not work, which is no slowness.
fn refuse_failure(build: &CellBuild, cell: &Cell, run: &Run) -> Result<()> {
    if run.verdict.is_valid() || run.verdict.is_disturbed() {
        return Ok(());
    }
    bail!("{} of {} does not work: {}", cell.name(), build.name, run.verdict.text())
}

impl Bench for ProcessBench<'_> {
    fn pair(&mut self, cell: usize, first: Side) -> Result<Option<Measured>> {
        let began = self.start_readings();
        let measured = self.measure(cell, first)?;
        self.add_noise(&began);
        Ok(measured)
    }

    fn count(&mut self, cell: usize, side: Side) -> Result<Counted> {
        let figures = self.cells[cell].cell.figures.clone();
        let wanted = |figure| figures.contains(&figure);
        let urls = self.cells[cell].cell.urls as f64;
        let each = |count: Option<u64>| count.map(|count| count as f64 / urls);
        let mut counted = Counted::default();
        if self.has_callgrind && (wanted(GateFigure::Instructions) || wanted(GateFigure::Allocations)) {
            let callgrind = Callgrind::prepare().context("no room to count instructions")?;
            let usage = self.counted(cell, side, Some(&callgrind))?;
            (counted.instructions, counted.allocations) = (each(usage.instructions), each(usage.allocations));
        }
        if wanted(GateFigure::SystemCalls) {
            counted.system_calls = each(self.counted(cell, side, None)?.system_calls);
        }
        Ok(counted)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn begin_measurement(&mut self, stage: &str) {
        self.observer.begin_measurement(stage);
    }

    fn end_round(&mut self, gate: &Gate, done: &str, left: Duration) {
        self.observer.end_round(done, gate.progress(), left);
    }
}
