//! One run: spawn, ready, go, done.

mod fault;

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use inflight_report::record::{CpuMethod, HarnessLateness, LoopFigures, Noise, Usage};
use mock_target::{LoopStats, Stats};

pub use self::fault::Fault;
use self::fault::{also_late, fault};
use crate::runner::worker_pool::{Crew, Event, Launch, Said};
use crate::meter::{
    Callgrind, Counters, Group, Heartbeat, Moment, Quotas, Seen, SystemCalls, Throttled, Tree, Watch,
};
use crate::machine::placement::Cpus;
use crate::worker::protocol::{DONE, GO, Plan, Ready, Sample};
use crate::verdict::target_limit;

/// How long a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From spawn until all workers are ready, and again from `done` until they have told and exited.
    pub setup: Duration,
    /// From `go` until all workers are done.
    pub wall: Duration,
}

/// What a run is measured with besides what every system has.
#[derive(Default)]
pub struct Meters<'a> {
    /// A group for the workers. It ends with the run.
    pub group: Option<Group>,
    /// Count system calls, where that can be done, at the expense of the time that they take.
    pub system_calls: bool,
    /// Count instructions and allocations of workers that were launched under it.
    pub callgrind: Option<&'a Callgrind>,
}

/// What came of a run that reached its end.
#[derive(Clone, Debug)]
pub struct Finish {
    /// What each worker says of itself; the first one's, all being alike.
    pub ready: Ready,
    /// Each worker's samples.
    pub samples: Vec<Vec<Sample>>,
    /// When `go` was told, by the clock of [`mock_target::monotonic_ns`].
    pub go_at_ns: u64,
    /// From spawn until all workers were ready.
    pub startup_ns: u64,
    /// From `go` until the last worker's `done`.
    pub wall_ns: u64,
    /// CPU of the workers' trees in that time.
    pub cpu_ns: u64,
    /// How that was learnt.
    pub cpu_method: CpuMethod,
    /// What else the trees used in that time.
    pub usage: Usage,
    /// What disturbed the run in that time.
    pub noise: Noise,
    /// How late the harness itself was.
    pub harness: HarnessLateness,
    /// The control groups whose CPU quota stopped something of the run in that time.
    pub(crate) throttled: Vec<Throttled>,
    /// Memory of the trees before `go`.
    pub ready_memory_bytes: u64,
    /// Peak of memory between `go` and `done`, and the course of the run.
    pub seen: Seen,
    /// CPU of the target between `go` and `done`.
    pub target_cpu_ns: u64,
    /// What each of the target's event loops used in that time.
    pub target_loops: Vec<LoopFigures>,
    /// What the target had seen before `go`.
    pub target_before: Stats,
    /// What the target had seen at `done`.
    pub target_after: Stats,
}

/// Who looks on while a run goes on. It is asked about every tenth of a second.
pub trait Onlooker {
    /// Called while the workers fetch.
    fn look(&mut self);
    /// Whether the user asked to stop.
    fn interrupted(&self) -> bool;
    /// Whether the target is still there.
    fn target_alive(&mut self) -> bool;
    /// What the target has seen so far.
    ///
    /// # Errors
    /// With the reason why it does not say.
    fn target_stats(&mut self) -> Result<Stats, String>;
    /// What the target's event loops used so far.
    ///
    /// # Errors
    /// As [`Onlooker::target_stats`].
    fn target_loops(&mut self) -> Result<Vec<LoopStats>, String>;
}

/// Carries out `plans`, one in a process of its own, confined to `cpus` if there are any, and measures it
/// with `meters`.
///
/// # Errors
/// With a [`Fault`]; by then no process of the run is left.
pub fn race(
    launch: &Launch,
    cpus: Option<&Cpus>,
    meters: Meters<'_>,
    plans: &[Plan],
    target_pid: u32,
    limits: Limits,
    onlooker: &mut dyn Onlooker,
) -> Result<Finish, Fault> {
    let lines = plans.iter().map(|plan| serde_json::to_string(plan).map(|line| line + "\n"));
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let heartbeat = Heartbeat::start()?;
    let (crew, started) = Crew::start(launch, cpus, lines, meters.group)?;
    let mut run = Run { crew, onlooker };

    let setup_ends = started + limits.setup;
    let (ready, last_ready) = run.wait_for_all(setup_ends, "was not ready", parse_ready)?;
    let (workers, target) = (run.crew.tree(), Tree::of(&[target_pid]));
    run.wait_until_plans_are_read(setup_ends)?;
    let ready_memory_bytes = run.metered(workers.memory_bytes())?;
    let watch = Watch::prepare(&workers);
    let mut system_calls = if meters.system_calls { workers.system_calls().ok() } else { None };
    if let Some(callgrind) = meters.callgrind {
        run.metered(callgrind.begin(&workers))?;
    }
    let counters_before = run.metered(Counters::read(&workers))?;
    let quotas = Quotas::of(&[&[std::process::id(), target_pid], &run.crew.pids()[..]].concat());
    let listeners_before_ns = run.crew.listeners_waited_ns();
    let target_before = run.target_stats()?;
    let loops_before = run.target_loops()?;
    let target_before_ns = target.cpu_ns().map_err(|_| Fault::TargetDied)?;
    let before = Moment::read();
    let cpu_before = run.metered(workers.cpu_time())?;

    let watch = watch.begin()?;
    if let Some(calls) = &mut system_calls {
        calls.begin()?;
    }
    let (go_at, go_at_ns) = (Instant::now(), mock_target::monotonic_ns());
    let told = run.crew.tell(GO);
    let last_go_at = run.metered(told)?;
    let (_, last_done) =
        run.wait_for_all(go_at + limits.wall, "was not done", |line| (line == DONE).then_some(()))?;

    let listener = last_done.worker;
    let waited_ns = run.crew.listeners_waited_ns()[listener].zip(listeners_before_ns[listener]);
    let system_calls = system_calls.map(SystemCalls::end).transpose()?;
    let cpu_after = run.metered(workers.cpu_time())?;
    let target_after_ns = target.cpu_ns().map_err(|_| Fault::TargetDied)?;
    let after = Moment::read();
    let throttled = quotas.throttled_since();
    let harness = HarnessLateness {
        go_spread_ns: nanoseconds(last_go_at - go_at),
        done_waited_ns: waited_ns.map(|(after_ns, before_ns)| after_ns - before_ns),
        stood_still_ns: heartbeat.finish(),
    };
    let counters_after = run.metered(Counters::read(&workers))?;
    let loops_after = run.target_loops()?;
    let target_after = run.target_stats()?;
    let seen = run.metered(watch.finish(go_at))?;
    let executed = meters.callgrind.map(|callgrind| callgrind.end(&workers));
    let executed = executed.map(|counted| run.metered(counted)).transpose()?;
    let (cpu_ns, cpu_parts) = cpu_after.since(&cpu_before).ok_or_else(|| {
        Fault::Worker("a process left the workers' tree during the run, and its CPU with it".to_owned())
    })?;

    run.crew.close_stdin();
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

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

fn parse_ready(line: &str) -> Option<Ready> {
    serde_json::from_str(line).ok().filter(|ready: &Ready| ready.ready)
}

struct Run<'a> {
    crew: Crew,
    onlooker: &'a mut dyn Onlooker,
}

impl Run<'_> {
    /// Waits until every worker has said the one line that `parse` understands. Gives what was
    /// understood, by worker, and the last that was heard.
    fn wait_for_all<T>(
        &mut self,
        deadline: Instant,
        late: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<(Vec<T>, Event), Fault> {
        let mut heard: Vec<Option<T>> = self.crew.pids().iter().map(|_| None).collect();
        loop {
            let waited_for: Vec<bool> = heard.iter().map(Option::is_none).collect();
            let event = self.next_event(deadline, &waited_for, late)?;
            let word = match &event.said {
                Said::Line(line) if heard[event.worker].is_none() => parse(line),
                _ => None,
            };
            let Some(word) = word else { return Err(self.unexpected(&event)) };
            heard[event.worker] = Some(word);
            if heard.iter().all(Option::is_some) {
                return Ok((heard.into_iter().flatten().collect(), event));
            }
        }
    }

    /// Reads samples until every worker has closed its stdout and exited with 0.
    fn collect_samples(&mut self, plans: &[Plan], deadline: Instant) -> Result<Vec<Vec<Sample>>, Fault> {
        let mut samples: Vec<Vec<Sample>> =
            plans.iter().map(|plan| Vec::with_capacity(plan.ids.len())).collect();
        let mut telling = vec![true; plans.len()];
        while telling.contains(&true) {
            let event = self.next_event(deadline, &telling, "did not finish telling its samples")?;
            match &event.said {
                Said::Eof => telling[event.worker] = false,
                Said::Line(line) => match serde_json::from_str(line) {
                    // Twice as many as asked for is more than any honest mistake.
                    Ok(sample) if samples[event.worker].len() <= 2 * plans[event.worker].ids.len() => {
                        samples[event.worker].push(sample);
                    }
                    _ => return Err(self.unexpected(&event)),
                },
                Said::Nonsense => return Err(self.unexpected(&event)),
            }
        }
        for worker in 0..plans.len() {
            let status = self.wait_for_exit(worker, deadline)?;
            if !status.success() {
                let words = self.crew.last_words(worker);
                return Err(fault(format!("worker {worker} ended with {status}"), words));
            }
        }
        Ok(samples)
    }

    /// The next thing a worker says; meanwhile the onlooker has its looks. When the time is up, those that are
    /// `waited_for` are named.
    fn next_event(&mut self, deadline: Instant, waited_for: &[bool], late: &str) -> Result<Event, Fault> {
        const LOOK_EVERY: Duration = Duration::from_millis(100);
        // The time may be up because this process was held up: what was said meanwhile is heard first.
        let mut is_time_up = false;
        loop {
            if self.onlooker.interrupted() {
                return Err(Fault::Interrupted);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.crew.next_event(if is_time_up { LOOK_EVERY } else { left.min(LOOK_EVERY) }) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Disconnected) => unreachable!("every worker's last event is its end"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if !self.onlooker.target_alive() {
                return Err(Fault::TargetDied);
            }
            if let Some(event) = self.crew.silent_end() {
                return Err(self.unexpected(&event));
            }
            if is_time_up {
                let late_ones: Vec<usize> =
                    (0..waited_for.len()).filter(|&worker| waited_for[worker]).collect();
                let [first, others @ ..] = &late_ones[..] else { unreachable!("somebody is waited for") };
                let words = self.crew.end(*first);
                return Err(fault(format!("worker {first} {late} in time{}", also_late(others)), words));
            }
            is_time_up = Instant::now() >= deadline;
            self.onlooker.look();
        }
    }

    fn target_stats(&mut self) -> Result<Stats, Fault> {
        let answer = self.onlooker.target_stats();
        self.answered(answer)
    }

    fn target_loops(&mut self) -> Result<Vec<LoopStats>, Fault> {
        let answer = self.onlooker.target_loops();
        self.answered(answer)
    }

    fn answered<T>(&mut self, answer: Result<T, String>) -> Result<T, Fault> {
        answer.map_err(|reason| match self.onlooker.target_alive() {
            true => Fault::NoLedger(reason),
            false => Fault::TargetDied,
        })
    }

    /// A worker that says that it is ready has read its plan, if it is honest.
    fn wait_until_plans_are_read(&mut self, deadline: Instant) -> Result<(), Fault> {
        while let Some(worker) = self.crew.plan_unread() {
            self.pause(deadline, || {
                format!("worker {worker} said that it was ready, and did not read its plan")
            })?;
        }
        Ok(())
    }

    fn wait_for_exit(&mut self, worker: usize, deadline: Instant) -> Result<ExitStatus, Fault> {
        loop {
            if let Some(status) = self.crew.exit_status(worker)? {
                return Ok(status);
            }
            self.pause(deadline, || format!("worker {worker} did not exit"))?;
        }
    }

    /// Waits a moment for something that is about to happen.
    fn pause(&mut self, deadline: Instant, late: impl FnOnce() -> String) -> Result<(), Fault> {
        const A_MOMENT: Duration = Duration::from_millis(1);
        if self.onlooker.interrupted() {
            return Err(Fault::Interrupted);
        }
        if Instant::now() > deadline {
            return Err(fault(late(), None));
        }
        thread::sleep(A_MOMENT);
        Ok(())
    }

    /// A reading of the workers; where there is none, because one of them has ended, what that one did.
    fn metered<T>(&mut self, reading: io::Result<T>) -> Result<T, Fault> {
        reading.map_err(|error| {
            // Its end may be heard a little later than it is seen.
            let soon = Instant::now() + Duration::from_secs(1);
            match self.next_event(soon, &[true], "could not be measured") {
                Ok(event) => self.unexpected(&event),
                Err(Fault::Worker(_)) => Fault::System(error),
                Err(fault) => fault,
            }
        })
    }

    /// What a worker did instead of what the protocol asks for.
    fn unexpected(&mut self, event: &Event) -> Fault {
        const SHOWN: usize = 60;
        let Event { worker, said, .. } = event;
        if let Said::Eof = said {
            // It is on its way out by itself: give it the time to say how.
            let status = self.wait_for_exit(*worker, Instant::now() + Duration::from_secs(1));
            let words = self.crew.end(*worker);
            return fault(
                match status {
                    Ok(status) => format!("worker {worker} ended early with {status}"),
                    Err(_) => format!("worker {worker} closed its stdout early"),
                },
                words,
            );
        }
        let words = self.crew.end(*worker);
        let what = match said {
            Said::Line(line) => line.chars().take(SHOWN).collect::<String>().escape_debug().to_string(),
            _ => "something that is not a line of text".to_owned(),
        };
        fault(format!("worker {worker} does not speak the protocol, it said: {what}"), words)
    }
}
