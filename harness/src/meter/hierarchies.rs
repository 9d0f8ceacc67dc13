//! The directories of a process's control groups in the cgroup hierarchies of versions 1 and 2.

use std::path::{Component, Path, PathBuf};

/// The version of a cgroup hierarchy (cgroups(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A hierarchy for one or several controllers: here that of `cpu`.
    One,
    /// One hierarchy for all controllers.
    Two,
}

/// A group that a process is in, and its ancestors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// The mount point. Groups above the one mounted here are not visible.
    mount_point: PathBuf,
    /// The name of the group at the mount point.
    root: PathBuf,
    /// The path from the mount point to the group.
    below: PathBuf,
}

impl Membership {
    /// Parses `/proc/PID/cgroup` (cgroups(7)) and `/proc/self/mountinfo` (proc_pid_mountinfo(5)). `None` where the
    /// process is in no such hierarchy, or its group is not visible in a mount. Of several mounts the one that
    /// shows the most is used.
    pub(super) fn find(groups: &str, mounts: &str, version: Version) -> Option<Membership> {
        let group = groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
            let matches = match version {
                Version::One => controllers.split(',').any(|name| name == "cpu"),
                Version::Two => controllers.is_empty(),
            };
            matches.then(|| Path::new(group))
        })?;
        let memberships = mounts.lines().filter_map(|line| {
            let (root, mount_point) = mount(line, version)?;
            let below = group.strip_prefix(&root).ok()?.to_owned();
            // A process outside of the namespace's root is in `/../elsewhere`.
            let is_inside = below.components().all(|part| matches!(part, Component::Normal(_)));
            is_inside.then_some(Membership { mount_point, root, below })
        });
        memberships.min_by_key(|membership| membership.root.components().count())
    }

    /// The directory of the group.
    pub(super) fn folder(&self) -> PathBuf {
        self.mount_point.join(&self.below)
    }

    /// Name and directory of the group and of its ancestors, the innermost first.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        self.below.ancestors().map(|below| (join(&self.root, below), join(&self.mount_point, below)))
    }
}

/// As `Path::join`, which would append a slash for an empty path.
fn join(above: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { above.to_owned() } else { above.join(below) }
}

/// Root and mount point of a line of `mountinfo` that mounts such a hierarchy.
fn mount(line: &str, version: Version) -> Option<(PathBuf, PathBuf)> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut filesystem = filesystem.split(' ');
    let (kind, options) = (filesystem.next()?, filesystem.nth(1)?);
    let matches = match version {
        Version::One => kind == "cgroup" && options.split(',').any(|option| option == "cpu"),
        Version::Two => kind == "cgroup2",
    };
    let mut fields = mount.split(' ').skip(3);
    matches.then_some((unescape(fields.next()?), unescape(fields.next()?)))
}

/// Decodes blanks and backslashes, which are written in octal: `\040`.
fn unescape(field: &str) -> PathBuf {
    let mut pieces = field.split('\\');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.get(..3).and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => text = text + &char::from(byte).to_string() + &piece[3..],
            None => text = text + "\\" + piece,
        }
    }
    PathBuf::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "30 25 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                          31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                          33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n\
                          32 30 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
    const DOCKER_1: &str = "40 1 0:28 /docker/abc /sys/fs/cgroup/cpu ro master:9 - cgroup cgroup rw,cpu\n";
    const DOCKER_2: &str = "40 1 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

    fn folder(groups: &str, mounts: &str, version: Version) -> Option<String> {
        let folder = Membership::find(groups, mounts, version)?.folder();
        Some(folder.to_string_lossy().trim_end_matches('/').to_owned())
    }

    #[test]
    fn group_is_found_below_its_mount_point() {
        let user = "3:cpuset:/other\n2:cpuacct,cpu:/user\n1:name=systemd:/x\n0::/user.slice/app.scope\n";
        let own_namespace = DOCKER_2.replace("/docker/abc", "/");
        for (groups, mounts, version, expected) in [
            (user, HYBRID, Version::Two, Some("/sys/fs/cgroup/unified/user.slice/app.scope")),
            (user, HYBRID, Version::One, Some("/sys/fs/cgroup/cpu,cpuacct/user")),
            ("1:cpuset:/\n", HYBRID, Version::One, None),
            ("1:cpu:/\n", HYBRID, Version::Two, None),
            ("0::/\n", "40 1 0:28 / /proc rw - proc proc rw\n", Version::Two, None),
            ("", "", Version::Two, None),
            // In a container the subtree of its group is mounted.
            ("4:cpu:/docker/abc\n", DOCKER_1, Version::One, Some("/sys/fs/cgroup/cpu")),
            ("0::/docker/abc/x\n", DOCKER_2, Version::Two, Some("/sys/fs/cgroup/x")),
            ("0::/../elsewhere\n", DOCKER_2, Version::Two, None),
            ("0::/\n", own_namespace.as_str(), Version::Two, Some("/sys/fs/cgroup")),
            ("0::/../elsewhere\n", own_namespace.as_str(), Version::Two, None),
        ] {
            assert_eq!(folder(groups, mounts, version).as_deref(), expected, "{groups:?} in {mounts:?}");
        }
    }

    #[test]
    fn ancestors_are_listed_with_their_directories() {
        let all = |groups, mounts, version| -> Vec<String> {
            let membership = Membership::find(groups, mounts, version).unwrap();
            let both = membership.ancestors();
            both.map(|(name, folder)| format!("{} {}", name.display(), folder.display())).collect()
        };
        assert_eq!(
            all("0::/a/b\n", HYBRID, Version::Two),
            ["/a/b /sys/fs/cgroup/unified/a/b", "/a /sys/fs/cgroup/unified/a", "/ /sys/fs/cgroup/unified"]
        );
        assert_eq!(
            all("4:cpu:/docker/abc/job\n", DOCKER_1, Version::One),
            ["/docker/abc/job /sys/fs/cgroup/cpu/job", "/docker/abc /sys/fs/cgroup/cpu"]
        );
    }

    #[test]
    fn mount_that_shows_the_most_is_used() {
        let both = format!("{DOCKER_1}41 1 0:28 / /all\\040of\\040it rw - cgroup cgroup rw,cpu\n");
        assert_eq!(folder("4:cpu:/docker/abc\n", &both, Version::One).unwrap(), "/all of it/docker/abc");
    }
}
