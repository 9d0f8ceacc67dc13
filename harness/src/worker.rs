//! The worker's side of a run: from a plan on stdin to samples on stdout.
//!
//! A model goes through three states, each reached only from the one before: a [`Gate`] while it
//! sets itself up, a [`Go`] while it fetches, and [`Finished`] when it has told. So no model can
//! forget to wait for `go`, or to tell.

use std::collections::HashMap;
use std::io::{BufRead, BufWriter, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::protocol::{DONE, Fetched, GO, PROTOCOL, Plan, Ready, Sample};

/// Carries out the plan that `input` begins with by `run`.
///
/// # Errors
/// On a plan that cannot be understood, a runtime that cannot be set up, or an `input` that ends
/// before `go`.
pub fn work(
    mut input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
    run: impl FnOnce(&Plan, Gate) -> Result<Finished>,
) -> Result<()> {
    settle_in();
    let plan = read_plan(&mut input)?;
    let gate = Gate { clock: Clock::of(&plan), input: Box::new(input), output: Box::new(output) };
    run(&plan, gate).map(|Finished(())| ())
}

/// What every worker asks of the system first, and what a program that it becomes keeps.
pub(crate) fn settle_in() {
    end_with_parent();
    // Where it is refused the lower limit holds, and connections beyond it fail as such.
    let _ = mock_target::raise_descriptor_limit();
}

/// Asks the kernel to kill this process when its parent dies, however that happens.
fn end_with_parent() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where it is refused a worker ends at the latest when its requests have timed out.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

fn read_plan(input: &mut impl BufRead) -> Result<Plan> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    if line.is_empty() {
        bail!("expected a plan on stdin: `inflight plan CONTENDER` prints one");
    }
    let plan: Plan = serde_json::from_str(&line).context("cannot understand the plan")?;
    if plan.protocol != PROTOCOL {
        bail!("the plan is in protocol {}, this worker speaks {PROTOCOL}", plan.protocol);
    }
    if plan.due_ns.as_ref().is_some_and(|due_ns| due_ns.len() != plan.ids.len()) {
        bail!("the plan does not say of every id when it is due");
    }
    Ok(plan)
}

/// A model that is setting itself up.
pub struct Gate {
    clock: Clock,
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
}

impl Gate {
    /// The clock of this run. It stands still until `go`.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Says that everything is set up, and waits for `go`.
    ///
    /// # Errors
    /// When the harness is gone, or says anything else.
    pub fn ready(mut self, runtime: impl Into<String>, client: impl Into<String>) -> Result<Go> {
        let ready = Ready { ready: true, runtime: runtime.into(), client: client.into() };
        writeln!(self.output, "{}", serde_json::to_string(&ready)?)?;
        self.output.flush()?;
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        if line.trim_end() != GO {
            bail!("expected `{GO}` on stdin, got {line:?}");
        }
        self.clock.start();
        Ok(Go { input: self.input, output: self.output })
    }
}

/// A model that is fetching.
pub struct Go {
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
}

impl Go {
    /// Says that the last response is in, waits until the harness has read its meters, and hands
    /// over the samples.
    ///
    /// # Errors
    /// When the harness is gone.
    pub fn done(mut self, samples: Vec<Sample>) -> Result<Finished> {
        writeln!(self.output, "{DONE}")?;
        self.output.flush()?;
        while self.input.read_line(&mut String::new())? > 0 {}
        let mut output = BufWriter::new(self.output);
        for sample in &samples {
            serde_json::to_writer(&mut output, sample)?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
        Ok(Finished(()))
    }
}

/// A model that has told its samples. Only [`Go::done`] makes one.
pub struct Finished(());

/// Time since `go`, the same for every thread and task of a worker, and the schedule where the plan has
/// one.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Times>);

#[derive(Debug)]
struct Times {
    go: OnceLock<Instant>,
    /// When each id is due; none where the loop is closed.
    due_ns: HashMap<u64, u64>,
}

impl Clock {
    fn of(plan: &Plan) -> Clock {
        let due_ns = plan.due_ns.iter().flatten();
        let due_ns = plan.ids.iter().copied().zip(due_ns.copied()).collect();
        Clock(Arc::new(Times { go: OnceLock::new(), due_ns }))
    }

    fn start(&self) {
        self.0.go.set(Instant::now()).expect("a gate opens once");
    }

    fn elapsed_ns(&self) -> u64 {
        self.0.go.get().expect("fetching begins after `go`").elapsed().as_nanos() as u64
    }

    /// How long it is until `id` is due; `None` once it is, or where the plan has no schedule.
    pub fn until_due(&self, id: u64) -> Option<Duration> {
        let left_ns = self.0.due_ns.get(&id)?.saturating_sub(self.elapsed_ns());
        (left_ns > 0).then(|| Duration::from_nanos(left_ns))
    }

    /// Begins to time a request, which must be due.
    pub fn begin(&self, id: u64) -> Request {
        Request { id, clock: self.clone(), start_ns: self.elapsed_ns() }
    }

    /// Times a blocking fetch. Where the plan has a schedule, the fetch first waits with `sleep` until it
    /// is due.
    pub fn time<F: Into<Fetched>>(
        &self,
        id: u64,
        sleep: impl Fn(Duration),
        fetch: impl FnOnce() -> F,
    ) -> Sample {
        while let Some(wait) = self.until_due(id) {
            sleep(wait);
        }
        let request = self.begin(id);
        request.end(fetch())
    }

    /// Times an async fetch. Where the plan has a schedule, the fetch first waits with `sleep`, which is
    /// the runtime's own, until it is due.
    pub async fn time_async<S: Future, F: Into<Fetched>>(
        &self,
        id: u64,
        sleep: impl Fn(Duration) -> S,
        fetch: impl Future<Output = F>,
    ) -> Sample {
        while let Some(wait) = self.until_due(id) {
            // In a box, so that the tasks of a closed loop are not larger by a timer that they do not use.
            Box::pin(sleep(wait)).await;
        }
        let request = self.begin(id);
        request.end(fetch.await)
    }
}

/// A request that is being timed.
#[derive(Debug)]
pub struct Request {
    id: u64,
    clock: Clock,
    start_ns: u64,
}

impl Request {
    /// The URL.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.clock.elapsed_ns() - self.start_ns)
    }

    /// The request is over.
    pub fn end(self, fetched: impl Into<Fetched>) -> Sample {
        let end_ns = self.clock.elapsed_ns();
        let due_ns = self.clock.0.due_ns.get(&self.id).copied();
        let Fetched { outcome, resent } = fetched.into();
        Sample { id: self.id, due_ns, start_ns: self.start_ns, end_ns, outcome, resent, process: None }
    }
}
