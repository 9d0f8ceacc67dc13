//! A control group for the workers of one run. The kernel sums the CPU of its members and can kill them
//! together, whatever process started them and whether or not their parent is alive.
//!
//! The group is a leaf of the version 2 hierarchy (kernel documentation, "Control Group v2") below the
//! group that this process is in, and has no controllers enabled. It does not change how its members are
//! scheduled: it is a list of processes with a sum of their CPU time.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cpu::CpuTime;
use super::hierarchies::{Membership, Version};
use super::proc::field;

const PREFIX: &str = "inflight-";

/// The file of a group that lists its members. A process that writes 0 to it joins the group.
const PROCS_FILE: &str = "cgroup.procs";

/// The shell that joins a group and then executes a program.
const SHELL: &str = "/bin/sh";

/// Joins the group whose `cgroup.procs` is the first argument, waits for [`START_LINE`], and executes the
/// program in the other arguments. `read` takes no byte beyond the end of the line (POSIX.1-2024, "read").
const JOIN_SCRIPT: &str = r#"echo 0 > "$0" && read -r start && exec "$@""#;

/// The line that a process waits for after it has joined a group.
pub(crate) const START_LINE: &str = "\n";

/// How long members may take to join, or to end after they were killed.
const MEMBER_TIMEOUT: Duration = Duration::from_secs(2);

const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A control group that this process has created. Dropping it kills its members and removes it.
pub struct Cgroup {
    folder: PathBuf,
    /// Locked while this process lives. A group without a lock was left behind by a process that died.
    _lock: File,
}

impl Cgroup {
    /// Creates a group, after removing those of harnesses that were killed.
    ///
    /// # Errors
    /// With the reason why no group can be created here.
    pub fn create() -> Result<Cgroup, String> {
        let parent = own_folder()?;
        if controls_cpu(&parent) {
            return Err("the parent group distributes CPU among its members".to_owned());
        }
        if !Path::new(SHELL).exists() {
            return Err(format!("there is no {SHELL} to join it with"));
        }
        remove_stale(&parent);
        // Another harness may remove a new group before it is locked.
        let create = || Cgroup::create_in(&parent);
        let created = create().or_else(|_| create()).or_else(|_| create());
        created.map_err(|error| format!("in the group of this process: {error}"))
    }

    fn create_in(parent: &Path) -> io::Result<Cgroup> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{PREFIX}{}-{number}", process::id()));
        fs::create_dir(&folder)?;
        let lock = File::open(&folder)?;
        lock.try_lock()?;
        let group = Cgroup { folder, _lock: lock };
        // The kernel updates the pressure of a group at every context switch, and nothing here reads it.
        let _ = fs::write(group.folder.join("cgroup.pressure"), "0");
        // To move a process takes write access to the new group and to the common ancestor.
        for folder in [&group.folder, parent] {
            File::options().write(true).open(folder.join(PROCS_FILE))?;
        }
        Ok(group)
    }

    /// The command that starts `program` as a member from its first instruction on: a shell joins the group,
    /// waits for [`START_LINE`] on its stdin, and executes the program. Fails when there is no such program.
    pub(crate) fn command(&self, program: &Path) -> io::Result<Command> {
        let mut command = Command::new(SHELL);
        command.args(["-c", JOIN_SCRIPT]).arg(self.folder.join(PROCS_FILE)).arg(find(program)?);
        Ok(command)
    }

    /// Waits until all of `pids` are members, or until joining has timed out.
    pub(crate) fn wait_for(&self, pids: &[u32]) {
        let deadline = Instant::now() + MEMBER_TIMEOUT;
        let joined =
            || members(&self.folder).is_ok_and(|members| pids.iter().all(|pid| members.contains(pid)));
        while !joined() && Instant::now() < deadline {
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Its directory in the cgroup file system.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sends SIGKILL to all members. They end a little later.
    pub(crate) fn kill(&self) {
        kill(&self.folder);
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

pub(super) fn members(folder: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(folder.join(PROCS_FILE))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// CPU time of all present and past members of the group at `folder`, in whole microseconds. The sum is counted
/// by the scheduler. Its split into user and system time is sampled at timer ticks, unless the kernel was
/// built with `CONFIG_VIRT_CPU_ACCOUNTING_GEN`.
pub(super) fn cpu_time(folder: &Path) -> io::Result<CpuTime> {
    let stat = fs::read_to_string(folder.join("cpu.stat"))?;
    parse_cpu_stat(&stat).ok_or_else(|| io::Error::other("cpu.stat has no usage_usec"))
}

fn parse_cpu_stat(stat: &str) -> Option<CpuTime> {
    let of = |key| Some(field(stat, key)?.parse::<u64>().ok()? * 1_000);
    Some(CpuTime { total_ns: of("usage_usec ")?, system_ns: of("system_usec ") })
}

/// The path of `program`, searched for as execvp(3) does. The shell would report a missing program only after
/// it was started.
fn find(program: &Path) -> io::Result<PathBuf> {
    let has_folder = program.components().count() > 1;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|_| !has_folder);
    let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
    let found = found.unwrap_or_else(|| program.to_owned());
    fs::metadata(&found).map(|_| found)
}

fn own_folder() -> Result<PathBuf, String> {
    let read = |path| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let (groups, mounts) = (read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?);
    let membership = Membership::find(&groups, &mounts, Version::Two);
    membership
        .map(|membership| membership.folder())
        .ok_or_else(|| "no cgroup hierarchy of version 2 is mounted".to_owned())
}

/// Whether the groups below `folder` compete for CPU as units of their own.
fn controls_cpu(folder: &Path) -> bool {
    fs::read_to_string(folder.join("cgroup.subtree_control"))
        .is_ok_and(|controllers| controllers.split_whitespace().any(|name| name == "cpu"))
}

/// Removes groups that are not locked, and kills their members.
fn remove_stale(parent: &Path) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = |name: &str| {
        let numbers = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
    };
    let ours = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(is_ours);
    for entry in fs::read_dir(parent).into_iter().flatten().flatten().filter(ours) {
        let folder = entry.path();
        if let Ok(lock) = File::open(&folder)
            && lock.try_lock().is_ok()
        {
            remove(&folder);
        }
    }
}

/// Kills the members of the group at `folder` and removes it as soon as they have ended.
fn remove(folder: &Path) {
    let deadline = Instant::now() + MEMBER_TIMEOUT;
    kill(folder);
    while fs::remove_dir(folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
        && Instant::now() < deadline
    {
        thread::sleep(POLL_INTERVAL);
    }
}

fn kill(folder: &Path) {
    // Before Linux 5.14 there is no such file.
    if fs::write(folder.join("cgroup.kill"), "1").is_err() {
        let pids = members(folder).unwrap_or_default();
        for pid in pids.into_iter().filter_map(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn cpu_stat_is_parsed() {
        let stat = "usage_usec 1500\nuser_usec 400\nsystem_usec 1100\nnice_usec 0\n";
        assert_eq!(parse_cpu_stat(stat), Some(CpuTime { total_ns: 1_500_000, system_ns: Some(1_100_000) }));
        let no_parts = Some(CpuTime { total_ns: 7_000, system_ns: None });
        assert_eq!(parse_cpu_stat("usage_usec 7\n"), no_parts);
        assert_eq!(parse_cpu_stat("user_usec 400\n"), None);
    }

    #[test]
    fn dropping_a_group_kills_its_members_and_removes_it() {
        let Ok(group) = Cgroup::create() else { return eprintln!("skipped: no group can be created here") };
        let folder = group.folder().to_owned();
        // The second of its two members has lost its parent.
        let mut command = group.command(Path::new("sh")).unwrap();
        let script = "(setsid sleep 1000 &) ; exec sleep 1000";
        let mut child = command.args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        group.wait_for(&[child.id()]);
        child.stdin.as_mut().unwrap().write_all(START_LINE.as_bytes()).unwrap();
        while members(&folder).unwrap().len() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        let used = cpu_time(&folder).unwrap();
        assert!(
            used.total_ns > 0 && used.system_ns.is_some_and(|system_ns| system_ns <= used.total_ns),
            "{used:?}"
        );
        drop(group);
        assert!(!folder.exists(), "the group is removed once its members have ended");
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn stale_groups_are_removed_and_locked_ones_are_not() {
        let Ok(group) = Cgroup::create() else { return eprintln!("skipped: no group can be created here") };
        let parent = group.folder().parent().unwrap();
        let stale = parent.join(format!("{PREFIX}0-{}", process::id()));
        fs::create_dir(&stale).unwrap();
        remove_stale(parent);
        assert!(!stale.exists());
        assert!(group.folder().exists());
    }
}
