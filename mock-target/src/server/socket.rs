//! Socket operations that the standard library does not offer: a long backlog, a reset.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{Domain, SockRef, Socket, Type};

/// Connections that may wait to be accepted; the system may cap it (Linux: `net.core.somaxconn`).
const BACKLOG: i32 = 4_096;

/// Listens on `address`; `flag` is the option that chooses another.
pub(super) fn listen(address: SocketAddr, flag: &str) -> io::Result<TcpListener> {
    bind_and_listen(address).map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::AddrInUse => "the address is in use".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        let advice = format!("cannot listen on {address}: {reason}; choose another with {flag}");
        io::Error::new(error.kind(), advice)
    })
}

fn bind_and_listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Windows this option would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Closes a connection with a reset (RST) instead of in order.
pub(super) fn reset(stream: TcpStream) {
    // With this set, closing discards what is unsent and resets. A socket that refuses is closed anyway.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_in_use_error_names_the_address_and_the_option() {
        let first = listen(([127, 0, 0, 1], 0).into(), "--listen").expect("a free port");
        let address = first.local_addr().expect("bound");
        let error = listen(address, "--listen").expect_err("in use").to_string();
        assert_eq!(
            error,
            format!("cannot listen on {address}: the address is in use; choose another with --listen")
        );
    }
}
