//! The worker's side of a run: from a plan on stdin to samples on stdout.
//!
//! A model goes through three states, each reached only from the one before: a [`Gate`] while it
//! sets itself up, a [`Go`] while it fetches, and [`Finished`] when it has told. So no model can
//! forget to wait for `go`, or to tell.

pub mod protocol;
pub mod recorder;

use std::io::{BufRead, BufWriter, Write};

use anyhow::{Context, Result, bail};

use crate::worker::protocol::{DONE, GO, PROTOCOL, Plan, Ready};
use crate::worker::recorder::Recorder;

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
    let gate = Gate { recorder: Recorder::of(&plan), input: Box::new(input), output: Box::new(output) };
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
    recorder: Recorder,
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
}

impl Gate {
    /// What times and records the requests of this run. Its clock stands still until `go`.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Says that everything is set up, and waits for `go`. `runtime` says how many threads there are, all of
    /// the process counted, as in `3 threads`.
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
        self.recorder.start();
        Ok(Go { recorder: self.recorder, input: self.input, output: self.output })
    }
}

/// A model that is fetching.
pub struct Go {
    recorder: Recorder,
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
}

impl Go {
    /// Says that the last response is in, waits until the harness has read its meters, and hands
    /// over what was recorded.
    ///
    /// # Errors
    /// When the harness is gone.
    pub fn done(mut self) -> Result<Finished> {
        writeln!(self.output, "{DONE}")?;
        self.output.flush()?;
        while self.input.read_line(&mut String::new())? > 0 {}
        let mut output = BufWriter::new(self.output);
        for sample in self.recorder.samples() {
            serde_json::to_writer(&mut output, &sample)?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
        Ok(Finished(()))
    }
}

/// A model that has told its samples. Only [`Go::done`] makes one.
pub struct Finished(());
