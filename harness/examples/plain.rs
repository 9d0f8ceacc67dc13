//! The program itself, built like the examples: the baseline of `planted`, so that the two differ in nothing but the
//! planted work. Other features of the dependencies would compile to different code.

use std::process::ExitCode;

fn main() -> ExitCode {
    inflight::commands::main(std::env::args_os())
}
