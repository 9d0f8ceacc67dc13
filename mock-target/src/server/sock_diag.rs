//! Whether a client that has closed its end of a connection is still there to read.
//!
//! The end of its stream says only that it sends no more. That it is gone altogether, TCP learns by the reset
//! that answers the next bytes, and while a response is delayed there are none to send. But of a client on this
//! machine the kernel knows whether any process still holds its socket: sock_diag(7).

use std::net::SocketAddr;

/// Asks the kernel about sockets of this machine.
#[derive(Default)]
pub(super) struct Orphans {
    #[cfg(target_os = "linux")]
    kernel: Option<linux::Kernel>,
}

impl Orphans {
    /// Whether the socket at `address` that is connected to `other` is on this machine, and no process has it
    /// any more. `false` where the system cannot tell.
    #[cfg(target_os = "linux")]
    pub(super) fn contain(&mut self, address: SocketAddr, other: SocketAddr) -> bool {
        if self.kernel.is_none() {
            self.kernel = linux::Kernel::connect().ok();
        }
        let inode = self.kernel.as_mut().map(|kernel| kernel.inode(address, other));
        match inode {
            Some(Ok(inode)) => inode == Some(0),
            // Whatever was wrong with this line to the kernel, the next question gets a new one.
            _ => {
                self.kernel = None;
                false
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn contain(&mut self, _: SocketAddr, _: SocketAddr) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Read, Write};
    use std::net::{IpAddr, SocketAddr};

    use socket2::{Domain, Protocol, Socket, Type};

    /// Numbers of the kernel's interface: netlink(7), sock_diag(7).
    const AF_NETLINK: i32 = 16;
    const NETLINK_SOCK_DIAG: i32 = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const IPPROTO_TCP: u8 = 6;
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;

    /// Sizes of `nlmsghdr` and `inet_diag_req_v2`, and where `idiag_inode` stands in an answer.
    const HEADER_BYTES: usize = 16;
    const REQUEST_BYTES: usize = HEADER_BYTES + 56;
    const INODE_AT: usize = HEADER_BYTES + 68;

    /// A line to the kernel.
    pub(super) struct Kernel {
        socket: Socket,
        sequence: u32,
    }

    impl Kernel {
        pub(super) fn connect() -> io::Result<Kernel> {
            let protocol = Some(Protocol::from(NETLINK_SOCK_DIAG));
            let socket = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, protocol)?;
            // The kernel has answered when a question is sent: there is nothing to wait for.
            socket.set_nonblocking(true)?;
            Ok(Kernel { socket, sequence: 0 })
        }

        /// The inode of the TCP socket at `address` that is connected to `other`, 0 if no process has it;
        /// `None` if there is no such socket here.
        pub(super) fn inode(&mut self, address: SocketAddr, other: SocketAddr) -> io::Result<Option<u32>> {
            self.sequence = self.sequence.wrapping_add(1);
            let question = question(self.sequence, address, other);
            let mut answer = [0; 512];
            (&self.socket).write_all(&question)?;
            let length = (&self.socket).read(&mut answer)?;
            let number = |at: usize| {
                let bytes = answer[..length].get(at..at + 4)?;
                Some(u32::from_ne_bytes(bytes.try_into().ok()?))
            };
            if number(8) != Some(self.sequence) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let is_socket = answer[4..6] == SOCK_DIAG_BY_FAMILY.to_ne_bytes();
            Ok(number(INODE_AT).filter(|_| is_socket))
        }
    }

    fn question(sequence: u32, address: SocketAddr, other: SocketAddr) -> [u8; REQUEST_BYTES] {
        let (ip, other_ip) = (address.ip().to_canonical(), other.ip().to_canonical());
        let mut question = [0; REQUEST_BYTES];
        let mut put = |at: usize, bytes: &[u8]| question[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &(REQUEST_BYTES as u32).to_ne_bytes());
        put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        put(6, &NLM_F_REQUEST.to_ne_bytes());
        put(8, &sequence.to_ne_bytes());
        put(16, &[if ip.is_ipv4() { AF_INET } else { AF_INET6 }, IPPROTO_TCP]);
        put(20, &u32::MAX.to_ne_bytes()); // in any state
        put(24, &address.port().to_be_bytes());
        put(26, &other.port().to_be_bytes());
        for (at, ip) in [(28, ip), (44, other_ip)] {
            match ip {
                IpAddr::V4(ip) => put(at, &ip.octets()),
                IpAddr::V6(ip) => put(at, &ip.octets()),
            }
        }
        put(64, &[0xff; 8]); // whatever its cookie
        question
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_socket_is_an_orphan_once_nobody_has_it() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // Where there is no IPv6 there are no orphans of it.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let here = listener.local_addr().expect("bound");
            let client = TcpStream::connect(here).expect("it listens");
            let there = client.local_addr().expect("connected");
            let _accepted = listener.accept().expect("a client");
            let mut orphans = Orphans::default();
            assert!(!orphans.contain(there, here), "it is open");
            client.shutdown(Shutdown::Write).expect("shut down");
            assert!(!orphans.contain(there, here), "it still reads");
            drop(client);
            assert!(orphans.contain(there, here), "it is closed");
            assert!(!orphans.contain(here, here), "there is no such socket");
        }
    }
}
