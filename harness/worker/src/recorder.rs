//! What a worker records of its requests: a slot for each URL of the plan, in memory that is there before `ready`.
//!
//! All threads and tasks of a worker share one [`Recorder`]. To record is to take the next free slot and to write it
//! once: nothing is allocated, nothing is locked, and memory does not grow while it is measured.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::protocol::{Fetched, Plan, Sample};

/// The clock of a run, its schedule where the plan has one, and room for a sample of every URL. A clone is
/// a new handle.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Records>);

#[derive(Debug)]
struct Records {
    go: OnceLock<Instant>,
    /// Each id and when it is due, in order of id; empty where the loop is closed.
    due_ns: Box<[(u64, u64)]>,
    slots: Box<[OnceLock<Entry>]>,
    /// Slots that are taken; more than there are where a model makes more requests than it should.
    taken: AtomicUsize,
    /// Samples without a slot. The verdict counts them all the same.
    surplus: Mutex<Vec<Entry>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    id: u64,
    start_ns: u64,
    end_ns: u64,
    fetched: Fetched,
}

impl Recorder {
    /// Room for the samples of `plan`. Every page of it is written to here, so that the system has given all of
    /// it by now.
    pub(crate) fn of(plan: &Plan) -> Recorder {
        let due_ns = plan.due_ns.iter().flatten();
        let mut due_ns: Box<[_]> = plan.ids.iter().copied().zip(due_ns.copied()).collect();
        due_ns.sort_unstable();
        Recorder(Arc::new(Records {
            go: OnceLock::new(),
            due_ns,
            slots: plan.ids.iter().map(|_| OnceLock::new()).collect(),
            taken: AtomicUsize::new(0),
            surplus: Mutex::default(),
        }))
    }

    /// Starts the clock, at `go`.
    pub(crate) fn start(&self) {
        self.0.go.set(Instant::now()).expect("a run begins once");
    }

    fn elapsed_ns(&self) -> u64 {
        self.0.go.get().expect("fetching begins after `go`").elapsed().as_nanos() as u64
    }

    fn due_ns(&self, id: u64) -> Option<u64> {
        let due_ns = &self.0.due_ns;
        due_ns.binary_search_by_key(&id, |&(id, _)| id).ok().map(|at| due_ns[at].1)
    }

    /// How long it is until `id` is due; `None` once it is, or where the plan has no schedule.
    pub fn until_due(&self, id: u64) -> Option<Duration> {
        let left_ns = self.due_ns(id)?.saturating_sub(self.elapsed_ns());
        (left_ns > 0).then(|| Duration::from_nanos(left_ns))
    }

    /// Begins to time a request, which must be due.
    pub fn begin(&self, id: u64) -> Request {
        Request { id, recorder: self.clone(), start_ns: self.elapsed_ns() }
    }

    /// Times and records a blocking fetch. Where the plan has a schedule, the fetch first waits with `sleep`
    /// until it is due.
    pub fn time<F: Into<Fetched>>(&self, id: u64, sleep: impl Fn(Duration), fetch: impl FnOnce() -> F) {
        while let Some(wait) = self.until_due(id) {
            sleep(wait);
        }
        let start_ns = self.elapsed_ns();
        let fetched = fetch();
        self.record(id, start_ns, fetched.into());
    }

    /// Times and records an async fetch. Where the plan has a schedule, the fetch first waits with `sleep`,
    /// which is the runtime's own, until it is due. The fetch is made here, not given: what an `async fn` is given and
    /// then waits for has room in it twice, and tasks would be twice as large.
    pub async fn time_async<S: Future, F: Future<Output: Into<Fetched>>>(
        &self,
        id: u64,
        sleep: impl Fn(Duration) -> S,
        fetch: impl FnOnce() -> F,
    ) {
        while let Some(wait) = self.until_due(id) {
            // In a box, so that the tasks of a closed loop are not larger by a timer that they do not use.
            Box::pin(sleep(wait)).await;
        }
        let start_ns = self.elapsed_ns();
        let fetched = fetch().await;
        self.record(id, start_ns, fetched.into());
    }

    fn record(&self, id: u64, start_ns: u64, fetched: Fetched) {
        let entry = Entry { id, start_ns, end_ns: self.elapsed_ns(), fetched };
        match self.0.slots.get(self.0.taken.fetch_add(1, Ordering::Relaxed)) {
            Some(slot) => slot.set(entry).expect("a slot is taken once"),
            None => self.0.surplus.lock().expect("nothing panics while it holds the lock").push(entry),
        }
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        let surplus = self.0.surplus.lock().expect("nothing panics while it holds the lock");
        let entries = self.0.slots.iter().filter_map(OnceLock::get).chain(surplus.iter());
        entries.map(|entry| self.sample(entry)).collect()
    }

    fn sample(&self, &Entry { id, start_ns, end_ns, fetched }: &Entry) -> Sample {
        let Fetched { outcome, resent } = fetched;
        Sample { id, due_ns: self.due_ns(id), start_ns, end_ns, outcome, resent, process: None }
    }
}

/// A request that is being timed.
#[derive(Debug)]
pub struct Request {
    id: u64,
    recorder: Recorder,
    start_ns: u64,
}

impl Request {
    /// The URL.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.recorder.elapsed_ns() - self.start_ns)
    }

    /// The request is over: records it.
    pub fn end(self, fetched: impl Into<Fetched>) {
        self.recorder.record(self.id, self.start_ns, fetched.into());
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::protocol::Outcome;

    fn recorder(ids: Vec<u64>, due_ns: Option<Vec<u64>>) -> Recorder {
        let recorder = Recorder::of(&Plan { ids, due_ns, ..Plan::default() });
        recorder.start();
        recorder
    }

    fn fetched(body: &[u8]) -> Fetched {
        Outcome::response(200, body).into()
    }

    #[test]
    fn samples_of_all_threads_are_kept_once() {
        const THREADS: u64 = 8;
        const EACH: u64 = 500;
        let recorder = recorder((0..THREADS * EACH).collect(), None);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let recorder = recorder.clone();
                scope.spawn(move || {
                    for id in thread * EACH..(thread + 1) * EACH {
                        recorder.time(id, thread::sleep, || fetched(&id.to_le_bytes()));
                    }
                });
            }
        });
        let mut samples = recorder.samples();
        samples.sort_by_key(|sample| sample.id);
        assert!(samples.iter().map(|sample| sample.id).eq(0..THREADS * EACH));
        for sample in samples {
            assert_eq!(sample.outcome, Outcome::response(200, &sample.id.to_le_bytes()));
            assert!(sample.start_ns <= sample.end_ns && sample.due_ns.is_none() && !sample.resent);
        }
    }

    #[test]
    fn surplus_samples_are_kept() {
        let recorder = recorder(vec![7], None);
        for id in [7, 7, 9] {
            recorder.begin(id).end(Fetched { resent: id == 9, ..fetched(b"") });
        }
        let samples = recorder.samples().into_iter().map(|sample| (sample.id, sample.resent));
        assert!(samples.eq([(7, false), (7, false), (9, true)]));
    }

    /// Ids need not come in order.
    #[test]
    fn each_id_has_its_own_due_time() {
        let recorder = recorder(vec![9, 4, 6], Some(vec![0, 1, u64::MAX]));
        [9, 4, 6].iter().for_each(|&id| recorder.begin(id).end(fetched(b"")));
        let due = recorder.samples().into_iter().map(|sample| sample.due_ns);
        assert!(due.eq([Some(0), Some(1), Some(u64::MAX)]));
        assert_eq!((recorder.until_due(9), recorder.until_due(5)), (None, None));
        assert!(recorder.until_due(6).is_some());
    }
}
