//! Shared by the benches: argument parsing, benchmarks that can fail, and the table of results.
#![forbid(unsafe_code)]

mod args;
mod fallible_group;
mod summary;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;
use criterion::Criterion;

pub use args::BenchArgs;
pub use fallible_group::{FallibleGroup, timed};

/// Runs `benches` with the defaults `criterion`, which the command line can override, then prints a table of what was
/// measured.
pub fn main(
    criterion: Criterion,
    benches: impl FnOnce(&mut Criterion, &BenchArgs) -> Result<()>,
) -> ExitCode {
    let started = SystemTime::now();
    // Plots of all benchmarks would take longer than the benchmarks.
    let mut criterion = criterion.without_plots().configure_from_args();
    // Criterion has exited by now if it could not parse the arguments.
    let args = BenchArgs::parse(env::args().skip(1));
    let result = benches(&mut criterion, &args);
    criterion.final_summary();
    if args.measures() {
        // A closed pipe is no error.
        let _ = io::stdout().write_all(summary::since(started).as_bytes());
    }
    exit_code(result)
}

/// The exit code for `result`, whose error is printed.
pub fn exit_code(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Benchmarks for tests, which take hardly any time and write to `folder`.
#[cfg(test)]
fn quick_criterion(folder: &std::path::Path) -> Criterion {
    use std::time::Duration;
    Criterion::default()
        .without_plots()
        .output_directory(folder)
        .sample_size(10)
        .nresamples(1_001)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1))
}
