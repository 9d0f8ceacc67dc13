//! The limit on open files, which is also the limit on connections.

use std::io;

/// Raises the process's soft limit on open files to its hard limit, and returns the limit in force.
///
/// `u64::MAX` means that there is none. Where the system has no such limit nothing is done.
///
/// # Errors
/// When the system refuses.
#[cfg(unix)]
pub fn raise_descriptor_limit() -> io::Result<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    }
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Does nothing: this system has no such limit.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn raise_descriptor_limit() -> io::Result<u64> {
    Ok(u64::MAX)
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        let limit = super::raise_descriptor_limit().expect("may raise the soft limit");
        let now = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        assert_eq!(now.current, now.maximum);
        assert_eq!(now.current.unwrap_or(u64::MAX), limit);
    }
}
