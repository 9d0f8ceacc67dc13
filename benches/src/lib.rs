//! What the benches share: how they begin and end, and benchmarks that may fail.
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

pub use args::Asked;
pub use fallible_group::{Fallible, timed};

/// Runs `benches` with `settings`, which the command line may overrule, and ends with the table of what was
/// measured.
pub fn main(settings: Criterion, benches: impl FnOnce(&mut Criterion, &Asked) -> Result<()>) -> ExitCode {
    let begun = SystemTime::now();
    // Plots of all benchmarks would take longer than the benchmarks.
    let mut criterion = settings.without_plots().configure_from_args();
    // What criterion cannot read it has refused by now.
    let asked = Asked::of(env::args().skip(1));
    let result = benches(&mut criterion, &asked);
    criterion.final_summary();
    if asked.measures() {
        // Who closed our output has seen enough.
        let _ = io::stdout().write_all(summary::since(begun).as_bytes());
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
