//! A session: one target, one workload, and run after run against it.

mod run;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use inflight_report::record::{ContenderFacts, Run};

use super::execute::{Limits, Meters, RunError, ask, execute};
use super::observer::Observer;
use super::schedule::Turn;
use super::target::{Target, TargetOptions};
use crate::contender::Contender;
use crate::machine;
use crate::machine::placement::{self, Placement};
use crate::meter::{Callgrind, Cgroup, Tree};
use crate::process::Launch;
use crate::worker::protocol::{PROTOCOL, Plan};
use crate::workload::{Shape, Workload};

/// Connecting over loopback takes no time; this is for a target that is gone.
const CONNECT_TIMEOUT_MS: u64 = 5_000;

/// What a request may take beyond its planned delay.
const REQUEST_TIMEOUT_SLACK_MS: u64 = 30_000;

/// As many as `inflight serve --shards` takes.
const MOST_LOOPS: usize = 64;

/// One target, one workload, and run after run against it.
pub struct Session {
    program: PathBuf,
    group: bool,
    options: TargetOptions,
    placement: Option<Placement>,
    target: Target,
    workload: Workload,
}

impl Session {
    /// Starts a target that plays the workload, from `program`: `inflight` itself, or a program that
    /// begins with [`crate::commands::main_if_child`]. The target has what [`target_options`] gives it.
    ///
    /// # Errors
    /// When the target cannot be started.
    pub fn start(program: &Path, workload: Workload) -> Result<Session> {
        let options = target_options(&workload, None);
        Session::with_options(program, workload, options, None)
    }

    /// As [`Session::start`], with a target as `options` say, and target and workers on the CPUs of
    /// `placement`, if there is one.
    ///
    /// # Errors
    /// When the target cannot be started.
    pub fn with_options(
        program: &Path,
        workload: Workload,
        options: TargetOptions,
        placement: Option<Placement>,
    ) -> Result<Session> {
        let cpus = placement.as_ref().map(|placement| &placement.target);
        let target = Target::start(program, &workload.scenario, options, cpus)?;
        let program = program.to_owned();
        Ok(Session { program, group: true, options, placement, target, workload })
    }

    /// Whether workers are put into a control group where the system permits it: by default they are.
    pub fn use_group(&mut self, group: bool) {
        self.group = group;
    }

    /// How workers of `contender` are started; those of a model from the same program as the target.
    pub fn worker_of(&self, contender: &Contender) -> Launch {
        contender.launch(&self.program)
    }

    /// Starts workers from the same program as the target.
    pub fn own_worker(&self) -> Launch {
        Launch { program: self.program.clone(), args: vec!["worker".to_owned()] }
    }

    /// The URL of an id, without the id.
    pub fn url_prefix(&self) -> String {
        self.target.url_prefix()
    }

    /// The process id of the target.
    pub fn target_pid(&self) -> u32 {
        self.target.pid()
    }

    /// CPU that the target has used so far, in nanoseconds.
    ///
    /// # Errors
    /// When it is gone.
    pub fn target_cpu_ns(&self) -> std::io::Result<u64> {
        Tree::of(&[self.target.pid()]).cpu_ns()
    }

    /// Which CPUs target and workers are confined to.
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// The workload.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// The facts of a contender in this session, as a record has them.
    pub fn facts(&self, contender: &Contender, rounds: u32) -> ContenderFacts {
        ContenderFacts {
            name: contender.to_string(),
            model: contender.source.model().to_owned(),
            client: contender.source.client().to_owned(),
            processes: contender.shape.processes,
            in_flight: contender.shape.in_flight,
            rounds,
            control_of: None,
            ideal_ns: self.workload.ideal_ns(contender.shape),
        }
    }

    /// How long a run of `contender` may take by default: four times its ideal time, and
    /// half a minute.
    pub fn limits(&self, contender: &Contender) -> Limits {
        const TIMEOUT: Duration = Duration::from_secs(30);
        let ideal = Duration::from_nanos(self.workload.ideal_ns(contender.shape));
        Limits { setup: TIMEOUT, wall: TIMEOUT + 4 * ideal }
    }

    /// Runs `contender` once, in fresh processes started by `launch`. `None` when the user asked to
    /// stop before the run was over.
    ///
    /// # Errors
    /// Only when the race cannot go on: whatever a worker does ends in an invalid run.
    pub fn run(
        &mut self,
        contender: &Contender,
        turn: Turn,
        launch: &Launch,
        limits: Limits,
        observer: &mut dyn Observer,
    ) -> Result<Option<Run>> {
        // A warm-up run is not timed: system calls are counted in it.
        let meters = Meters { system_calls: turn.round == 0, ..Meters::default() };
        self.measure(contender, turn, launch, limits, observer, meters)
    }

    /// Runs `contender` once to count what it does, under `callgrind` where it is given and else its system
    /// calls; counting slows it down. `None` when the user asked to stop.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn count(
        &mut self,
        contender: &Contender,
        launch: &Launch,
        callgrind: Option<&Callgrind>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Run>> {
        /// Executing instruction by instruction takes about fifty times as long.
        const TIMEOUT: Duration = Duration::from_secs(600);
        let launch = callgrind.map_or_else(|| launch.clone(), |callgrind| callgrind.launch(launch));
        let limits = Limits { setup: TIMEOUT, wall: TIMEOUT };
        let meters = Meters { system_calls: callgrind.is_none(), callgrind, ..Meters::default() };
        let turn = Turn { contender: 0, round: 0, position: 1 };
        self.measure(contender, turn, &launch, limits, observer, meters)
    }

    fn measure(
        &mut self,
        contender: &Contender,
        turn: Turn,
        launch: &Launch,
        limits: Limits,
        observer: &mut dyn Observer,
        meters: Meters<'_>,
    ) -> Result<Option<Run>> {
        if !self.target.is_alive() {
            let cpus = self.placement.as_ref().map(|placement| &placement.target);
            self.target = Target::start(&self.program, &self.workload.scenario, self.options, cpus)?;
        }
        let began = Instant::now();
        self.target.reset()?;
        let clients = self.placement.as_ref().map(|placement| &placement.clients);
        let cores = clients.map_or_else(machine::cores, |cpus| machine::within_quota(cpus.count()));
        let shared_cpus = placement::shared_cpus(self.placement.as_ref());
        let plans = plans(contender, &self.workload, &self.target.url_prefix(), cores);
        let group = if self.group { Cgroup::create().ok() } else { None };
        let meters = Meters { group, ..meters };
        let finish = execute(launch, clients, meters, &plans, &mut self.target, limits, observer);
        let run = match finish.and_then(|finish| Ok((finish, ask(&mut self.target, Target::ledger)?))) {
            Err(RunError::Interrupted) => return Ok(None),
            Err(error) => run::failed(contender, turn, &error),
            Ok((finish, ledger)) => {
                run::measured(contender, turn, &self.workload, self.options, shared_cpus, finish, &ledger)
            }
        };
        Ok(Some(Run { took_ns: began.elapsed().as_nanos() as u64, ..run }))
    }
}

/// What the target should have of the machine when it plays `workload`.
///
/// With four cores or more one is nearly always free for it, or its own by `placement`. With fewer it
/// competes with the workers, and is late when they are at their busiest, which is a fault of the
/// measurement and not of the contender: it gets real-time priority.
///
/// Where nothing is delayed there is nothing to be punctual about. There a client can be as fast as one
/// event loop, and what would be measured is the target: it gets a second loop, or one for each of [the cores
/// that it takes](placement::target_cores), and no priority, since loops that came first would break the
/// client's work up into ever smaller pieces.
pub fn target_options(workload: &Workload, placement: Option<&Placement>) -> TargetOptions {
    let delays = workload.total_delay_ns() > 0;
    let own_cpus = placement.map(|placement| placement.target.count());
    let loops = match (own_cpus, placement::target_cores(machine::physical_cores(), workload.mean_delay_ns()))
    {
        (Some(cpus), _) => cpus,
        (None, Some(cores)) => cores,
        (None, None) if delays => 1,
        (None, None) => 2,
    };
    TargetOptions {
        realtime: delays && placement.is_none() && !machine::has_cores_to_share_out(),
        shards: loops.min(MOST_LOOPS) as u32,
        burn_ns: 0,
    }
}

/// One plan for each worker of `contender`: one a process, or one for all that it starts itself. They may
/// use so many `cores`.
pub(crate) fn plans(contender: &Contender, workload: &Workload, url_prefix: &str, cores: usize) -> Vec<Plan> {
    let longest_ms = workload.delays_ns.iter().max().map_or(0, |ns| ns.div_ceil(1_000_000));
    let shape = contender.shape;
    let (workers, own_processes) = match contender.own_processes() {
        true => (1, Some(shape.processes)),
        false => (shape.processes, None),
    };
    (0..workers)
        .map(|worker| Shape { processes: workers, ..shape }.share(worker, workload.scenario.urls))
        .map(|ids| Plan {
            protocol: PROTOCOL,
            contender: contender.to_string(),
            model: contender.source.model().to_owned(),
            client: contender.source.client().to_owned(),
            url_prefix: url_prefix.to_owned(),
            due_ns: workload.due_ns.as_ref().map(|due| ids.iter().map(|&id| due[id as usize]).collect()),
            ids,
            in_flight: shape.in_flight as usize,
            processes: own_processes,
            cores,
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            request_timeout_ms: longest_ms + REQUEST_TIMEOUT_SLACK_MS,
        })
        .collect()
}
