//! `inflight plan`: the plan of one worker, to start it by hand.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::externals::Files;
use super::lineup;
use super::scenario_args::ScenarioArgs;
use crate::contender::limits;
use crate::machine;
use crate::models::EXAMPLE;
use crate::runner::session;
use crate::runner::target;
use crate::workload::Workload;
use crate::workload::rate::Rate;

/// Print the plan of a worker, to start it by hand:
/// (inflight plan CONTENDER; echo go) | inflight worker
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(help = format!("The contender, such as {EXAMPLE}"))]
    contender: String,
    #[command(flatten)]
    files: Files,
    /// Where the target listens, as `inflight serve` prints it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    target: String,
    /// Which of the contender's processes, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    process: u32,
    /// Include the due time of each request, as `inflight run --rate` does
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    #[command(flatten)]
    scenario: ScenarioArgs,
}

pub(super) fn plan(args: &Args) -> Result<ExitCode> {
    let Some(authority) = args.target.strip_prefix("http://") else {
        bail!("`{}` is not the URL of a target: write it as in http://127.0.0.1:8080", args.target);
    };
    let in_flight = args.scenario.preset_in_flight();
    let contender = lineup::contender(&args.files.catalogue()?, &args.contender, in_flight)?;
    limits::check(&contender)?;
    let workload = Workload::of(args.scenario.scenario_of_run(0)?);
    let workload = match args.rate {
        Some(rate) => workload.at_rate(rate),
        None => workload,
    };
    let url_prefix = target::url_prefix(authority.trim_end_matches('/'));
    let plans = session::plans(&contender, &workload, &url_prefix, machine::cores());
    let Some(plan) = plans.get(args.process as usize) else {
        bail!("{contender} has {} processes, numbered from 0: there is no {}", plans.len(), args.process);
    };
    super::print(&(serde_json::to_string(plan)? + "\n"))?;
    if let Some(external) = contender.external() {
        let line = format!("by hand: (inflight plan …; echo go) | {}", external.command_line());
        let _ = writeln!(io::stderr(), "{line}"); // nothing can be done if stderr is closed
    }
    Ok(ExitCode::SUCCESS)
}
