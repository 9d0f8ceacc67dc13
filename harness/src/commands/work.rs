//! `inflight worker`: carry out a plan.

use std::io;
use std::process::ExitCode;

use anyhow::Result;

use crate::worker;

/// Carry out the plan on stdin: set up, wait for `go`, fetch, tell the samples
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn work(_: &Args) -> Result<ExitCode> {
    worker::work(io::BufReader::new(io::stdin()), io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
