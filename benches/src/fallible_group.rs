//! Benchmarks that can fail, which criterion does not support.

use std::any::Any;
use std::cell::Cell;
use std::hint::black_box;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow, bail};
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

/// A group whose benchmarks can fail. One that fails is skipped with a line on stderr, and the others continue.
pub struct FallibleGroup<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    name: String,
    failed: usize,
}

impl<'c> FallibleGroup<'c> {
    /// Wraps the `group` of this `name`.
    pub fn new(group: BenchmarkGroup<'c, WallTime>, name: &str) -> FallibleGroup<'c> {
        FallibleGroup { group, name: name.to_owned(), failed: 0 }
    }

    /// Runs one benchmark: `measure` returns how long this many iterations took.
    pub fn bench(&mut self, name: &str, mut measure: impl FnMut(u64) -> Result<Duration>) {
        let mut failure = None;
        silence_panics_of_criterion();
        // Criterion offers no way to abort a benchmark. It keeps nothing of one that unwinds, and unwinding
        // without a panic prints nothing.
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            WITHIN_CRITERION.set(true);
            self.group.bench_function(name, |bencher| {
                bencher.iter_custom(|iterations| {
                    WITHIN_CRITERION.set(false);
                    let measured = measure(iterations);
                    WITHIN_CRITERION.set(true);
                    measured.unwrap_or_else(|error| {
                        failure = Some(error);
                        panic::resume_unwind(Box::new(()))
                    })
                });
            });
        }));
        let within_criterion = WITHIN_CRITERION.replace(false);
        let Err(panic) = ended else { return };
        match failure {
            Some(error) => self.skip(name, &error),
            None if within_criterion => self.skip(name, &message(panic.as_ref())),
            None => panic::resume_unwind(panic),
        }
    }

    fn skip(&mut self, name: &str, why: &Error) {
        eprintln!("\n{}/{name} was skipped: {why:#}", self.name);
        self.failed += 1;
    }

    /// Ends the group.
    ///
    /// # Errors
    /// When a benchmark was skipped.
    pub fn finish(self) -> Result<()> {
        self.group.finish();
        match self.failed {
            0 => Ok(()),
            failed => bail!("{}: {failed} skipped, for the reasons above", self.name),
        }
    }
}

/// How long this many calls take, for a benchmark that cannot fail.
pub fn timed<T>(iterations: u64, mut call: impl FnMut() -> T) -> Duration {
    let started = Instant::now();
    for _ in 0..iterations {
        black_box(call());
    }
    started.elapsed()
}

thread_local! {
    /// Whether criterion's own code is running, not what it measures.
    static WITHIN_CRITERION: Cell<bool> = const { Cell::new(false) };
}

/// Criterion panics where a baseline lacks a benchmark. The default message with a source location would mislead. All
/// other panics are printed as usual.
fn silence_panics_of_criterion() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !WITHIN_CRITERION.get() {
                hook(panic);
            }
        }));
    });
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    anyhow!("{}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("criterion panicked"))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::quick_criterion as criterion;

    fn measure(iterations: u64) -> Duration {
        // Criterion relies on time passing.
        thread::sleep(Duration::from_micros(200));
        Duration::from_millis(iterations)
    }

    #[test]
    fn a_failing_benchmark_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let mut criterion = criterion(folder.path());
        let mut group = FallibleGroup::new(criterion.benchmark_group("group"), "group");
        let mut calls = 0;
        group.bench("fails later", |iterations| {
            calls += 1;
            if calls < 8 { Ok(measure(iterations)) } else { Err(anyhow!("no more")) }
        });
        group.bench("works", |iterations| Ok(measure(iterations)));
        assert!(group.finish().unwrap_err().to_string().contains("1 skipped"));
        let kept = |name: &str| folder.path().join("group").join(name).exists();
        assert!(kept("works") && !kept("fails later"));
    }

    #[test]
    fn a_benchmark_missing_in_the_baseline_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let mut before = criterion(folder.path()).save_baseline("before".to_owned());
        before.benchmark_group("group").bench_function("old", |bencher| bencher.iter_custom(measure));
        let mut criterion = criterion(folder.path()).retain_baseline("before".to_owned(), true);
        let mut group = FallibleGroup::new(criterion.benchmark_group("group"), "group");
        let mut measured = Vec::new();
        for name in ["new", "old"] {
            group.bench(name, |iterations| {
                measured.push(name);
                Ok(measure(iterations))
            });
        }
        assert!(group.finish().unwrap_err().to_string().contains("1 skipped"));
        measured.dedup();
        assert_eq!(measured, ["old"]);
    }

    #[test]
    fn a_panic_in_measured_code_is_propagated() {
        let folder = tempfile::tempdir().unwrap();
        let mut criterion = criterion(folder.path());
        let mut group = FallibleGroup::new(criterion.benchmark_group("group"), "group");
        let ended = panic::catch_unwind(AssertUnwindSafe(|| group.bench("panics", |_| panic!("of ours"))));
        assert_eq!(message(ended.unwrap_err().as_ref()).to_string(), "of ours");
    }
}
