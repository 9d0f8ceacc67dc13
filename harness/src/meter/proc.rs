//! Reading `/proc`: the processes of a tree, and the fields of their files.
//!
//! They are read directly because sysinfo reports neither page faults nor the CPU time of reaped children.

use std::collections::HashMap;
use std::fs;
use std::io;

/// `roots` and all their descendants that are alive, parents before children.
pub fn tree(roots: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in all_pids() {
        if let Ok(stat) = Stat::read(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut tree = roots.to_vec();
    let mut next = 0;
    while let Some(pid) = tree.get(next) {
        tree.extend(children.get(pid).into_iter().flatten());
        next += 1;
    }
    tree
}

fn all_pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Fields of `/proc/PID/stat` (proc_pid_stat(5)).
pub(super) struct Stat {
    pub(super) parent: u32,
    /// Page faults without disk access, of this process and of children that were waited for.
    pub(super) minor_faults: u64,
    /// Page faults with disk access, likewise.
    pub(super) major_faults: u64,
    /// User and system time of children that were waited for, in clock ticks.
    pub(super) reaped_ticks: u64,
}

impl Stat {
    pub(super) fn read(pid: u32) -> io::Result<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
            .ok_or_else(|| io::Error::other(format!("cannot parse /proc/{pid}/stat")))
    }

    fn parse(line: &str) -> Option<Stat> {
        // The second field is a name in parentheses that may contain anything, even `) (`.
        let after_name = &line[line.rfind(')')? + 1..];
        let field = |number: usize| after_name.split_ascii_whitespace().nth(number - 3);
        let count = |number| field(number)?.parse::<u64>().ok();
        Some(Stat {
            parent: field(4)?.parse().ok()?,
            minor_faults: count(10)? + count(11)?,
            major_faults: count(12)? + count(13)?,
            reaped_ticks: count(16)? + count(17)?,
        })
    }
}

/// The value, in bytes, of a line such as `VmHWM:  1234 kB` of a file of `/proc/PID`.
pub(super) fn kilobytes_field(pid: u32, file: &str, key: &str) -> io::Result<u64> {
    // A zombie still has the file, without the line.
    kilobytes(&read(pid, file)?, key).ok_or(io::ErrorKind::NotFound.into())
}

pub(super) fn descriptors(pid: u32) -> io::Result<u64> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder)?.len() {
        0 => Ok(fs::read_dir(folder)?.count() as u64), // before Linux 6.2 the size is always 0
        open => Ok(open),
    }
}

/// The value, in bytes, of a line such as `Pss:  1234 kB`.
pub(super) fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let kilobytes: u64 = field(text, key)?.strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The value of a line such as `Threads:  4`.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

pub(super) fn read(pid: u32, file: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_and_spaces_in_a_name_do_not_shift_fields() {
        let line = "12 (a) (b c) S 7 12 12 0 -1 4194560 1 2 3 4 100 200 30 12 20 0 1 0 5 6 7";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.parent, stat.reaped_ticks), (7, 42));
        assert_eq!((stat.minor_faults, stat.major_faults), (1 + 2, 3 + 4));
    }

    #[test]
    fn tree_contains_root_and_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let tree = tree(&[std::process::id()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(tree[0], std::process::id());
        assert!(tree.contains(&child.id()), "{tree:?}");
    }

    #[test]
    fn descriptors_are_counted() {
        let pid = std::process::id();
        let before = descriptors(pid).unwrap();
        let files: Vec<fs::File> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Other tests open and close files at the same time.
        assert!(descriptors(pid).unwrap().abs_diff(before + 100) < 30);
        drop(files);
    }

    #[test]
    fn missing_process_is_not_found() {
        let error = kilobytes_field(u32::MAX, "status", "VmRSS:").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
