//! Reading `/proc`: which processes belong to a tree, and the fields of their files.

use std::collections::HashMap;
use std::fs;
use std::io;

/// `roots` and all their descendants that are alive, parents before children.
pub fn tree(roots: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in all() {
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

fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// What is read of `/proc/PID/stat` (proc_pid_stat(5)).
pub(super) struct Stat {
    pub(super) parent: u32,
    /// User and system time of children that ended and were waited for, in clock ticks.
    pub(super) reaped_ticks: u64,
}

impl Stat {
    pub(super) fn read(pid: u32) -> io::Result<Stat> {
        Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat"))?)
            .ok_or_else(|| io::Error::other(format!("cannot understand /proc/{pid}/stat")))
    }

    fn parse(line: &str) -> Option<Stat> {
        // The second field is a name in parentheses that may hold anything, even `) (`.
        let after_name = &line[line.rfind(')')? + 1..];
        let field = |number: usize| after_name.split_ascii_whitespace().nth(number - 3);
        let ticks = |number| field(number)?.parse::<u64>().ok();
        Some(Stat { parent: field(4)?.parse().ok()?, reaped_ticks: ticks(16)? + ticks(17)? })
    }
}

/// The value, in bytes, of a line such as `VmHWM:  1234 kB` of a file of `/proc/PID`.
pub(super) fn kilobytes_field(pid: u32, file: &str, key: &str) -> io::Result<u64> {
    // A process that has ended and was not waited for still has the file, without the line.
    kilobytes(&read(pid, file)?, key).ok_or(io::ErrorKind::NotFound.into())
}

/// The value, in bytes, of a line such as `Pss:  1234 kB`.
pub(super) fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(key)?.trim().strip_suffix(" kB")?.parse::<u64>().ok();
    text.lines().find_map(value).map(|kilobytes| kilobytes * 1024)
}

/// A file of `/proc/PID`.
pub(super) fn read(pid: u32, file: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let line = "12 (a) (b c) S 7 12 12 0 -1 4194560 1 2 3 4 100 200 30 12 20 0 1 0 5 6 7";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.parent, stat.reaped_ticks), (7, 42));
    }

    #[test]
    fn a_tree_holds_its_root_and_its_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let tree = tree(&[std::process::id()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(tree[0], std::process::id());
        assert!(tree.contains(&child.id()), "{tree:?}");
    }

    #[test]
    fn a_process_that_is_not_there_is_not_found() {
        let error = kilobytes_field(u32::MAX, "status", "VmRSS:").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
