//! An inflight in which one contender was made worse on purpose, to see that a gate finds it. It is the program
//! itself in everything else.
//!
//! `PLANTED` says which contender, what, and how much:
//!
//! ```text
//! PLANTED='tokio:128 spin 300'       go round a loop 300 times for every request
//! PLANTED='tokio:128 allocate 1'     allocate memory once for every request
//! PLANTED='tokio:128 connect 1'      open one connection more in a run
//! ```
//!
//! All of it is done after the last response and before `done`, which only this place can reach in any model.

use std::env;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use inflight::protocol::{DONE, Plan};
use inflight::{commands, models, worker};

fn main() -> ExitCode {
    let is_worker = env::args().nth(1).is_some_and(|word| word == "worker");
    let planted = env::var("PLANTED").ok().filter(|_| is_worker);
    match planted.map(|planted| work(&planted)) {
        None => commands::main(env::args_os()),
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("planted: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A worker that does more than it should, where its contender is the one.
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
    let extra = match what {
        _ if plan.contender != contender => Extra::Nothing,
        "spin" => Extra::Spin(amount * requests),
        "allocate" => Extra::Allocate(amount * requests),
        "connect" => Extra::Connect(amount, authority(&plan)?.to_owned()),
        other => bail!("nothing is known of {other}"),
    };
    let output = Planted { output: io::stdout(), extra };
    worker::work(Cursor::new(line).chain(input), output, |plan, gate| {
        models::find(&plan.model, &plan.client).context("no such model")?(plan, gate)
    })
}

fn authority(plan: &Plan) -> Result<&str> {
    plan.url_prefix.split('/').nth(2).context("a URL has an authority")
}

/// What is done once, and then nothing.
enum Extra {
    Nothing,
    Spin(u64),
    Allocate(u64),
    Connect(u64, String),
}

impl Extra {
    fn do_it(self) -> io::Result<()> {
        match self {
            Extra::Nothing => {}
            Extra::Spin(times) => _ = black_box((0..times).fold(0_u64, |sum, n| black_box(sum + n))),
            Extra::Allocate(times) => (0..times).for_each(|_| drop(black_box(Box::new(0_u8)))),
            Extra::Connect(times, authority) => {
                for _ in 0..times {
                    TcpStream::connect(&authority)?;
                }
            }
        }
        Ok(())
    }
}

/// A worker's output, before whose `done` the extra is done.
struct Planted<O> {
    output: O,
    extra: Extra,
}

impl<O: Write> Write for Planted<O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(DONE.as_bytes()) {
            std::mem::replace(&mut self.extra, Extra::Nothing).do_it()?;
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
