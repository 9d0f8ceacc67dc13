//! System calls of a control group's members.
//!
//! The kernel's tracepoint `raw_syscalls:sys_enter`, counted by perf_event_open(2) for the group on every
//! CPU. While the tracepoint is enabled every system call of the machine takes a slower path, so it is used in
//! runs that are not timed.

use super::Cgroup;

pub(crate) use counter::SystemCalls;

impl SystemCalls {
    /// Why they cannot be counted here; `None` where they can.
    pub(crate) fn not_offered() -> Option<String> {
        let group = Cgroup::create().map_err(|_| "there is no control group to count them in".to_owned());
        group.and_then(|group| SystemCalls::of_group(group.folder())).err()
    }
}

#[cfg(target_os = "linux")]
mod counter {
    //! One counter for every CPU, since perf events count a group per CPU.

    use std::fs::{self, File};
    use std::io;
    use std::path::Path;

    use perf_event::events::Tracepoint;
    use perf_event::{Builder, Counter};

    use crate::process::Cpus;

    /// The mount points of the tracing file system, today and before Linux 4.1 (kernel documentation, "ftrace").
    const TRACING: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

    const EVENT: &str = "events/raw_syscalls/sys_enter/id";

    /// Counters, stopped until [`SystemCalls::begin`].
    pub(crate) struct SystemCalls(Vec<Counter>);

    impl SystemCalls {
        /// Prepares to count the system calls of the group at `folder`; the error is why they cannot be counted.
        pub(in crate::meter) fn of_group(folder: &Path) -> Result<SystemCalls, String> {
            let id = event_id()?;
            let online = fs::read_to_string("/sys/devices/system/cpu/online").map_err(|e| e.to_string())?;
            let cpus: Cpus =
                online.trim().parse().map_err(|_| "cannot parse the list of online CPUs".to_owned())?;
            let group = File::open(folder).map_err(|error| error.to_string())?;
            let counter = |cpu| {
                let mut builder = Builder::new(Tracepoint::with_id(id));
                builder.observe_cgroup(&group).one_cpu(cpu).include_kernel().include_hv().build()
            };
            let counters = cpus.iter().map(counter).collect::<io::Result<_>>();
            counters.map(SystemCalls).map_err(|error| format!("perf_event_open: {error}"))
        }

        pub(crate) fn begin(&mut self) -> io::Result<()> {
            self.0.iter_mut().try_for_each(Counter::enable)
        }

        pub(crate) fn end(mut self) -> io::Result<u64> {
            self.0.iter_mut().map(Counter::read).sum()
        }
    }

    fn event_id() -> Result<u64, String> {
        let text = TRACING.iter().find_map(|mount| fs::read_to_string(Path::new(mount).join(EVENT)).ok());
        let id = text.and_then(|id| id.trim().parse().ok());
        id.ok_or_else(|| {
            let [mount, _] = TRACING;
            format!("no {mount}/{EVENT} for this user: as root, `mount -t tracefs nodev {mount}`")
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod counter {
    //! Other systems have no tracepoints, so nothing is ever counted.

    use std::convert::Infallible;
    use std::io;
    use std::path::Path;

    pub(crate) struct SystemCalls(Infallible);

    impl SystemCalls {
        pub(in crate::meter) fn of_group(_: &Path) -> Result<SystemCalls, String> {
            Err("this system has no tracepoints".to_owned())
        }

        pub(crate) fn begin(&mut self) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn end(self) -> io::Result<u64> {
            match self.0 {}
        }
    }
}
