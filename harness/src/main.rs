//! `inflight`: which concurrency model should fetch your URLs, and what will it cost?

use std::process::ExitCode;

fn main() -> ExitCode {
    inflight::commands::main(std::env::args_os())
}
