//! Instructions and allocations of a worker under valgrind's tool callgrind.
//!
//! Callgrind executes a program instruction by instruction and counts. On one machine the same program on the
//! same input has the same count to a few thousandths, whatever else runs. The counted interval lies between
//! two commands to its embedded server (Valgrind User Manual, "Callgrind Monitor Commands"): `zero` just before
//! `go`, `dump` right after `done`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Tree;
use crate::process::Launch;

/// The program, and the client of its embedded server.
const VALGRIND: &str = "valgrind";
const VGDB: &str = "vgdb";

/// The allocation functions of the C library, which Rust's standard allocator and most languages call.
const ALLOCATORS: [&str; 6] = ["malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"];

/// Counts what the workers of one run execute.
pub struct Callgrind {
    folder: TempDir,
}

/// What was counted between `go` and `done`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Executed {
    /// Instructions in user space.
    pub(crate) instructions: u64,
    /// Calls of functions that allocate.
    pub(crate) allocations: u64,
}

impl Callgrind {
    /// Why valgrind cannot be used here; `None` where it can.
    pub fn not_offered() -> Option<String> {
        for program in [VALGRIND, VGDB] {
            let mut help = Command::new(program);
            help.arg("--help").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if !help.status().is_ok_and(|status| status.success()) {
                return Some(format!("there is no {program}: install valgrind"));
            }
        }
        None
    }

    /// Prepares to count one run.
    ///
    /// # Errors
    /// When no temporary directory can be made.
    pub fn prepare() -> io::Result<Callgrind> {
        Ok(Callgrind { folder: TempDir::new()? })
    }

    /// The command that starts a worker under callgrind.
    pub fn launch(&self, launch: &Launch) -> Launch {
        let output = format!("--callgrind-out-file={}/%p", self.folder.path().display());
        let own = ["--tool=callgrind", "--trace-children=yes", "--quiet", &output].map(str::to_owned);
        let program = launch.program.display().to_string();
        let args = own.into_iter().chain([program]).chain(launch.args.iter().cloned());
        Launch { program: VALGRIND.into(), args: args.collect() }
    }

    pub(crate) fn begin(&self, workers: &Tree) -> io::Result<()> {
        send_command(workers, "zero")
    }

    /// Stops counting and returns the counts of all `workers`.
    pub(crate) fn end(&self, workers: &Tree) -> io::Result<Executed> {
        send_command(workers, "dump")?;
        let mut all = Executed::default();
        for pid in workers.pids() {
            // The first dump of a process. It writes a second one when it exits.
            let executed = parse(&fs::read_to_string(self.folder.path().join(format!("{pid}.1")))?)?;
            all.instructions += executed.instructions;
            all.allocations += executed.allocations;
        }
        Ok(all)
    }
}

fn send_command(workers: &Tree, command: &str) -> io::Result<()> {
    for pid in workers.pids() {
        let output =
            Command::new(VGDB).args([&format!("--pid={pid}"), command]).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("{VGDB} {command}: {}", stderr.trim())));
        }
    }
    Ok(())
}

/// Parses a profile (Valgrind User Manual, "Callgrind Format Specification"): a name is written out once and
/// referred to by its number afterwards; the line of a call follows the name of the callee.
fn parse(profile: &str) -> io::Result<Executed> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut instructions = None;
    let mut allocations = 0;
    let (mut caller, mut callee) = ("", "");
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            caller = resolve(name, &mut names);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = resolve(name, &mut names);
        } else if let Some(calls) = line.strip_prefix("calls=") {
            // `realloc` of nothing calls `malloc`: that is one allocation.
            if is_allocator(callee) && !is_allocator(caller) {
                allocations +=
                    calls.split(' ').next().and_then(|calls| calls.parse::<u64>().ok()).unwrap_or(0);
            }
        } else if let Some(total) = line.strip_prefix("totals: ") {
            instructions = total.trim().parse().ok();
        }
    }
    let instructions = instructions.ok_or_else(|| io::Error::other("callgrind wrote no total"))?;
    Ok(Executed { instructions, allocations })
}

/// `(12) name` defines a number, `(12)` refers to it.
fn resolve<'a>(text: &'a str, names: &mut HashMap<&'a str, &'a str>) -> &'a str {
    match text.split_once(' ') {
        Some((number, name)) => {
            names.insert(number, name);
            name
        }
        None => names.get(text).copied().unwrap_or(text),
    }
}

/// A name may be followed by a symbol version, and callgrind numbers recursive calls.
fn is_allocator(name: &str) -> bool {
    let bare = name.split(['@', '\'']).next().unwrap_or(name);
    ALLOCATORS.contains(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_allocator_calls_are_counted_once() {
        let profile = "events: Ir\n\nfn=(1) main\n1 10\ncfn=(2) malloc\ncalls=3 0\n1 30\n\
                       cfn=(3) realloc@@GLIBC_2.2.5\ncalls=2 0\n1 5\n\nfn=(3)\n1 5\ncfn=(2)\ncalls=1 0\n1 2\n\
                       fn=(4) other\n1 1\ncfn=(2)\ncalls=4 0\n1 1\ncfn=(5) free\ncalls=9 0\n1 1\n\ntotals: 1234\n";
        let executed = parse(profile).unwrap();
        assert_eq!(executed, Executed { instructions: 1_234, allocations: 3 + 2 + 4 });
        assert!(parse("fn=(1) main\n").is_err());
    }
}
