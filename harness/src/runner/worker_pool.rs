//! The worker processes of one run: started together, listened to, and never left behind.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::meter::{Group, PASS, RunQueue, Tree};
use crate::machine::placement::{self, Cpus};

/// How a worker is started: this program itself, or one that speaks the same protocol.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: std::path::PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Launch {
    fn command(&self, group: Option<&Group>) -> io::Result<Command> {
        let mut command = match group {
            Some(group) => group.command(&self.program)?,
            None => Command::new(&self.program),
        };
        command.args(&self.args);
        remove_proxies(&mut command);
        Ok(command)
    }

    fn cannot_start(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot start {}: {error}", self.program.display()))
    }
}

/// What a worker said, and when.
pub(crate) struct Event {
    /// Which worker, from 0.
    pub(crate) worker: usize,
    /// When it reached the harness.
    pub(crate) at: Instant,
    pub(crate) said: Said,
}

/// What there is to hear of a worker.
pub(crate) enum Said {
    /// One line, without its end.
    Line(String),
    /// A line that is too long to be of this protocol, or is not text.
    Nonsense,
    /// Nothing more.
    Eof,
}

/// No line of the protocol is longer than this, in bytes.
const LONGEST_LINE: u64 = 64 * 1024;

/// Between two looks at something that is about to happen.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Variables by which HTTP clients are sent to a proxy, in small letters. They are read in either case.
const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];

/// The workers of one run. Dropping it kills them and what they started: with a control group all of
/// it, without one what is still below them or in their process groups.
pub(crate) struct Crew {
    workers: Vec<Worker>,
    group: Option<Group>,
    events: Receiver<Event>,
}

struct Worker {
    child: Child,
    stdin: Stdin,
    stderr: JoinHandle<()>,
    last_words: Arc<Mutex<Option<String>>>,
    silence: Silence,
    /// Of the thread that listens to it, where the system keeps such an account.
    listener: Arc<OnceLock<RunQueue>>,
}

/// Whether more is to be heard of a worker.
#[derive(PartialEq)]
enum Silence {
    /// It speaks.
    None,
    /// Its process has ended, its stdout has not.
    Suspected,
    /// Its stdout has ended.
    Told,
}

enum Stdin {
    /// A thread still writes the plan: a worker that does not read must not stop the harness.
    Busy(JoinHandle<io::Result<ChildStdin>>),
    Open(ChildStdin),
    Closed,
}

impl Crew {
    /// Starts a worker for every plan (each one line, its end included), in `group` if there is one, and
    /// hands it its plan. All are confined to `cpus`, if there are any. Also gives when they were started:
    /// what it takes to enter a group comes before.
    pub(crate) fn start(
        launch: &Launch,
        cpus: Option<&Cpus>,
        plans: Vec<String>,
        group: Option<Group>,
    ) -> io::Result<(Crew, Instant)> {
        let (sender, events) = mpsc::channel();
        let mut started = Instant::now();
        let mut crew = Crew { workers: Vec::with_capacity(plans.len()), group, events };
        for number in 0..plans.len() {
            let command = launch.command(crew.group.as_ref());
            let worker = command.and_then(|command| Worker::start(command, cpus, number, sender.clone()));
            crew.workers.push(worker.map_err(|error| launch.cannot_start(&error))?);
        }
        if let Some(group) = &crew.group {
            group.wait_for(&crew.pids());
            started = Instant::now();
        }
        for (worker, plan) in crew.workers.iter_mut().zip(plans) {
            worker.hand(if crew.group.is_some() { PASS.to_owned() + &plan } else { plan })?;
        }
        Ok((crew, started))
    }

    /// The workers and what they start.
    pub(crate) fn tree(&self) -> Tree {
        Tree::in_group(&self.pids(), self.group.as_ref().map(|group| group.folder().to_owned()))
    }

    /// What the workers say next, in the order in which it is heard.
    pub(crate) fn next_event(&mut self, timeout: Duration) -> Result<Event, RecvTimeoutError> {
        let event = self.events.recv_timeout(timeout)?;
        self.workers[event.worker].silence = match event.said {
            Said::Eof => Silence::Told,
            _ => Silence::None,
        };
        Ok(event)
    }

    /// The end of a worker whose stdout is held open by a process that it left behind. To be asked when
    /// nothing was heard for a while; it is believed the second time, since last words may be on the way.
    pub(crate) fn silent_end(&mut self) -> Option<Event> {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if worker.silence != Silence::Told && matches!(worker.child.try_wait(), Ok(Some(_))) {
                if worker.silence == Silence::Suspected {
                    return Some(Event { worker: number, at: Instant::now(), said: Said::Eof });
                }
                worker.silence = Silence::Suspected;
            }
        }
        None
    }

    /// How long the thread that listens to each worker has waited for a core so far, in nanoseconds: by so much
    /// what it hears is stamped late. `None` where the system does not tell.
    pub(crate) fn listeners_waited_ns(&self) -> Vec<Option<u64>> {
        self.workers.iter().map(|worker| worker.listener.get()?.waited_ns()).collect()
    }

    /// The process id of every worker.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.child.id()).collect()
    }

    /// Tells every worker to begin. Gives when the last one's turn came.
    pub(crate) fn tell(&mut self, word: &str) -> io::Result<Instant> {
        let mut turn = Instant::now();
        for worker in &mut self.workers {
            turn = Instant::now();
            worker.tell(word)?;
        }
        Ok(turn)
    }

    /// Closes every worker's stdin.
    pub(crate) fn close_stdin(&mut self) {
        for worker in &mut self.workers {
            worker.stdin = Stdin::Closed;
        }
    }

    /// Kills a worker and gives its last words.
    pub(crate) fn end(&mut self, worker: usize) -> Option<String> {
        self.workers[worker].kill();
        self.last_words(worker)
    }

    /// How a worker exited, if it has.
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
    pub(crate) fn last_words(&self, worker: usize) -> Option<String> {
        const PATIENCE: Duration = Duration::from_millis(500);
        let worker = &self.workers[worker];
        // A process that the worker left behind may hold its stderr open.
        let deadline = Instant::now() + PATIENCE;
        while !worker.stderr.is_finished() && Instant::now() < deadline {
            thread::sleep(A_MOMENT);
        }
        worker.last_words.lock().expect("listening does not panic").clone()
    }
}

impl Drop for Crew {
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
        events: Sender<Event>,
    ) -> io::Result<Worker> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0); // Ctrl-C is for the harness, which then ends its workers
        let mut child = placement::confined(cpus, || command.spawn())?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let thread = thread::Builder::new;
        let listener = Arc::new(OnceLock::new());
        thread().spawn({
            let listener = listener.clone();
            move || {
                RunQueue::of_this_thread().map(|queue| listener.set(queue));
                listen(BufReader::new(stdout), number, &events);
            }
        })?;
        let last_words = Arc::new(Mutex::new(None));
        let stderr = thread().spawn({
            let last_words = last_words.clone();
            move || keep_last_line(BufReader::new(stderr), &last_words)
        })?;
        Ok(Worker { child, stdin: Stdin::Open(stdin), stderr, last_words, silence: Silence::None, listener })
    }

    fn hand(&mut self, plan: String) -> io::Result<()> {
        if let Stdin::Open(mut stdin) = std::mem::replace(&mut self.stdin, Stdin::Closed) {
            let writing = move || stdin.write_all(plan.as_bytes()).map(|()| stdin);
            self.stdin = Stdin::Busy(thread::Builder::new().spawn(writing)?);
        }
        Ok(())
    }

    fn tell(&mut self, word: &str) -> io::Result<()> {
        if let Stdin::Busy(plan) = std::mem::replace(&mut self.stdin, Stdin::Closed) {
            self.stdin = Stdin::Open(plan.join().expect("writing a plan does not panic")?);
        }
        match &mut self.stdin {
            Stdin::Open(stdin) => stdin.write_all(format!("{word}\n").as_bytes()),
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

/// Takes from `command` what would send its requests another way than to the target.
pub(crate) fn remove_proxies(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PROXY_VARIABLES.contains(&name.to_ascii_lowercase().as_str())) {
            command.env_remove(name);
        }
    }
}

fn listen(mut stdout: impl BufRead, worker: usize, events: &Sender<Event>) {
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let at = Instant::now();
        let said = match (read, line.pop()) {
            (Ok(_), Some(b'\n')) => String::from_utf8(line).map_or(Said::Nonsense, Said::Line),
            (Ok(0), None) | (Err(_), _) => Said::Eof,
            _ => Said::Nonsense,
        };
        let last = !matches!(said, Said::Line(_));
        if events.send(Event { worker, at, said }).is_err() || last {
            return;
        }
    }
}

fn keep_last_line(mut stderr: impl BufRead, last: &Mutex<Option<String>>) {
    let mut line = Vec::new();
    while stderr.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if !text.is_empty() {
            *last.lock().expect("listening does not panic") = Some(text);
        }
        line.clear();
    }
}
