//! A control group for the workers of one run: the kernel then keeps their account together, and ends
//! them together, whoever started whom and whoever outlives whom.
//!
//! The group is a leaf of the version 2 hierarchy (kernel documentation, "Control Group v2") below the
//! group that this process is in, and takes part in no controller. So it changes nothing about how its
//! members are scheduled: it is a list of processes with a sum of their CPU.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cpu::CpuTime;
use super::hierarchies::{Membership, Version};

/// What the names of groups begin with.
const PREFIX: &str = "inflight-";

/// The file of a group that lists its members, and takes in whoever writes 0 to it.
const ENTRANCE: &str = "cgroup.procs";

/// Enters groups, and becomes another program.
const SHELL: &str = "/bin/sh";

/// Enters by the entrance that is named first, waits for [`PASS`], and becomes the program that is named
/// next. `read` takes no byte beyond the line's end (POSIX.1-2024, "read").
const ENTER: &str = r#"echo 0 > "$0" && read -r pass && exec "$@""#;

/// What a process that has entered a group waits for.
pub(crate) const PASS: &str = "\n";

/// How long members may take to enter, or to end when they are killed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at something that is about to happen.
const A_MOMENT: Duration = Duration::from_millis(1);

/// A group of this process's own. Dropping it kills its members and removes it.
pub struct Group {
    folder: PathBuf,
    /// Held while this process lives: a group that nobody holds was left behind.
    _held: File,
}

impl Group {
    /// Makes a new group, after removing what harnesses that were killed have left.
    ///
    /// # Errors
    /// With the reason why this system offers none.
    pub fn create() -> Result<Group, String> {
        let parent = own_folder()?;
        if controls_cpu(&parent) {
            return Err("the group it would be in shares CPU out to its members".to_owned());
        }
        if !Path::new(SHELL).exists() {
            return Err(format!("there is no {SHELL} to enter it with"));
        }
        remove_stale(&parent);
        const TRIES: usize = 3; // another harness that tidies up may take a new one for left behind
        let mut made = Group::within(&parent);
        for _ in 1..TRIES {
            made = made.or_else(|_| Group::within(&parent));
        }
        made.map_err(|error| format!("in the group that this process is in: {error}"))
    }

    fn within(parent: &Path) -> io::Result<Group> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{PREFIX}{}-{number}", process::id()));
        fs::create_dir(&folder)?;
        let held = File::open(&folder)?;
        held.try_lock()?;
        let group = Group { folder, _held: held };
        // The pressure of a group is counted at every switch of its threads, and nobody reads it.
        let _ = fs::write(group.folder.join("cgroup.pressure"), "0");
        // Whoever moves a process must be allowed to write to where it goes and to what is above.
        for folder in [&group.folder, parent] {
            File::options().write(true).open(folder.join(ENTRANCE))?;
        }
        Ok(group)
    }

    /// How to start `program` so that it is a member from its first instruction on: a process that
    /// enters the group, waits for [`PASS`] on its stdin, and becomes the program.
    ///
    /// # Errors
    /// When there is no such program.
    pub(crate) fn command(&self, program: &Path) -> io::Result<Command> {
        let mut command = Command::new(SHELL);
        command.args(["-c", ENTER]).arg(self.folder.join(ENTRANCE)).arg(find(program)?);
        Ok(command)
    }

    /// Waits until all of `pids` are members, for at most as long as entering may take.
    pub(crate) fn wait_for(&self, pids: &[u32]) {
        let deadline = Instant::now() + PATIENCE;
        let entered =
            || members(&self.folder).is_ok_and(|members| pids.iter().all(|pid| members.contains(pid)));
        while !entered() && Instant::now() < deadline {
            thread::sleep(A_MOMENT);
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills all members. They end a little later.
    pub(crate) fn kill(&self) {
        kill(&self.folder);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// The processes in the group at `folder`.
pub(super) fn members(folder: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(folder.join(ENTRANCE))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// CPU that all who are or were in the group at `folder` used there, in whole microseconds. The sum is counted
/// by the scheduler; how it is split into user and system time is sampled at the timer's ticks, unless the
/// kernel was built to count that, too (`CONFIG_VIRT_CPU_ACCOUNTING_GEN`).
pub(super) fn cpu_time(folder: &Path) -> io::Result<CpuTime> {
    let stat = fs::read_to_string(folder.join("cpu.stat"))?;
    parse_cpu_stat(&stat).ok_or_else(|| io::Error::other("cpu.stat does not tell usage_usec"))
}

fn parse_cpu_stat(stat: &str) -> Option<CpuTime> {
    let of = |key| {
        let value = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.parse::<u64>().ok();
        stat.lines().find_map(value).map(|micros| micros * 1_000)
    };
    Some(CpuTime { total_ns: of("usage_usec")?, system_ns: of("system_usec") })
}

/// Where `program` is, looked for as execvp(3) does: what the shell says of one that is missing is told
/// too late.
fn find(program: &Path) -> io::Result<PathBuf> {
    let has_folder = program.components().count() > 1;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|_| !has_folder);
    let found = folders.map(|folder| folder.join(program)).find(|path| path.is_file());
    let found = found.unwrap_or_else(|| program.to_owned());
    fs::metadata(&found).map(|_| found)
}

/// The folder of the group that this process is in.
fn own_folder() -> Result<PathBuf, String> {
    let read = |path| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let (groups, mounts) = (read("/proc/self/cgroup")?, read("/proc/self/mountinfo")?);
    let membership = Membership::find(&groups, &mounts, Version::Two);
    membership
        .map(|membership| membership.folder())
        .ok_or_else(|| "no hierarchy of version 2 is mounted".to_owned())
}

/// Whether a group below `folder` would be a party of its own when CPU is shared out.
fn controls_cpu(folder: &Path) -> bool {
    fs::read_to_string(folder.join("cgroup.subtree_control"))
        .is_ok_and(|controllers| controllers.split_whitespace().any(|name| name == "cpu"))
}

/// Removes groups that nobody holds, with whatever is still alive in them.
fn remove_stale(parent: &Path) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = |name: &str| {
        let numbers = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
    };
    let ours = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(is_ours);
    for entry in fs::read_dir(parent).into_iter().flatten().flatten().filter(ours) {
        let folder = entry.path();
        if let Ok(held) = File::open(&folder)
            && held.try_lock().is_ok()
        {
            remove(&folder);
        }
    }
}

/// Kills the members of the group at `folder` and removes it as soon as they have ended.
fn remove(folder: &Path) {
    let deadline = Instant::now() + PATIENCE;
    kill(folder);
    while fs::remove_dir(folder).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
        && Instant::now() < deadline
    {
        thread::sleep(A_MOMENT);
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
    fn the_account_of_a_group_is_read() {
        let stat = "usage_usec 1500\nuser_usec 400\nsystem_usec 1100\nnice_usec 0\n";
        assert_eq!(parse_cpu_stat(stat), Some(CpuTime { total_ns: 1_500_000, system_ns: Some(1_100_000) }));
        let no_parts = Some(CpuTime { total_ns: 7_000, system_ns: None });
        assert_eq!(parse_cpu_stat("usage_usec 7\n"), no_parts);
        assert_eq!(parse_cpu_stat("user_usec 400\n"), None);
    }

    #[test]
    fn a_group_ends_its_members_and_itself() {
        let Ok(group) = Group::create() else { return eprintln!("skipped: no group can be made here") };
        let folder = group.folder().to_owned();
        // The second of its two members has lost its parent.
        let mut command = group.command(Path::new("sh")).unwrap();
        let script = "(setsid sleep 1000 &) ; exec sleep 1000";
        let mut child = command.args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        group.wait_for(&[child.id()]);
        child.stdin.as_mut().unwrap().write_all(PASS.as_bytes()).unwrap();
        while members(&folder).unwrap().len() < 2 {
            thread::sleep(Duration::from_millis(1));
        }
        let used = cpu_time(&folder).unwrap();
        assert!(
            used.total_ns > 0 && used.system_ns.is_some_and(|system_ns| system_ns <= used.total_ns),
            "{used:?}"
        );
        drop(group);
        assert!(!folder.exists(), "it is not removed before its members have ended");
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_group_that_nobody_holds_is_removed_and_one_in_use_is_not() {
        let Ok(group) = Group::create() else { return eprintln!("skipped: no group can be made here") };
        let parent = group.folder().parent().unwrap();
        let stale = parent.join(format!("{PREFIX}0-{}", process::id()));
        fs::create_dir(&stale).unwrap();
        remove_stale(parent);
        assert!(!stale.exists());
        assert!(group.folder().exists());
    }
}
