//! `inflight become`: how a worker in another language is started.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::worker::end_with_parent;

/// Replace this process by another program, which may open as many files as a worker and ends with its parent.
///
/// It is no subcommand of the command line that people use: clap would suggest it to them.
#[derive(clap::Parser)]
#[command(name = "inflight become")]
pub(super) struct Args {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

pub(super) fn become_other(args: &Args) -> Result<ExitCode> {
    end_with_parent();
    // Where it is refused the lower limit holds, and connections beyond it fail as such.
    let _ = mock_target::raise_descriptor_limit();
    let program = &args.command[0];
    let error = Command::new(program).args(&args.command[1..]).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
