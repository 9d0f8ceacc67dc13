//! The worker's side of a run: from a plan on stdin to samples on stdout, under every concurrency model.
//!
//! It is a crate of its own since it is what is measured: it is optimised as a user's program would be, and compiles
//! beside the rest.
//!
//! A model goes through three states, each reached only from the one before: [`Setup`] while it sets itself up,
//! [`Running`] while it fetches, and [`Done`] when its samples are written. So no model can forget to wait for
//! `go`, or to write its samples.
#![forbid(unsafe_code)]

pub mod clients;
pub mod models;
pub mod protocol;
pub mod recorder;

use std::io::{BufRead, BufWriter, Write};

use anyhow::{Context, Result, bail};

use protocol::{DONE, GO, PROTOCOL, Plan, Ready};
use recorder::Recorder;

/// Reads the plan at the start of `input` and executes it with `run`.
///
/// # Errors
/// On a plan that cannot be parsed, a runtime that cannot be set up, or an `input` that ends
/// before `go`.
pub fn work(
    mut input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
    run: impl FnOnce(&Plan, Setup) -> Result<Done>,
) -> Result<()> {
    end_with_parent();
    let plan = read_plan(&mut input)?;
    let setup = Setup { recorder: Recorder::of(&plan), input: Box::new(input), output: Box::new(output) };
    run(&plan, setup).map(|Done(())| ())
}

/// Asks the kernel to kill this process when its parent dies, however that happens. A program that replaces it inherits
/// this.
pub fn end_with_parent() {
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
        bail!("the plan does not give a due time for each id");
    }
    Ok(plan)
}

/// A model that is setting itself up.
pub struct Setup {
    recorder: Recorder,
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
}

impl Setup {
    /// Times and records the requests of this run. Its clock starts at `go`.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Reports that everything is set up, and waits for `go`. `runtime` states how many threads there are in the
    /// process, as in `3 threads`.
    ///
    /// # Errors
    /// When the harness is gone, or sends anything else.
    pub fn ready(mut self, runtime: impl Into<String>, client: impl Into<String>) -> Result<Running> {
        let ready = Ready { ready: true, runtime: runtime.into(), client: client.into() };
        writeln!(self.output, "{}", serde_json::to_string(&ready)?)?;
        self.output.flush()?;
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        if line.trim_end() != GO {
            bail!("expected `{GO}` on stdin, got {line:?}");
        }
        self.recorder.start();
        Ok(Running(self))
    }
}

/// A model that is fetching.
pub struct Running(Setup);

impl Running {
    /// Reports that the last response is in, waits until the harness has read its meters, and writes the samples.
    ///
    /// # Errors
    /// When the harness is gone.
    pub fn done(self) -> Result<Done> {
        let Setup { recorder, mut input, mut output } = self.0;
        writeln!(output, "{DONE}")?;
        output.flush()?;
        while input.read_line(&mut String::new())? > 0 {}
        let mut output = BufWriter::new(output);
        for sample in recorder.samples() {
            serde_json::to_writer(&mut output, &sample)?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
        Ok(Done(()))
    }
}

/// A model whose samples are written. Only [`Running::done`] makes one.
pub struct Done(());
