//! The shards of the ledger, as the event loops write them. Recording a request takes no lock and allocates
//! nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;

use crate::clock;
use crate::ledger::{Entry, Lateness, Ledger, Outcome, Stats};

/// Counters of all shards together.
#[derive(Debug, Default)]
pub(crate) struct SharedCounters {
    sequence: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
    most_in_flight_at_ns: AtomicU64,
}

impl SharedCounters {
    fn begin(&self, now_ns: u64) -> u64 {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        if in_flight > self.most_in_flight.load(Ordering::Relaxed)
            && in_flight > self.most_in_flight.fetch_max(in_flight, Ordering::Relaxed)
        {
            // Two shards may set a new maximum at once. Their clock readings then hardly differ.
            self.most_in_flight_at_ns.store(now_ns, Ordering::Relaxed);
        }
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Restarts the maximum in flight from the number in flight now.
    fn reset(&self) {
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        self.most_in_flight.store(in_flight, Ordering::Relaxed);
        let at_ns = if in_flight > 0 { clock::now_ns() } else { 0 };
        self.most_in_flight_at_ns.store(at_ns, Ordering::Relaxed);
    }
}

/// A shard of the ledger, written by one event loop. All its memory is allocated at the start.
#[derive(Debug)]
pub(crate) struct RequestLog {
    counters: Arc<SharedCounters>,
    /// The counters of this shard. Its lateness is computed from `delays`.
    pub(crate) stats: Stats,
    delays: Delays,
    entries: VecDeque<Entry>,
}

impl RequestLog {
    /// An empty log with memory for `capacity` entries.
    pub(crate) fn new(counters: Arc<SharedCounters>, capacity: usize) -> RequestLog {
        let entries = VecDeque::with_capacity(capacity.max(1));
        RequestLog { counters, stats: Stats::default(), delays: Delays::default(), entries }
    }

    /// Records that a request for a URL of the scenario was complete at `now_ns`. Returns its sequence number.
    pub(crate) fn begin(&mut self, now_ns: u64) -> u64 {
        self.stats.received += 1;
        self.stats.in_flight += 1;
        self.counters.begin(now_ns)
    }

    /// Records the end of a request that [`begin`](RequestLog::begin) recorded.
    pub(crate) fn end(&mut self, entry: Entry) {
        self.stats.in_flight -= 1;
        self.counters.end();
        match entry.outcome {
            Outcome::Served => {
                self.stats.served += 1;
                self.delays.lateness.record(entry.actual_delay_ns.saturating_sub(entry.planned_delay_ns));
                self.delays.queueing.record(entry.queued_ns);
                entry.unread_ns.iter().for_each(|ns| self.delays.unread.record(*ns));
            }
            Outcome::Aborted => self.stats.aborted += 1,
            Outcome::Faulted => self.stats.faulted += 1,
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries.pop_front();
            self.stats.detail_lost += 1;
        }
        self.entries.push_back(entry);
    }

    /// Clears everything but the requests in flight, which are then the first counted.
    pub(crate) fn reset(&mut self) {
        self.counters.reset();
        let in_flight = self.stats.in_flight;
        self.stats = Stats { in_flight, received: in_flight, ..Stats::default() };
        self.delays = Delays::default();
        self.entries.clear();
    }

    /// A copy for another thread, with or without the entries.
    pub(crate) fn snapshot(&self, with_entries: bool) -> LogSnapshot {
        LogSnapshot {
            stats: Stats {
                most_in_flight: self.counters.most_in_flight.load(Ordering::Relaxed),
                most_in_flight_at_ns: self.counters.most_in_flight_at_ns.load(Ordering::Relaxed),
                ..self.stats.clone()
            },
            delays: self.delays.clone(),
            entries: if with_entries { self.entries.iter().cloned().collect() } else { Vec::new() },
        }
    }
}

/// A copy of a [`RequestLog`]. It is cheap to take, so that the event loop is interrupted only briefly.
#[derive(Debug)]
pub(crate) struct LogSnapshot {
    stats: Stats,
    delays: Delays,
    entries: Vec<Entry>,
}

impl LogSnapshot {
    /// Merges the snapshots of all shards: adds up the counters, sorts the entries and computes the quantiles.
    pub(crate) fn merge(snapshots: impl IntoIterator<Item = LogSnapshot>) -> Ledger {
        let (mut ledger, mut delays) = (Ledger::default(), Delays::default());
        for snapshot in snapshots {
            ledger.stats.add(&snapshot.stats);
            delays.lateness.add(&snapshot.delays.lateness);
            delays.queueing.add(&snapshot.delays.queueing);
            delays.unread.add(&snapshot.delays.unread);
            ledger.entries.extend(snapshot.entries);
        }
        ledger.entries.sort_unstable_by_key(|entry| entry.sequence);
        ledger.stats.lateness_ns = delays.lateness.summary();
        ledger.stats.queueing_ns = delays.queueing.summary();
        ledger.stats.unread_ns = delays.unread.summary();
        ledger
    }
}

/// The delays of the responses served, as [`Stats`] defines them.
#[derive(Clone, Debug, Default)]
struct Delays {
    lateness: DelayHistogram,
    queueing: DelayHistogram,
    unread: DelayHistogram,
}

/// A histogram of delays: 1 ns to 1 hour with two significant digits, and the exact maximum.
#[derive(Clone, Debug)]
struct DelayHistogram {
    histogram: Histogram<u64>,
    max: u64,
}

impl Default for DelayHistogram {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 3_600_000_000_000, 2).expect("the bounds are in order");
        DelayHistogram { histogram, max: 0 }
    }
}

impl DelayHistogram {
    fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
        self.max = self.max.max(ns);
    }

    fn add(&mut self, other: &DelayHistogram) {
        self.histogram.add(&other.histogram).expect("all have the same bounds");
        self.max = self.max.max(other.max);
    }

    fn summary(&self) -> Lateness {
        // The value of a bucket is its upper bound, which may be above the largest value in it.
        let quantile = |q| self.histogram.value_at_quantile(q).min(self.max);
        Lateness {
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: self.max,
            count: self.histogram.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records a request that begins and ends.
    fn record(log: &mut RequestLog, late_ns: u64, outcome: Outcome) {
        let sequence = log.begin(0);
        log.end(Entry {
            sequence,
            id: 0,
            attempt: 1,
            connection: 0,
            source: ([127, 0, 0, 1], 1).into(),
            planned_delay_ns: 1_000,
            actual_delay_ns: 1_000 + late_ns,
            queued_ns: 0,
            unread_ns: None,
            fault: None,
            bytes: 1,
            outcome,
        });
    }

    #[test]
    fn counters_are_exact_when_entries_are_dropped() {
        let mut log = RequestLog::new(Arc::default(), 4);
        let capacity = log.entries.capacity();
        (0..100).for_each(|late_ns| record(&mut log, late_ns, Outcome::Served));
        let Ledger { stats, entries } = LogSnapshot::merge([log.snapshot(true)]);
        assert_eq!((stats.served, stats.detail_lost), (100, 100 - capacity as u64));
        assert_eq!((entries.len(), entries.last().map(|entry| entry.sequence)), (capacity, Some(99)));
        assert_eq!(log.entries.capacity(), capacity);
    }

    #[test]
    fn lateness_counts_served_requests_only() {
        let mut log = RequestLog::new(Arc::default(), 1_000);
        (1..=100).for_each(|late_us| record(&mut log, late_us * 1_000, Outcome::Served));
        record(&mut log, 1_000_000_000, Outcome::Aborted);
        let lateness = LogSnapshot::merge([log.snapshot(false)]).stats.lateness_ns;
        assert_eq!((lateness.count, lateness.max), (100, 100_000));
        assert!(lateness.p50.abs_diff(50_000) <= 500, "{lateness:?}");
        assert!(lateness.p99.abs_diff(99_000) <= 990, "{lateness:?}");
    }

    #[test]
    fn a_reset_keeps_requests_in_flight() {
        let mut log = RequestLog::new(Arc::default(), 10);
        log.begin(0);
        log.begin(0);
        record(&mut log, 0, Outcome::Served);
        log.reset();
        let stats = LogSnapshot::merge([log.snapshot(true)]).stats;
        assert_eq!((stats.received, stats.in_flight, stats.most_in_flight), (2, 2, 2));
        assert_eq!((stats.served, stats.lateness_ns.count), (0, 0));
    }
}
