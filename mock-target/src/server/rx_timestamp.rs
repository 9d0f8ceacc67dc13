//! Kernel receive timestamps: how long a request waited in its socket until the event loop read it.

use std::io;

use mio::net::TcpStream;

/// Lets the kernel timestamp every packet that arrives (`SO_TIMESTAMPNS`, socket(7)). Where it refuses, or the system
/// has no such timestamps, [`read`] returns no wait.
pub(super) fn enable(_stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::socket::setsockopt(_stream, nix::sys::socket::sockopt::ReceiveTimestampns, &true);
}

/// Reads, and returns how long the last of the bytes had waited in the socket, in nanoseconds. The kernel's
/// timestamps are of the real-time clock: a wait during which that clock is set is wrong by the step.
#[cfg(target_os = "linux")]
pub(super) fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    use rustix::time::{ClockId, clock_gettime};
    use std::os::fd::AsRawFd;

    /// Space for one timestamp behind its header, which the kernel wants aligned.
    #[repr(align(8))]
    struct Control([u8; 64]);

    let mut control = Control([0; 64]);
    let mut into = [io::IoSliceMut::new(buffer)];
    let received = recvmsg::<()>(stream.as_raw_fd(), &mut into, Some(&mut control.0), MsgFlags::empty())?;
    let arrived = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(at) => Some(at),
        _ => None,
    });
    let unread_ns = arrived.map(|arrived| {
        let now = clock_gettime(ClockId::Realtime);
        let ns = (now.tv_sec - arrived.tv_sec()) * 1_000_000_000 + (now.tv_nsec - arrived.tv_nsec());
        u64::try_from(ns).unwrap_or(0)
    });
    Ok((received.bytes, unread_ns))
}

/// Reads. The wait in the socket is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
    io::Read::read(stream, buffer).map(|length| (length, None))
}
