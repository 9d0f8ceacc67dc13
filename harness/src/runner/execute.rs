//! One run: spawn, ready, go, done.

mod error;

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use inflight_report::record::{CpuMethod, HarnessLateness, LoopFigures, Noise, Usage};
use mock_target::ledger::Stats;

pub(crate) use self::error::RunError;
use self::error::{also_late, worker_error};
use super::observer::Observer;
use super::target::Target;
use super::worker_pool::{WorkerEvent, WorkerOutput, WorkerPool};
use crate::meter::{
    Callgrind, Cgroup, Counters, Heartbeat, Quotas, Sampled, Sampler, Snapshot, SystemCalls, Throttled, Tree,
};
use crate::process::{Cpus, Launch};
use crate::verdict::target_limit;
use crate::worker::protocol::{DONE, GO, Plan, Ready, Sample};

/// How long a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From spawn until all workers are ready, and again from `done` until they have sent their samples and exited.
    pub setup: Duration,
    /// From `go` until all workers are done.
    pub wall: Duration,
}

/// Optional meters of a run.
#[derive(Default)]
pub(crate) struct Meters<'a> {
    /// A control group for the workers. It ends with the run.
    pub(crate) group: Option<Cgroup>,
    /// Count system calls, where that is possible, which slows the run down.
    pub(crate) system_calls: bool,
    /// Count instructions and allocations of workers that were launched under it.
    pub(crate) callgrind: Option<&'a Callgrind>,
}

/// The measurements of a run that reached its end.
#[derive(Clone, Debug)]
pub(crate) struct Finish {
    /// The message of the first worker; all are alike.
    pub(crate) ready: Ready,
    /// By worker.
    pub(crate) samples: Vec<Vec<Sample>>,
    /// When `go` was sent, by the clock of [`mock_target::monotonic_ns`].
    pub(crate) go_at_ns: u64,
    /// From spawn until all workers were ready.
    pub(crate) startup_ns: u64,
    /// From `go` until the last worker's `done`.
    pub(crate) wall_ns: u64,
    /// CPU of the workers' trees in that time.
    pub(crate) cpu_ns: u64,
    pub(crate) cpu_method: CpuMethod,
    /// What else the trees used in that time.
    pub(crate) usage: Usage,
    /// What disturbed the run in that time.
    pub(crate) noise: Noise,
    pub(crate) harness: HarnessLateness,
    /// The control groups whose CPU quota stopped something of the run in that time.
    pub(crate) throttled: Vec<Throttled>,
    /// Memory of the trees before `go`.
    pub(crate) ready_memory_bytes: u64,
    /// Peak of memory between `go` and `done`, and the timeline of the run.
    pub(crate) seen: Sampled,
    /// CPU of the target between `go` and `done`.
    pub(crate) target_cpu_ns: u64,
    /// What each of the target's event loops used in that time.
    pub(crate) target_loops: Vec<LoopFigures>,
    /// The target's ledger sums before `go`, and at `done`.
    pub(crate) target_before: Stats,
    pub(crate) target_after: Stats,
}

/// Executes `plans` against `target`, each in a process of its own, confined to `cpus` if there are any, and
/// measures the run with `meters`. After an error no process of the run is left.
pub(crate) fn execute(
    launch: &Launch,
    cpus: Option<&Cpus>,
    meters: Meters<'_>,
    plans: &[Plan],
    target: &mut Target,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Result<Finish, RunError> {
    let lines = plans.iter().map(|plan| serde_json::to_string(plan).map(|line| line + "\n"));
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let target_pid = target.pid();
    let heartbeat = Heartbeat::start()?;
    let (pool, started) = WorkerPool::start(launch, cpus, lines, meters.group)?;
    let mut run = ActiveRun { pool, target, observer };

    let setup_ends = started + limits.setup;
    let (ready, last_ready) = run.wait_for_all(setup_ends, "was not ready", parse_ready)?;
    let (workers, target) = (run.pool.tree(), Tree::of(&[target_pid]));
    run.wait_until_plans_are_read(setup_ends)?;
    let ready_memory_bytes = run.metered(workers.memory_bytes())?;
    let sampler = Sampler::prepare(&workers);
    let mut system_calls = if meters.system_calls { workers.system_calls().ok() } else { None };
    if let Some(callgrind) = meters.callgrind {
        run.metered(callgrind.begin(&workers))?;
    }
    let counters_before = run.metered(Counters::read(&workers))?;
    let quotas = Quotas::of(&[&[std::process::id(), target_pid], &run.pool.pids()[..]].concat());
    let readers_before_ns = run.pool.readers_waited_ns();
    let target_before = ask(run.target, Target::stats)?;
    let loops_before = ask(run.target, Target::loops)?;
    let target_before_ns = target.cpu_ns().map_err(|_| RunError::TargetDied)?;
    let before = Snapshot::read();
    let cpu_before = run.metered(workers.cpu_time())?;

    let sampler = sampler.begin()?;
    if let Some(calls) = &mut system_calls {
        calls.begin()?;
    }
    let (go_at, go_at_ns) = (Instant::now(), mock_target::monotonic_ns());
    let sent = run.pool.send(GO);
    let last_go_at = run.metered(sent)?;
    let (_, last_done) =
        run.wait_for_all(go_at + limits.wall, "was not done", |line| (line == DONE).then_some(()))?;

    let last = last_done.worker;
    let waited_ns = run.pool.readers_waited_ns()[last].zip(readers_before_ns[last]);
    let system_calls = system_calls.map(SystemCalls::end).transpose()?;
    let cpu_after = run.metered(workers.cpu_time())?;
    let target_after_ns = target.cpu_ns().map_err(|_| RunError::TargetDied)?;
    let after = Snapshot::read();
    let throttled = quotas.throttled_since();
    let harness = HarnessLateness {
        go_spread_ns: nanoseconds(last_go_at - go_at),
        done_waited_ns: waited_ns.map(|(after_ns, before_ns)| after_ns - before_ns),
        stood_still_ns: heartbeat.finish(),
    };
    let counters_after = run.metered(Counters::read(&workers))?;
    let loops_after = ask(run.target, Target::loops)?;
    let target_after = ask(run.target, Target::stats)?;
    let seen = run.metered(sampler.finish(go_at))?;
    let executed = meters.callgrind.map(|callgrind| callgrind.end(&workers));
    let executed = executed.map(|counted| run.metered(counted)).transpose()?;
    let (cpu_ns, cpu_parts) = cpu_after.since(&cpu_before).ok_or_else(|| {
        RunError::Worker("a process left the workers' tree during the run, and its CPU with it".to_owned())
    })?;

    run.pool.close_stdin();
    let samples = run.collect_samples(plans, Instant::now() + limits.setup)?;
    Ok(Finish {
        ready: ready.into_iter().next().expect("a run has a worker"),
        samples,
        go_at_ns,
        startup_ns: nanoseconds(last_ready.at - started),
        wall_ns: nanoseconds(last_done.at - go_at),
        cpu_ns,
        cpu_method: workers.cpu_method(),
        usage: Usage {
            user_ns: cpu_parts.map(|[user_ns, _]| user_ns),
            system_ns: cpu_parts.map(|[_, system_ns]| system_ns),
            system_calls,
            instructions: executed.map(|executed| executed.instructions),
            allocations: executed.map(|executed| executed.allocations),
            threads_at_peak: Some(seen.threads),
            descriptors_at_peak: seen.descriptors,
            sent_bytes: target_after.received_bytes.checked_sub(target_before.received_bytes),
            received_bytes: target_after.sent_bytes.checked_sub(target_before.sent_bytes),
            ..counters_after.since(&counters_before, cpu_ns)
        },
        noise: Noise {
            throttled_ns: throttled.as_ref().map(|groups| groups.iter().map(|group| group.stopped_ns).sum()),
            ..after.since(&before, cpu_ns + (target_after_ns - target_before_ns))
        },
        harness,
        throttled: throttled.unwrap_or_default(),
        ready_memory_bytes,
        seen,
        target_cpu_ns: target_after_ns - target_before_ns,
        target_loops: target_limit::loops(&loops_before, &loops_after),
        target_before,
        target_after,
    })
}

/// Asks the target for `what`.
pub(super) fn ask<T>(
    target: &mut Target,
    what: impl FnOnce(&Target) -> anyhow::Result<T>,
) -> Result<T, RunError> {
    what(target).map_err(|error| match target.is_alive() {
        true => RunError::NoLedger(format!("{error:#}")),
        false => RunError::TargetDied,
    })
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn parse_ready(line: &str) -> Option<Ready> {
    serde_json::from_str(line).ok().filter(|ready: &Ready| ready.ready)
}

struct ActiveRun<'a> {
    pool: WorkerPool,
    target: &'a mut Target,
    observer: &'a mut dyn Observer,
}

impl ActiveRun<'_> {
    /// Waits until every worker has sent the one line that `parse` accepts. Gives the parsed lines by worker, and
    /// the last event.
    fn wait_for_all<T>(
        &mut self,
        deadline: Instant,
        late: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<(Vec<T>, WorkerEvent), RunError> {
        let mut received: Vec<Option<T>> = self.pool.pids().iter().map(|_| None).collect();
        loop {
            let waited_for: Vec<bool> = received.iter().map(Option::is_none).collect();
            let event = self.next_event(deadline, &waited_for, late)?;
            let message = match &event.output {
                WorkerOutput::Line(line) if received[event.worker].is_none() => parse(line),
                _ => None,
            };
            let Some(message) = message else { return Err(self.unexpected(&event)) };
            received[event.worker] = Some(message);
            if received.iter().all(Option::is_some) {
                return Ok((received.into_iter().flatten().collect(), event));
            }
        }
    }

    /// Reads samples until every worker has closed its stdout and exited with 0.
    fn collect_samples(&mut self, plans: &[Plan], deadline: Instant) -> Result<Vec<Vec<Sample>>, RunError> {
        let mut samples: Vec<Vec<Sample>> =
            plans.iter().map(|plan| Vec::with_capacity(plan.ids.len())).collect();
        let mut sending = vec![true; plans.len()];
        while sending.contains(&true) {
            let event = self.next_event(deadline, &sending, "did not finish sending its samples")?;
            match &event.output {
                WorkerOutput::Eof => sending[event.worker] = false,
                WorkerOutput::Line(line) => match serde_json::from_str(line) {
                    // Twice as many as asked for is more than any honest mistake.
                    Ok(sample) if samples[event.worker].len() <= 2 * plans[event.worker].ids.len() => {
                        samples[event.worker].push(sample);
                    }
                    _ => return Err(self.unexpected(&event)),
                },
                WorkerOutput::Malformed => return Err(self.unexpected(&event)),
            }
        }
        for worker in 0..plans.len() {
            let status = self.wait_for_exit(worker, deadline)?;
            if !status.success() {
                let what = format!("worker {worker} ended with {status}");
                return Err(worker_error(what, self.pool.stderr_tail(worker)));
            }
        }
        Ok(samples)
    }

    /// The next output of a worker; meanwhile the observer is called. When the time is up, those that are
    /// `waited_for` are named.
    fn next_event(
        &mut self,
        deadline: Instant,
        waited_for: &[bool],
        late: &str,
    ) -> Result<WorkerEvent, RunError> {
        const OBSERVE_EVERY: Duration = Duration::from_millis(100);
        // The time may be up because this process was held up: output that came meanwhile is read first.
        let mut is_time_up = false;
        loop {
            if self.observer.interrupted() {
                return Err(RunError::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pool.next_event(if is_time_up { OBSERVE_EVERY } else { left.min(OBSERVE_EVERY) }) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Disconnected) => unreachable!("every worker's last event is its end"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if !self.target.is_alive() {
                return Err(RunError::TargetDied);
            }
            if let Some(event) = self.pool.ended_with_open_stdout() {
                return Err(self.unexpected(&event));
            }
            if is_time_up {
                let late_ones: Vec<usize> =
                    (0..waited_for.len()).filter(|&worker| waited_for[worker]).collect();
                let [first, others @ ..] = &late_ones[..] else { unreachable!("a worker is waited for") };
                let what = format!("worker {first} {late} in time{}", also_late(others));
                return Err(worker_error(what, self.pool.kill(*first)));
            }
            is_time_up = Instant::now() >= deadline;
            if let Ok(stats) = self.target.stats() {
                self.observer.progressed(stats.served, stats.in_flight);
            }
        }
    }

    /// An honest worker has read its plan before it is ready.
    fn wait_until_plans_are_read(&mut self, deadline: Instant) -> Result<(), RunError> {
        while let Some(worker) = self.pool.plan_unread() {
            self.pause(deadline, || format!("worker {worker} was ready without having read its plan"))?;
        }
        Ok(())
    }

    fn wait_for_exit(&mut self, worker: usize, deadline: Instant) -> Result<ExitStatus, RunError> {
        loop {
            if let Some(status) = self.pool.exit_status(worker)? {
                return Ok(status);
            }
            self.pause(deadline, || format!("worker {worker} did not exit"))?;
        }
    }

    /// Pauses before a condition is checked again.
    fn pause(&mut self, deadline: Instant, late: impl FnOnce() -> String) -> Result<(), RunError> {
        const POLL_INTERVAL: Duration = Duration::from_millis(1);
        if self.observer.interrupted() {
            return Err(RunError::Interrupted);
        }
        if Instant::now() > deadline {
            return Err(worker_error(late(), None));
        }
        thread::sleep(POLL_INTERVAL);
        Ok(())
    }

    /// A reading of the workers; where it failed because one of them has ended, what that one did.
    fn metered<T>(&mut self, reading: io::Result<T>) -> Result<T, RunError> {
        reading.map_err(|error| {
            // The event of its end may come a little later than its end.
            let soon = Instant::now() + Duration::from_secs(1);
            match self.next_event(soon, &[true], "could not be measured") {
                Ok(event) => self.unexpected(&event),
                Err(RunError::Worker(_)) => RunError::System(error),
                Err(error) => error,
            }
        })
    }

    /// What a worker did instead of what the protocol asks for.
    fn unexpected(&mut self, event: &WorkerEvent) -> RunError {
        const SHOWN: usize = 60;
        let WorkerEvent { worker, output, .. } = event;
        if let WorkerOutput::Eof = output {
            // It ends by itself: wait for its exit status.
            let what = match self.wait_for_exit(*worker, Instant::now() + Duration::from_secs(1)) {
                Ok(status) => format!("worker {worker} ended early with {status}"),
                Err(_) => format!("worker {worker} closed its stdout early"),
            };
            return worker_error(what, self.pool.kill(*worker));
        }
        let what = match output {
            WorkerOutput::Line(line) => {
                line.chars().take(SHOWN).collect::<String>().escape_debug().to_string()
            }
            _ => "something that is not a line of text".to_owned(),
        };
        let what = format!("worker {worker} does not speak the protocol, it printed: {what}");
        worker_error(what, self.pool.kill(*worker))
    }
}
