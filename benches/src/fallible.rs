//! Benchmarks that may fail. Criterion knows none.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use anyhow::{Result, bail};
use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;

/// A group whose benchmarks may fail: one that does is left out with a line on stderr, and the others go on.
pub struct Fallible<'c> {
    group: BenchmarkGroup<'c, WallTime>,
    name: String,
    failed: usize,
}

impl<'c> Fallible<'c> {
    /// The `group` that is called `name`.
    pub fn of(group: BenchmarkGroup<'c, WallTime>, name: &str) -> Fallible<'c> {
        Fallible { group, name: name.to_owned(), failed: 0 }
    }

    /// One benchmark: `measure` tells how long so many iterations took.
    pub fn bench(&mut self, name: &str, mut measure: impl FnMut(u64) -> Result<Duration>) {
        let mut failure = None;
        // Criterion has no way out of a benchmark. It keeps nothing of one that unwinds, and unwinding
        // without a panic prints nothing.
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            self.group.bench_function(name, |bencher| {
                bencher.iter_custom(|iterations| {
                    measure(iterations).unwrap_or_else(|error| {
                        failure = Some(error);
                        panic::resume_unwind(Box::new(()))
                    })
                });
            });
        }));
        if let Some(error) = failure {
            eprintln!("\n{}/{name} is left out: {error:#}", self.name);
            self.failed += 1;
        } else if let Err(panic) = ended {
            // Criterion's own, such as for a baseline that does not exist.
            panic::resume_unwind(panic);
        }
    }

    /// Ends the group.
    ///
    /// # Errors
    /// When a benchmark was left out.
    pub fn finish(self) -> Result<()> {
        self.group.finish();
        match self.failed {
            0 => Ok(()),
            failed => bail!("{}: {failed} left out, for the reasons above", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use anyhow::anyhow;
    use criterion::Criterion;

    use super::*;

    #[test]
    fn one_that_fails_is_left_out_and_the_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut criterion = Criterion::default()
            .without_plots()
            .output_directory(folder.path())
            .sample_size(10)
            .nresamples(1_001)
            .warm_up_time(Duration::from_millis(1))
            .measurement_time(Duration::from_millis(1));
        let mut group = Fallible::of(criterion.benchmark_group("group"), "group");
        let measure = |iterations| {
            // Criterion counts on it that time does pass.
            thread::sleep(Duration::from_micros(200));
            Duration::from_millis(iterations)
        };
        let mut calls = 0;
        group.bench("fails later", |iterations| {
            calls += 1;
            if calls < 8 { Ok(measure(iterations)) } else { Err(anyhow!("no more")) }
        });
        group.bench("works", |iterations| Ok(measure(iterations)));
        assert!(group.finish().unwrap_err().to_string().contains("1 left out"));
        let kept = |name: &str| folder.path().join("group").join(name).exists();
        assert!(kept("works") && !kept("fails later"));
    }
}
