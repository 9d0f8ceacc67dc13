//! A worker whose cost is known, for tests of the meters. It is also an example of a model in a program of its own.
//!
//! It fetches one URL at a time, and between `go` and `done` does what its arguments say:
//!
//! ```text
//! known_answer burn 100             use 100 ms of CPU
//! known_answer children 100         use 100 ms of CPU, and as much in each of two children
//! known_answer ended-children 100   use 100 ms of CPU in each of two children that end before `done`
//! known_answer orphans 100          use 100 ms of CPU in each of two grandchildren that outlive their parent; one of
//!                                   them ends before `done`
//! known_answer touch 64             touch 64 MiB of memory
//! known_answer touch-in-setup 64    touch 64 MiB of memory and free it before `go`
//! known_answer hold 64              have as many requests in flight as the plan allows, with 64 KiB of memory for each;
//!                                   128 MiB were touched and freed before `go`
//! known_answer sleep 200            sleep 200 times
//! known_answer yield 200            yield the CPU 200 times to a second thread that yields it back
//! known_answer reread 200           touch 200 pages of a file, none of which is in memory
//! known_answer system-call 200      make 200 system calls
//! known_answer allocate 200         allocate memory 200 times
//! known_answer spin 200             iterate a loop 200 times
//! known_answer threads 50           have 50 more threads
//! known_answer files 50             have 50 more open files
//! known_answer early 2              fetch the URLs 2 times before `go` already
//! ```

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use inflight::worker::protocol::{Outcome, Plan};
use inflight::worker::recorder::Request;
use inflight::worker::{Done, Setup, work};
use nix::time::{ClockId, clock_gettime};
use rustix::fs::{Advice, fadvise};
use rustix::process::getppid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, amount] = args.as_slice() else { bail!("usage: known_answer WHAT AMOUNT") };
    let amount: u64 = amount.parse()?;
    let (input, output) = (BufReader::new(io::stdin()), io::stdout());
    match what.as_str() {
        "child" => burn_and_wait(Duration::from_millis(amount)),
        "parent" => orphan_child(amount),
        "hold" => work(input, output, |plan, setup| hold(plan, setup, amount << 10)),
        _ => work(input, output, |plan, setup| known_answer(plan, setup, what, amount)),
    }
}

fn known_answer(plan: &Plan, setup: Setup, what: &str, amount: u64) -> Result<Done> {
    let agent = ureq::Agent::new_with_defaults();
    let fetch = |id| {
        let response = agent.get(format!("{}{id}", plan.url_prefix)).call();
        let body = response.and_then(|mut response| response.body_mut().read_to_vec());
        Outcome::response(200, &body.unwrap_or_default())
    };
    let recorder = setup.recorder();
    match what {
        "early" => (0..amount).for_each(|_| plan.ids.iter().for_each(|&id| _ = fetch(id))),
        "touch-in-setup" => drop(black_box(vec![1_u8; (amount << 20) as usize])),
        _ => {}
    }
    let running = setup.ready("std", "ureq")?;

    let (mut memory, mut files, mut children) = (Vec::new(), Vec::new(), Vec::new());
    match what {
        "burn" => burn(Duration::from_millis(amount))?,
        "children" => {
            children = vec![start("child", amount)?, start("child", amount)?];
            burn(Duration::from_millis(amount))?;
            children.iter_mut().try_for_each(wait_until_done)?;
        }
        "ended-children" => {
            let mut ended = [start("child", amount)?, start("child", amount)?];
            ended.iter_mut().try_for_each(wait_until_done)?;
            ended.into_iter().try_for_each(wait_for_end)?;
        }
        "orphans" => {
            for _ in 0..2 {
                let mut parent = start("parent", amount)?;
                wait_until_done(&mut parent)?;
                children.push(parent);
            }
            wait_for_end(children.swap_remove(0))?;
        }
        "sleep" => (0..amount).for_each(|_| thread::sleep(Duration::from_millis(1))),
        "yield" => yield_to_another(amount)?,
        "reread" => files = vec![reread(amount)?],
        "system-call" => (0..amount).for_each(|_| _ = black_box(getppid())),
        "allocate" => (0..amount).for_each(|_| drop(black_box(Box::new(0_u8)))),
        "spin" => _ = black_box((0..amount).fold(0_u64, |sum, n| black_box(sum + n))),
        "threads" => (0..amount).for_each(|_| drop(thread::spawn(thread::park))),
        "files" => files = (0..amount).map(|_| File::open("/dev/null")).collect::<io::Result<_>>()?,
        "touch" => memory = vec![1_u8; (amount << 20) as usize],
        "early" | "touch-in-setup" => {}
        other => bail!("unknown argument {other}"),
    }
    plan.ids.iter().for_each(|&id| recorder.time(id, thread::sleep, || fetch(id)));
    let done = running.done();
    drop((memory, files)); // held until the meters were read
    children.into_iter().try_for_each(wait_for_end)?;
    done
}

/// Sends as many requests as may be in flight, each with `held_bytes` of memory until its response is received, then
/// reads the responses, until there are no more URLs. All other memory, and more than the requests hold, is touched
/// before `go`: so a peak since the start of the program does not show the requests.
fn hold(plan: &Plan, setup: Setup, held_bytes: u64) -> Result<Done> {
    let address = plan.url_prefix.strip_prefix("http://").context("the target speaks HTTP")?;
    let (address, path) = address.split_once('/').context("a URL has a path")?;
    let recorder = setup.recorder();
    let connections = (0..plan.in_flight).map(|_| TcpStream::connect(address));
    let mut connections = connections.collect::<io::Result<Vec<_>>>()?;
    let mut in_flight: Vec<(Request, Vec<u8>)> = Vec::with_capacity(plan.in_flight);
    let (mut head, mut body) = (Vec::with_capacity(1 << 12), [0; 1 << 12]);
    drop(black_box(vec![1_u8; 128 << 20])); // so large that it is unmapped at once (malloc(3))
    let running = setup.ready("std", "sockets")?;
    for ids in plan.ids.chunks(plan.in_flight) {
        for (&id, connection) in ids.iter().zip(&mut connections) {
            in_flight.push((recorder.begin(id), black_box(vec![1; held_bytes as usize])));
            head.clear();
            write!(head, "GET /{path}{id} HTTP/1.1\r\nhost: {address}\r\n\r\n")?;
            connection.write_all(&head)?;
        }
        for ((request, held), connection) in in_flight.drain(..).zip(&mut connections) {
            let length = read_response(connection, &mut head, &mut body)?;
            request.end(Outcome::response(200, &body[..length]));
            drop(black_box(held));
        }
    }
    running.done()
}

/// Reads a response whose body fits into `body`, byte by byte up to the end of its head. Returns the length of the body.
fn read_response(connection: &mut TcpStream, head: &mut Vec<u8>, body: &mut [u8]) -> Result<usize> {
    head.clear();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let lines = std::str::from_utf8(head)?.lines();
    let mut lengths = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let length = lengths.next().context("a response has a length")?;
    connection.read_exact(body.get_mut(..length).context("a body is short")?)?;
    Ok(length)
}

/// Uses CPU until this process has used `amount` more of it.
fn burn(amount: Duration) -> Result<()> {
    let used = || clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
    let enough = used()? + amount;
    while used()? < enough {
        black_box((0..1_000).fold(0_u64, |sum, n| black_box(sum + n)));
    }
    Ok(())
}

/// Two threads on one CPU yield it to each other, until this one has done so `times` times. The other stays alive,
/// since the counts of a thread that ends are lost.
fn yield_to_another(times: u64) -> Result<()> {
    static ENOUGH: AtomicBool = AtomicBool::new(false);
    let mut cpu = CpuSet::new();
    cpu.set(sched_getcpu());
    let everywhere = sched_getaffinity(None)?;
    sched_setaffinity(None, &cpu)?; // inherited by the other
    thread::spawn(|| {
        while !ENOUGH.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        loop {
            thread::park();
        }
    });
    (0..times).for_each(|_| thread::yield_now());
    ENOUGH.store(true, Ordering::Relaxed);
    Ok(sched_setaffinity(None, &everywhere)?)
}

/// Reads a byte of each page of a new file of `pages` pages, after they were dropped from memory. Each is read from
/// the disk by itself, since read-ahead is off.
fn reread(pages: u64) -> Result<File> {
    const PAGE: usize = 4096;
    let beside = std::env::current_exe()?;
    let mut file = tempfile::tempfile_in(beside.parent().context("the program is in a folder")?)?;
    file.write_all(&vec![1; pages as usize * PAGE])?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    // SAFETY: the file has no name, so that no other process can change it while it is mapped.
    let map = unsafe { memmap2::Mmap::map(&file) }?;
    map.advise(memmap2::Advice::Random)?;
    black_box(map.iter().step_by(PAGE).fold(0_u64, |sum, byte| sum + u64::from(*byte)));
    Ok(file)
}

fn start(what: &str, amount: u64) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .args([what, &amount.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?)
}

/// A child prints one line when it has used its CPU, and stays until its stdin closes.
fn burn_and_wait(amount: Duration) -> Result<()> {
    burn(amount)?;
    println!("done");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Starts a child with this process's own stdin and stdout, and ends.
fn orphan_child(amount: u64) -> Result<()> {
    Command::new(std::env::current_exe()?).args(["child", &amount.to_string()]).spawn()?;
    Ok(())
}

/// Closes a child's stdin, and waits until it and all other processes that hold its stdout have ended.
fn wait_for_end(mut child: Child) -> Result<()> {
    child.wait()?; // closes its stdin first
    io::copy(child.stdout.as_mut().context("stdout is piped")?, &mut io::sink())?;
    Ok(())
}

fn wait_until_done(child: &mut Child) -> Result<()> {
    let stdout = child.stdout.as_mut().context("stdout is piped")?;
    io::BufRead::read_line(&mut BufReader::new(stdout), &mut String::new())?;
    Ok(())
}
