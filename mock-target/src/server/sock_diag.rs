//! Whether a client that has closed its end of a connection still reads: sock_diag(7).
//!
//! The end of its stream means only that it sends nothing more. That it has closed the whole connection, TCP learns from
//! the reset that follows the next bytes sent, and while a response is delayed none are. For a client on this machine
//! the kernel knows whether its socket is orphaned: whether no process holds it any more.

use std::net::SocketAddr;

/// Queries the kernel about sockets of this machine.
#[derive(Default)]
pub(super) struct SockDiag {
    #[cfg(target_os = "linux")]
    netlink: Option<linux::Netlink>,
}

impl SockDiag {
    /// Whether the socket at `address` that is connected to `other` is on this machine, and no process holds it
    /// any more. `false` where the system does not provide this.
    #[cfg(target_os = "linux")]
    pub(super) fn is_orphaned(&mut self, address: SocketAddr, other: SocketAddr) -> bool {
        if self.netlink.is_none() {
            self.netlink = linux::Netlink::connect().ok();
        }
        let inode = self.netlink.as_mut().map(|netlink| netlink.inode(address, other));
        match inode {
            Some(Ok(inode)) => inode == Some(0),
            // After an error the next query opens a new socket.
            _ => {
                self.netlink = None;
                false
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_orphaned(&mut self, _: SocketAddr, _: SocketAddr) -> bool {
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

    /// Sizes of `nlmsghdr` and `inet_diag_req_v2`, and the offset of `idiag_inode` in a reply.
    const HEADER_BYTES: usize = 16;
    const REQUEST_BYTES: usize = HEADER_BYTES + 56;
    const INODE_AT: usize = HEADER_BYTES + 68;

    /// A netlink socket.
    pub(super) struct Netlink {
        socket: Socket,
        sequence: u32,
    }

    impl Netlink {
        pub(super) fn connect() -> io::Result<Netlink> {
            let protocol = Some(Protocol::from(NETLINK_SOCK_DIAG));
            let socket = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, protocol)?;
            // The kernel replies before the send returns, so a read never waits.
            socket.set_nonblocking(true)?;
            Ok(Netlink { socket, sequence: 0 })
        }

        /// The inode of the TCP socket at `address` that is connected to `other`, 0 if no process holds it;
        /// `None` if there is no such socket here.
        pub(super) fn inode(&mut self, address: SocketAddr, other: SocketAddr) -> io::Result<Option<u32>> {
            self.sequence = self.sequence.wrapping_add(1);
            let query = query(self.sequence, address, other);
            let mut reply = [0; 512];
            (&self.socket).write_all(&query)?;
            let length = (&self.socket).read(&mut reply)?;
            let number = |at: usize| {
                let bytes = reply[..length].get(at..at + 4)?;
                Some(u32::from_ne_bytes(bytes.try_into().ok()?))
            };
            if number(8) != Some(self.sequence) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let is_socket = reply[4..6] == SOCK_DIAG_BY_FAMILY.to_ne_bytes();
            Ok(number(INODE_AT).filter(|_| is_socket))
        }
    }

    fn query(sequence: u32, address: SocketAddr, other: SocketAddr) -> [u8; REQUEST_BYTES] {
        let (ip, other_ip) = (address.ip().to_canonical(), other.ip().to_canonical());
        let mut query = [0; REQUEST_BYTES];
        let mut put = |at: usize, bytes: &[u8]| query[at..at + bytes.len()].copy_from_slice(bytes);
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
        put(64, &[0xff; 8]); // any cookie
        query
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_closed_socket_is_orphaned() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // Not every machine has IPv6.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let here = listener.local_addr().expect("bound");
            let client = TcpStream::connect(here).expect("it listens");
            let there = client.local_addr().expect("connected");
            let _accepted = listener.accept().expect("a client");
            let mut sock_diag = SockDiag::default();
            assert!(!sock_diag.is_orphaned(there, here), "it is open");
            client.shutdown(Shutdown::Write).expect("shut down");
            assert!(!sock_diag.is_orphaned(there, here), "it still reads");
            drop(client);
            assert!(sock_diag.is_orphaned(there, here), "it is closed");
            assert!(!sock_diag.is_orphaned(here, here), "there is no such socket");
        }
    }
}
