//! The concurrency of a contender: processes × requests in flight in each.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use anyhow::{Context, Error, Result};

/// Processes × requests in flight in each, written `128` or `8x64`. Neither is ever zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Worker processes.
    pub processes: u32,
    /// Requests in flight in each.
    pub in_flight: u32,
}

impl Shape {
    /// Requests in flight over all processes.
    pub fn slots(self) -> u64 {
        u64::from(self.processes) * u64::from(self.in_flight)
    }

    /// The most requests that can be in flight over all processes when there are `urls` to fetch.
    pub fn most_possible(self, urls: u64) -> u64 {
        let shares = (0..self.processes).map(|process| self.share(process, urls).len() as u64);
        shares.map(|share| share.min(u64::from(self.in_flight))).sum()
    }

    /// The ids of `0..urls` that `process` fetches: every `processes`-th.
    pub fn share(self, process: u32, urls: u64) -> Vec<u64> {
        (u64::from(process)..urls).step_by(self.processes as usize).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.processes {
            1 => write!(f, "{}", self.in_flight),
            processes => write!(f, "{processes}x{}", self.in_flight),
        }
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Shape> {
        let (processes, in_flight) = text.split_once('x').unwrap_or(("1", text));
        let number = |number: &str| {
            let number: NonZeroU32 = number.parse().ok()?;
            Some(number.get())
        };
        let shape = number(processes).zip(number(in_flight));
        let (processes, in_flight) = shape
            .with_context(|| format!("`{text}` is not a concurrency: write it as in \"128\" or \"8x64\""))?;
        Ok(Shape { processes, in_flight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_refused() {
        for text in ["0", "0x4", "4x0", "", "x", "4x", "-1", "1.5", "2x2x2", "99999999999"] {
            assert!(text.parse::<Shape>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_even_and_cover_every_id_once() {
        let shape = Shape { processes: 3, in_flight: 1 };
        let mut all: Vec<u64> = (0..3).flat_map(|process| shape.share(process, 10)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert!(shape.share(2, 2).is_empty());
        assert_eq!([0, 2, 3, 10].map(|urls| shape.most_possible(urls)), [0, 2, 3, 3]);
    }
}
