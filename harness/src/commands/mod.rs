//! The command line: one file a subcommand.

mod become_other;
mod doctor;
mod externals;
mod gate;
mod history;
mod interrupt;
mod lineup;
mod list;
mod output;
mod page;
mod plan;
mod report;
mod run;
mod scenario_args;
mod serve;
mod setup;
mod worker;

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};
use inflight_report::tables::terminal::Screen;

use crate::contender::external::shell_line;

/// Which concurrency model should fetch your URLs, with how many in flight, and what will it cost?
///
/// Without a command, `inflight` does what `inflight run` does.
#[derive(Parser)]
#[command(name = "inflight", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Doctor(doctor::Args),
    Report(report::Args),
    Gate(gate::Args),
    History(history::Args),
    List(list::Args),
    Setup(setup::Args),
    Serve(serve::Args),
    Plan(plan::Args),
    Worker(worker::Args),
}

/// The race finished, and a contender has no valid run.
const NOTHING_VALID: u8 = 1;

/// The machine does not permit an answer: a gate is inconclusive, or a contender of a race was disturbed in every run.
const INCONCLUSIVE: u8 = 3;

/// The file of `--check` differs from what the record gives.
const STALE: u8 = 1;

/// Wrong use, or an error.
const FAILED: u8 = 2;

/// Runs the program with `args`, the program's name first.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|word| word == "become") {
        return match become_other::Args::try_parse_from(&args[1..]) {
            Ok(args) => become_other::become_other(&args).unwrap_or_else(|error| fail(&error)),
            Err(error) => refuse(&error),
        };
    }
    let command = match Cli::try_parse_from(args) {
        Ok(cli) => cli.command.unwrap_or_else(|| Command::Run(run::Args::default())),
        Err(error) => return refuse(&error),
    };
    // A panic is reported like any other error: in one line, which it has printed, and with this exit code.
    panic::catch_unwind(AssertUnwindSafe(|| execute(command))).unwrap_or(ExitCode::from(FAILED))
}

fn execute(command: Command) -> ExitCode {
    let result = match command {
        Command::Run(args) => run::run(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Report(args) => report::report(&args),
        Command::Gate(args) => gate::gate(&args),
        Command::History(args) => history::history(&args),
        Command::List(args) => list::list(&args),
        Command::Setup(args) => setup::setup(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Plan(args) => plan::plan(&args),
        Command::Worker(args) => worker::work(&args),
    };
    result.unwrap_or_else(|error| fail(&error))
}

/// Runs the program as worker or target if it was started as one, and returns otherwise. A program
/// that starts races through this library must call it first.
pub fn main_if_child() -> Option<ExitCode> {
    let role = env::args_os().nth(1)?;
    ["worker", "become", "serve"].iter().any(|known| role == *known).then(|| main(env::args_os()))
}

/// One line on stderr, causes included.
fn fail(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS; // the reader of the output has closed it
    }
    let line: Vec<String> = error.chain().map(ToString::to_string).collect();
    say_error(&line.join(": "));
    ExitCode::from(FAILED)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let of_json = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        of_io.or_else(of_json) == Some(io::ErrorKind::BrokenPipe)
    })
}

/// Help and version as clap prints them; an error as one line.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => {
            let line =
                if asks_for_a_server(error) { NO_SERVER.to_owned() } else { one_line(&error.to_string()) };
            say_error(&line);
            ExitCode::from(FAILED)
        }
    }
}

/// Advice for measuring a server of the user's own.
const NO_SERVER: &str = "contenders race against the mock target, whose delays are known: give it those of your \
    server with --latency file:FILE and --body SIZE, or test a client of your own against `inflight serve`";

/// Whether the unknown argument was meant to name a server.
fn asks_for_a_server(error: &clap::Error) -> bool {
    let ContextValue::String(argument) = error.get(ContextKind::InvalidArg).unwrap_or(&ContextValue::None)
    else {
        return false;
    };
    error.kind() == ErrorKind::UnknownArgument && ["--url", "--target", "--host"].contains(&argument.as_str())
}

/// The error message of clap and its tips, without its usage.
fn one_line(rendered: &str) -> String {
    let lines: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"))
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let line = lines.join("; ").replace(":; ", ": ");
    format!("{} (see `inflight --help`)", line.strip_prefix("error: ").unwrap_or(&line))
}

fn say_error(line: &str) {
    // Nothing can be done if stderr is closed; the exit code remains.
    let _ = writeln!(io::stderr(), "inflight: {line}");
}

/// `inflight` with `words` after it, as a shell reads them.
fn command_line(words: impl IntoIterator<Item = String>) -> String {
    shell_line(&["inflight".to_owned()].into_iter().chain(words).collect::<Vec<_>>())
}

/// The width and colours for a table on stdout. A file or a pager gets no colours, and a width that takes nearly
/// every column and fits most screens. `NO_COLOR` switches colours off, as
/// <https://no-color.org> specifies.
fn screen() -> Screen {
    const NOT_A_TERMINAL: usize = 160;
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return Screen { width: NOT_A_TERMINAL, colours: false };
    }
    let columns = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    Screen { width: if columns > 0 { columns } else { NOT_A_TERMINAL }, colours: !refused && !dumb }
}

/// Prints the output of a command. A closed stdout does not change the exit code.
fn show(text: &str) -> Result<()> {
    match print(text) {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        printed => printed.context("cannot write to stdout"),
    }
}

/// Writes to stdout; a closed one is an error, not a panic.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_argument_gives_one_line_with_a_tip() {
        let error = Cli::try_parse_from(["inflight", "run", "--round", "3"]).err().unwrap();
        let line = one_line(&error.to_string());
        assert!(!line.contains('\n'));
        assert!(line.starts_with("unexpected argument '--round' found"), "{line}");
        assert!(line.contains("--rounds"), "{line}");
    }
}
