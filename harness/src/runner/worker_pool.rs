//! The worker processes of one run: started together, read from in the background, and killed at the end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::meter::{Cgroup, RunQueue, START_LINE, Tree};
use crate::process::{Cpus, Launch, confined, remove_proxies};

/// Output of a worker, and when it came.
pub(crate) struct WorkerEvent {
    /// Which worker, from 0.
    pub(crate) worker: usize,
    /// When it reached the harness.
    pub(crate) at: Instant,
    pub(crate) output: WorkerOutput,
}

/// What a worker writes to its stdout.
pub(crate) enum WorkerOutput {
    /// One line, without its end.
    Line(String),
    /// A line that is too long for this protocol, or is not text.
    Malformed,
    /// The end of its stdout.
    Eof,
}

/// No line of the protocol is longer than this, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The workers of one run. Dropping it kills them and what they started: with a control group all of
/// it, without one what is still below them or in their process groups.
pub(crate) struct WorkerPool {
    workers: Vec<Worker>,
    group: Option<Cgroup>,
    events: Receiver<WorkerEvent>,
}

struct Worker {
    child: Child,
    stdin: Stdin,
    stderr_reader: JoinHandle<()>,
    stderr_tail: Arc<Mutex<Option<String>>>,
    stdout: StreamState,
    /// Of the thread that reads its stdout, where the system keeps such an account.
    reader_run_queue: Arc<OnceLock<RunQueue>>,
}

/// The state of a worker's stdout.
#[derive(PartialEq)]
enum StreamState {
    /// More output can come.
    Open,
    /// The process was seen to have ended while its stdout was open.
    ProcessEnded,
    /// It has ended.
    Closed,
}

enum Stdin {
    /// A thread still writes the plan: a worker that does not read must not stop the harness.
    Busy(JoinHandle<io::Result<ChildStdin>>),
    Open(ChildStdin),
    Closed,
}

impl WorkerPool {
    /// Starts a worker for every plan (each one line, its end included), in `group` if there is one, and
    /// sends it its plan. All are confined to `cpus`, if there are any. Also gives when they were started,
    /// which excludes the time to enter a group.
    pub(crate) fn start(
        launch: &Launch,
        cpus: Option<&Cpus>,
        plans: Vec<String>,
        group: Option<Cgroup>,
    ) -> io::Result<(WorkerPool, Instant)> {
        let (sender, events) = mpsc::channel();
        let mut started = Instant::now();
        let mut pool = WorkerPool { workers: Vec::with_capacity(plans.len()), group, events };
        for number in 0..plans.len() {
            let command = command(launch, pool.group.as_ref());
            let worker = command.and_then(|command| Worker::start(command, cpus, number, sender.clone()));
            pool.workers.push(worker.map_err(|error| cannot_start(launch, &error))?);
        }
        if let Some(group) = &pool.group {
            group.wait_for(&pool.pids());
            started = Instant::now();
        }
        for (worker, plan) in pool.workers.iter_mut().zip(plans) {
            worker.send_plan(if pool.group.is_some() { START_LINE.to_owned() + &plan } else { plan })?;
        }
        Ok((pool, started))
    }

    pub(crate) fn tree(&self) -> Tree {
        Tree::in_group(&self.pids(), self.group.as_ref().map(|group| group.folder().to_owned()))
    }

    /// The next output of a worker, in the order of arrival.
    pub(crate) fn next_event(&mut self, timeout: Duration) -> Result<WorkerEvent, RecvTimeoutError> {
        let event = self.events.recv_timeout(timeout)?;
        self.workers[event.worker].stdout = match event.output {
            WorkerOutput::Eof => StreamState::Closed,
            _ => StreamState::Open,
        };
        Ok(event)
    }

    /// The end of a worker whose stdout is held open by a process that it left behind. To be called when no event
    /// came for a while. The first call only notes the end, since output may still be on its way.
    pub(crate) fn ended_with_open_stdout(&mut self) -> Option<WorkerEvent> {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if worker.stdout != StreamState::Closed && matches!(worker.child.try_wait(), Ok(Some(_))) {
                if worker.stdout == StreamState::ProcessEnded {
                    return Some(WorkerEvent {
                        worker: number,
                        at: Instant::now(),
                        output: WorkerOutput::Eof,
                    });
                }
                worker.stdout = StreamState::ProcessEnded;
            }
        }
        None
    }

    /// How long the thread that reads each worker's stdout has waited for a core so far, in nanoseconds: its
    /// timestamps are late by that much. `None` where the system does not report it.
    pub(crate) fn readers_waited_ns(&self) -> Vec<Option<u64>> {
        self.workers.iter().map(|worker| worker.reader_run_queue.get()?.waited_ns()).collect()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.child.id()).collect()
    }

    /// Sends a message to every worker. Gives when it was sent to the last one.
    pub(crate) fn send(&mut self, message: &str) -> io::Result<Instant> {
        let mut sent = Instant::now();
        for worker in &mut self.workers {
            sent = Instant::now();
            worker.send(message)?;
        }
        Ok(sent)
    }

    pub(crate) fn close_stdin(&mut self) {
        for worker in &mut self.workers {
            worker.stdin = Stdin::Closed;
        }
    }

    /// Kills a worker and gives the last line of its stderr.
    pub(crate) fn kill(&mut self, worker: usize) -> Option<String> {
        self.workers[worker].kill();
        self.stderr_tail(worker)
    }

    pub(crate) fn exit_status(&mut self, worker: usize) -> io::Result<Option<ExitStatus>> {
        self.workers[worker].child.try_wait()
    }

    /// A worker that has not read its plan yet.
    pub(crate) fn plan_unread(&self) -> Option<usize> {
        self.workers
            .iter()
            .position(|worker| matches!(&worker.stdin, Stdin::Busy(plan) if !plan.is_finished()))
    }

    /// The last line that a worker, which has ended, wrote to stderr.
    pub(crate) fn stderr_tail(&self, worker: usize) -> Option<String> {
        const TIMEOUT: Duration = Duration::from_millis(500);
        let worker = &self.workers[worker];
        // A process that the worker left behind may hold its stderr open.
        let deadline = Instant::now() + TIMEOUT;
        while !worker.stderr_reader.is_finished() && Instant::now() < deadline {
            thread::sleep(POLL_INTERVAL);
        }
        worker.stderr_tail.lock().expect("reading does not panic").clone()
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        // What a worker started may have left its process group, and its tree once it is dead.
        let descendants = self.tree().pids().split_off(self.workers.len());
        if let Some(group) = &self.group {
            group.kill();
        }
        for worker in &mut self.workers {
            worker.kill();
            let _ = worker.child.wait();
        }
        for pid in descendants.into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Worker {
    fn start(
        mut command: Command,
        cpus: Option<&Cpus>,
        number: usize,
        events: Sender<WorkerEvent>,
    ) -> io::Result<Worker> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0); // Ctrl-C is for the harness, which then ends its workers
        let mut child = confined(cpus, || command.spawn())?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let thread = thread::Builder::new;
        let reader_run_queue = Arc::new(OnceLock::new());
        thread().spawn({
            let run_queue = reader_run_queue.clone();
            move || {
                RunQueue::of_this_thread().map(|queue| run_queue.set(queue));
                read_lines(BufReader::new(stdout), number, &events);
            }
        })?;
        let stderr_tail = Arc::new(Mutex::new(None));
        let stderr_reader = thread().spawn({
            let stderr_tail = stderr_tail.clone();
            move || keep_last_line(BufReader::new(stderr), &stderr_tail)
        })?;
        Ok(Worker {
            child,
            stdin: Stdin::Open(stdin),
            stderr_reader,
            stderr_tail,
            stdout: StreamState::Open,
            reader_run_queue,
        })
    }

    fn send_plan(&mut self, plan: String) -> io::Result<()> {
        if let Stdin::Open(mut stdin) = std::mem::replace(&mut self.stdin, Stdin::Closed) {
            let writing = move || stdin.write_all(plan.as_bytes()).map(|()| stdin);
            self.stdin = Stdin::Busy(thread::Builder::new().spawn(writing)?);
        }
        Ok(())
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        if let Stdin::Busy(plan) = std::mem::replace(&mut self.stdin, Stdin::Closed) {
            self.stdin = Stdin::Open(plan.join().expect("writing a plan does not panic")?);
        }
        match &mut self.stdin {
            Stdin::Open(stdin) => stdin.write_all(format!("{message}\n").as_bytes()),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn kill(&mut self) {
        // The group outlives its leader while anything that the worker started is alive.
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The command that starts a worker, in `group` if there is one.
fn command(launch: &Launch, group: Option<&Cgroup>) -> io::Result<Command> {
    let mut command = match group {
        Some(group) => group.command(&launch.program)?,
        None => Command::new(&launch.program),
    };
    command.args(&launch.args);
    remove_proxies(&mut command);
    Ok(command)
}

fn cannot_start(launch: &Launch, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot start {}: {error}", launch.program.display()))
}

fn read_lines(mut stdout: impl BufRead, worker: usize, events: &Sender<WorkerEvent>) {
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let at = Instant::now();
        let output = match (read, line.pop()) {
            (Ok(_), Some(b'\n')) => {
                String::from_utf8(line).map_or(WorkerOutput::Malformed, WorkerOutput::Line)
            }
            (Ok(0), None) | (Err(_), _) => WorkerOutput::Eof,
            _ => WorkerOutput::Malformed,
        };
        let last = !matches!(output, WorkerOutput::Line(_));
        if events.send(WorkerEvent { worker, at, output }).is_err() || last {
            return;
        }
    }
}

fn keep_last_line(mut stderr: impl BufRead, last: &Mutex<Option<String>>) {
    let mut line = Vec::new();
    while stderr.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if !text.is_empty() {
            *last.lock().expect("reading does not panic") = Some(text);
        }
        line.clear();
    }
}
