//! Kernel receive timestamps: how long a request waited in its socket until the event loop read it.

#[cfg(target_os = "linux")]
pub(super) use linux::{enable, read};

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;

    use mio::net::TcpStream;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
    use rustix::time::{ClockId, clock_gettime};

    /// Space for one timestamp behind its header, which the kernel wants aligned.
    #[repr(align(8))]
    struct Control([u8; 64]);

    /// Lets the kernel timestamp every packet that arrives (`SO_TIMESTAMPNS`, socket(7)). Where it refuses,
    /// [`read`] returns no wait.
    pub(in super::super) fn enable(stream: &TcpStream) {
        let _ = setsockopt(stream, sockopt::ReceiveTimestampns, &true);
    }

    /// Reads, and returns how long the last of the bytes had waited in the socket, in nanoseconds. The kernel's
    /// timestamps are of the real-time clock: a wait during which that clock is set is wrong by the step.
    pub(in super::super) fn read(
        stream: &mut TcpStream,
        buffer: &mut [u8],
    ) -> io::Result<(usize, Option<u64>)> {
        let mut control = Control([0; 64]);
        let mut into = [IoSliceMut::new(buffer)];
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
}

/// Does nothing: this system has no such timestamps.
#[cfg(not(target_os = "linux"))]
pub(super) fn enable(_: &mio::net::TcpStream) {}

/// Reads. The wait in the socket is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(
    stream: &mut mio::net::TcpStream,
    buffer: &mut [u8],
) -> std::io::Result<(usize, Option<u64>)> {
    std::io::Read::read(stream, buffer).map(|length| (length, None))
}
