//! The program with one contender, or the target, made slower on purpose, to test that a gate detects it. Everything
//! else is unchanged.
//!
//! `PLANTED` states who is made slower, the kind of work, and the amount:
//!
//! ```text
//! PLANTED='tokio:128 spin 300'       iterate a loop 300 times for every request
//! PLANTED='tokio:128 allocate 1'     allocate memory once for every request
//! PLANTED='tokio:128 connect 1'      open one more connection in a run
//! PLANTED='target burn 1000'         burn a microsecond of CPU for every response of the target
//! ```
//!
//! A contender's work is done after the last response and before `done`, the only point that is the same for every model.

use std::env;
use std::ffi::OsString;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use inflight::worker::protocol::{DONE, Plan};
use inflight::{commands, models, worker};

fn main() -> ExitCode {
    let planted = env::var("PLANTED").unwrap_or_default();
    let mut args: Vec<OsString> = env::args_os().collect();
    let command = args.get(1).cloned().unwrap_or_default();
    if let Some(amount) = planted.strip_prefix("target burn ").filter(|_| command == "serve") {
        let burn = args.iter().position(|word| word == "--burn-ns");
        burn.into_iter().for_each(|at| args[at + 1] = amount.into());
    } else if !planted.is_empty() && command == "worker" {
        return match work(&planted) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("planted: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    commands::main(args)
}

/// Runs a worker, with extra work if it is of the planted contender.
fn work(planted: &str) -> Result<()> {
    let [contender, what, amount] = planted.split(' ').collect::<Vec<_>>()[..] else {
        bail!("PLANTED is CONTENDER spin|allocate|connect AMOUNT")
    };
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let plan: Plan = serde_json::from_str(&line)?;
    let requests = plan.ids.len() as u64;
    let amount: u64 = amount.parse()?;
    let extra: Extra = match what {
        _ if plan.contender != contender => Box::new(|| Ok(())),
        "spin" => Box::new(move || {
            black_box((0..amount * requests).fold(0_u64, |sum, n| black_box(sum + n)));
            Ok(())
        }),
        "allocate" => Box::new(move || {
            (0..amount * requests).for_each(|_| drop(black_box(Box::new(0_u8))));
            Ok(())
        }),
        "connect" => {
            let authority = plan.url_prefix.split('/').nth(2).context("a URL has an authority")?.to_owned();
            Box::new(move || (0..amount).try_for_each(|_| TcpStream::connect(&authority).map(drop)))
        }
        other => bail!("unknown argument {other}"),
    };
    let output = Planted { output: io::stdout(), extra: Some(extra) };
    worker::work(Cursor::new(line).chain(input), output, |plan, setup| {
        models::find(&plan.model, &plan.client).context("no such model")?(plan, setup)
    })
}

/// Work that is done once.
type Extra = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A worker's output, which does the extra work before it writes `done`.
struct Planted<O> {
    output: O,
    extra: Option<Extra>,
}

impl<O: Write> Write for Planted<O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(DONE.as_bytes())
            && let Some(extra) = self.extra.take()
        {
            extra()?;
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
