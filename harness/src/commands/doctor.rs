//! `inflight doctor`: checks this machine.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use mock_target::{Scenario, Server, ServerOptions, units};

use crate::machine;
use crate::machine::doctor::{self, Facts, Spin};
use crate::meter::Cgroup;

/// The machine is not fit for measurements.
const UNFIT: u8 = 1;

/// Check the machine before a race, with advice
///
/// Exit code 1 where a line says `bad`: figures would not be reliable, or not possible at all.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How long to spin on every core to detect other programs
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = spin_length)]
    spin: Duration,
}

const LONGEST_SPIN: Duration = Duration::from_secs(600);

fn spin_length(text: &str) -> Result<Duration, String> {
    let length = units::parse_duration(text).map(Duration::from_nanos).map_err(|error| error.to_string())?;
    if length.is_zero() || length > LONGEST_SPIN {
        return Err("spin for some time, and for at most 10m".to_owned());
    }
    Ok(length)
}

pub(super) fn doctor(args: &Args) -> Result<ExitCode> {
    let facts = Facts {
        cores: machine::physical_cores(),
        settings: machine::settings(),
        no_group: Cgroup::create().err(),
        realtime: is_realtime_granted(),
        cpus: machine::allowed_cpus(),
        spin: Spin::measure(machine::cores(), args.spin),
    };
    let findings = doctor::examine(&facts);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    super::show(&(lines.join("\n") + "\n"))?;
    Ok(if doctor::is_fit(&findings) { ExitCode::SUCCESS } else { ExitCode::from(UNFIT) })
}

/// Asks for real-time priority as a target does.
fn is_realtime_granted() -> bool {
    let options = ServerOptions { realtime: true, ..ServerOptions::default() };
    let quick = Scenario::preset("quick").expect("the preset is there");
    Server::start_with(quick, options).is_ok_and(|server| server.realtime())
}
