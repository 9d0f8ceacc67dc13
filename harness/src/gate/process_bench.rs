//! Measures the cells of a gate with real processes and real targets.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use inflight_report::gate::{Cell, Cost, GateFigure, Side, Unmatched};
use inflight_report::record::{Figures, Noise, Run, Usage};
use mock_target::Scenario;

use super::Artifact;

use super::config::CellConfig;
use super::stages::{Bench, Counted, Measured};
use crate::contender::Contender;
use crate::machine::placement::Placement;
use crate::meter::{Callgrind, Snapshot, SystemCalls, children_cpu_ns};
use crate::process::Launch;
use crate::runner::{Observer, Session, Turn, target_options};
use crate::workload::Workload;

/// Where either run was disturbed both run again, at most this many times per run.
const ATTEMPTS: u32 = 10;

/// The sessions and contenders behind a gate's cells.
pub(crate) struct ProcessBench<'a> {
    sessions: Vec<Session>,
    cells: Vec<BenchCell>,
    observer: &'a mut dyn GateObserver,
    has_callgrind: bool,
    took_ns: u64,
    /// The noise of the machine while pairs ran, including this program's own CPU.
    noise: Noise,
    ours_ns: u64,
    /// Cells whose contender one build lacks.
    pub(crate) unmatched: Vec<Unmatched>,
}

/// Observes a gate.
pub(crate) trait GateObserver: Observer {
    /// A measurement of `stage` begins; `to_come` pairs are known to come.
    fn begin_measurement(&mut self, stage: &str, to_come: u32);

    /// Each cell has had one more pair in a stage: `done` rounds of `rounds`, and the pairs that are known to come.
    fn end_round(&mut self, stage: &str, done: u32, rounds: u32, to_come: u32);
}

struct BenchCell {
    cell: Cell,
    session: usize,
    base: BuildContender,
    head: BuildContender,
}

#[derive(Clone)]
struct BuildContender {
    contender: Contender,
    launch: Launch,
    /// The name of the build.
    name: String,
}

/// Readings of the machine before a pair.
struct StartReadings {
    at: Instant,
    machine: Snapshot,
    children_ns: u64,
    targets_ns: u64,
}

impl<'a> ProcessBench<'a> {
    /// Starts a target for each scenario of `cells`, from `program`, and finds the contenders in both builds. The
    /// third, another copy of the base, is for the A/A control.
    ///
    /// # Errors
    /// Where a target cannot be started, or neither build has a contender.
    pub(crate) fn prepare(
        program: &Path,
        cells: &[CellConfig],
        [base, head, control]: [&Artifact; 3],
        placement: Option<&Placement>,
        observer: &'a mut dyn GateObserver,
    ) -> Result<ProcessBench<'a>> {
        let mut bench = ProcessBench {
            sessions: Vec::new(),
            cells: Vec::new(),
            observer,
            has_callgrind: Callgrind::not_offered().is_none(),
            took_ns: 0,
            noise: Noise::default(),
            ours_ns: 0,
            unmatched: Vec::new(),
        };
        let mut known: Vec<Scenario> = Vec::new();
        for config in cells {
            let scenario = config.scenario()?;
            let cell = Cell {
                contender: config.contender.clone(),
                preset: config.preset.clone(),
                urls: scenario.urls,
                runs: config.runs(),
                figures: config.figures(),
                control: false,
            };
            let only_in = match (base.has(&config.contender)?, head.has(&config.contender)?) {
                (true, false) => Some(Side::Base),
                (false, true) => Some(Side::Head),
                (true, true) => None,
                (false, false) => bail!("{}: neither build has such a contender", cell.name()),
            };
            if let Some(only_in) = only_in {
                bench.unmatched.push(Unmatched { cell: cell.name(), only_in });
                continue;
            }
            let session = match known.iter().position(|known| *known == scenario) {
                Some(session) => session,
                None => {
                    bench.sessions.push(start(program, scenario.clone(), placement)?);
                    known.push(scenario.clone());
                    known.len() - 1
                }
            };
            let build_contender = |artifact: &Artifact| -> Result<BuildContender> {
                let contender = artifact.contender(&config.contender)?;
                crate::contender::limits::check(&contender)?;
                let launch = artifact.launch(&contender, program);
                Ok(BuildContender { contender, launch, name: artifact.build.name.clone() })
            };
            bench.cells.push(BenchCell {
                cell,
                session,
                base: build_contender(base)?,
                head: build_contender(head)?,
            });
        }
        bench.add_control(control, program);
        Ok(bench)
    }

    /// An A/A control, the base against itself: of the first cell with a figure that noise affects.
    fn add_control(&mut self, control: &Artifact, program: &Path) {
        let measured = |cell: &BenchCell| -> Vec<GateFigure> {
            cell.cell.figures.iter().copied().filter(|figure| figure.is_measured()).collect()
        };
        let Some(first) = self.cells.iter().find(|cell| !measured(cell).is_empty()) else { return };
        let cell = Cell { figures: measured(first), control: true, ..first.cell.clone() };
        let base = first.base.clone();
        let head = BuildContender { launch: control.launch(&base.contender, program), ..base.clone() };
        let control = BenchCell { cell, session: first.session, base, head };
        self.cells.push(control);
    }

    /// The cells, the A/A control last.
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
        self.sessions.iter().filter_map(|session| session.target_cpu_ns().ok()).sum()
    }

    fn build(&self, cell: usize, side: Side) -> BuildContender {
        let cell = &self.cells[cell];
        match side {
            Side::Base => cell.base.clone(),
            Side::Head => cell.head.clone(),
        }
    }

    /// The figures of a run; `None` where something other than the build disturbed it.
    fn run(&mut self, cell: usize, side: Side) -> Result<Option<Figures>> {
        let build = self.build(cell, side);
        let session = &mut self.sessions[self.cells[cell].session];
        let turn = Turn { contender: 0, round: 1, position: 1 };
        let limits = session.limits(&build.contender);
        let run = session.run(&build.contender, turn, &build.launch, limits, &mut *self.observer)?;
        let run = run.context(INTERRUPTED)?;
        refuse_failure(&build, &self.cells[cell].cell, &run)?;
        Ok(run.figures.filter(|_| run.verdict.is_valid()))
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

    fn counted(&mut self, cell: usize, side: Side, callgrind: Option<&Callgrind>) -> Result<Usage> {
        let build = self.build(cell, side);
        let session = &mut self.sessions[self.cells[cell].session];
        let run = session.count(&build.contender, &build.launch, callgrind, &mut *self.observer)?;
        let run = run.context(INTERRUPTED)?;
        // A late target does not change a count.
        refuse_failure(&build, &self.cells[cell].cell, &run)?;
        Ok(run.figures.map_or_else(Usage::default, |figures| figures.usage))
    }
}

/// The message of a gate that the user has stopped.
pub(crate) const INTERRUPTED: &str = "interrupted: nothing of it is saved";

fn start(program: &Path, scenario: Scenario, placement: Option<&Placement>) -> Result<Session> {
    let workload = Workload::of(scenario);
    let options = target_options(&workload, placement);
    Session::with_options(program, workload, options, placement.cloned())
}

/// Fails where a build does not work, which is no slowness.
fn refuse_failure(build: &BuildContender, cell: &Cell, run: &Run) -> Result<()> {
    if run.verdict.is_valid() || run.verdict.is_disturbed() {
        return Ok(());
    }
    bail!("{} of {} does not work: {}", cell.name(), build.name, run.verdict.text())
}

impl Bench for ProcessBench<'_> {
    fn pair(&mut self, cell: usize, first: Side) -> Result<Option<Measured>> {
        let began = self.start_readings();
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
        self.add_noise(&began);
        let whole = done == runs;
        Ok(whole.then(|| Measured { base: base.mean(runs), head: head.mean(runs), repeated }))
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

    fn begin_measurement(&mut self, stage: &str, to_come: u32) {
        self.observer.begin_measurement(stage, to_come);
    }

    fn end_round(&mut self, stage: &str, done: u32, rounds: u32, to_come: u32) {
        self.observer.end_round(stage, done, rounds, to_come);
    }
}

/// The total cost of the runs of one side of a pair.
#[derive(Clone, Copy, Default)]
struct Sum {
    wall_ns: f64,
    cpu_ns: f64,
    peak_memory_bytes: f64,
    connections: f64,
    target_limited: u32,
}

impl Sum {
    fn add(&mut self, figures: &Figures) {
        self.wall_ns += figures.wall_ns as f64;
        self.cpu_ns += figures.cpu_ns as f64;
        self.peak_memory_bytes += figures.peak_memory_bytes as f64;
        self.connections += figures.target.connections as f64;
        self.target_limited += u32::from(figures.target.limit.is_some());
    }

    fn mean(self, runs: u32) -> Cost {
        let runs = f64::from(runs);
        Cost {
            wall_ns: self.wall_ns / runs,
            cpu_ns: self.cpu_ns / runs,
            peak_memory_bytes: self.peak_memory_bytes / runs,
            connections: self.connections / runs,
            target_limited: f64::from(self.target_limited) / runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use inflight_report::record::{Record, TargetLimit};

    use super::*;

    #[test]
    fn cost_has_the_share_of_target_limited_runs() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../report/src/record/format_1.jsonl");
        let mut figures: Vec<Figures> =
            Record::read(&kept).unwrap().runs.into_iter().filter_map(|run| run.figures).take(4).collect();
        figures.iter_mut().for_each(|figures| figures.target.limit = None);
        figures[2].target.limit = Some(TargetLimit::Residence);
        let mut sum = Sum::default();
        figures.iter().for_each(|figures| sum.add(figures));
        let cost = sum.mean(4);
        assert_eq!(cost.target_limited, 0.25);
        let walls: u64 = figures.iter().map(|figures| figures.wall_ns).sum();
        assert_eq!(cost.wall_ns, walls as f64 / 4.0);
    }
}
