//! When bytes came: a request lies in its socket until the event loop gets to it, and only the kernel knows
//! for how long.

#[cfg(target_os = "linux")]
pub(super) use linux::{note, read};

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;

    use mio::net::TcpStream;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
    use rustix::time::{ClockId, clock_gettime};

    /// Room for one time stamp behind its header, which the kernel wants aligned.
    #[repr(align(8))]
    struct Control([u8; 64]);

    /// Has the kernel note of every packet when it came (`SO_TIMESTAMPNS`, socket(7)). Where it does not, no
    /// reader learns of it.
    pub(in super::super) fn note(stream: &TcpStream) {
        let _ = setsockopt(stream, sockopt::ReceiveTimestampns, &true);
    }

    /// Reads, and returns how long the last of the bytes had lain there, in nanoseconds. The kernel stamps by
    /// the clock that can be set: a wait across such a step is wrong by it.
    pub(in super::super) fn read(
        stream: &mut TcpStream,
        buffer: &mut [u8],
    ) -> io::Result<(usize, Option<u64>)> {
        let mut control = Control([0; 64]);
        let mut into = [IoSliceMut::new(buffer)];
        let received = recvmsg::<()>(stream.as_raw_fd(), &mut into, Some(&mut control.0), MsgFlags::empty())?;
        let came = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(at) => Some(at),
            _ => None,
        });
        let unread_ns = came.map(|came| {
            let now = clock_gettime(ClockId::Realtime);
            let ns = (now.tv_sec - came.tv_sec()) * 1_000_000_000 + (now.tv_nsec - came.tv_nsec());
            u64::try_from(ns).unwrap_or(0)
        });
        Ok((received.bytes, unread_ns))
    }
}

/// Elsewhere it is not asked for.
#[cfg(not(target_os = "linux"))]
pub(super) fn note(_: &mio::net::TcpStream) {}

/// Reads; when the bytes came is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn read(
    stream: &mut mio::net::TcpStream,
    buffer: &mut [u8],
) -> std::io::Result<(usize, Option<u64>)> {
    std::io::Read::read(stream, buffer).map(|length| (length, None))
}
