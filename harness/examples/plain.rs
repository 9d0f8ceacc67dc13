//! The program itself, built as the examples are: what `planted` is held against, so that nothing but what is
//! planted tells the two apart. Other features of the libraries below would make other code of them.

use std::process::ExitCode;

fn main() -> ExitCode {
    inflight::commands::main(std::env::args_os())
}
