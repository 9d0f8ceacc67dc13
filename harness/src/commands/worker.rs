//! `inflight worker`: execute a plan.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::models;
use crate::worker;

/// Execute the plan on stdin: set up, wait for `go`, fetch, print the samples
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn work(_: &Args) -> Result<ExitCode> {
    // Where it is refused the lower limit holds, and connections beyond it fail as such.
    let _ = mock_target::raise_descriptor_limit();
    worker::work(io::BufReader::new(io::stdin()), io::stdout(), |plan, setup| {
        let run = models::find(&plan.model, &plan.client)
            .with_context(|| format!("no model `{}` with client `{}` here", plan.model, plan.client))?;
        run(plan, setup)
    })?;
    Ok(ExitCode::SUCCESS)
}
