//! The byte stream of a connection, with or without TLS.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::net::TcpStream;
use rustls::{HandshakeKind, ServerConnection};

use super::rx_timestamp;
use super::socket;

/// A client's socket, with or without TLS.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

/// A socket and the TLS session over it.
pub(super) struct Tls {
    stream: TcpStream,
    session: ServerConnection,
    /// Whether the end of the handshake was reported already.
    reported: bool,
}

impl Transport {
    pub(super) fn tls(stream: TcpStream, session: ServerConnection) -> Transport {
        Transport::Tls(Box::new(Tls { stream, session, reported: false }))
    }

    /// Whether a read that does not fill its buffer has emptied the socket. Not with TLS, whose reads end at records.
    pub(super) fn is_emptied_by_short_reads(&self) -> bool {
        matches!(self, Transport::Plain(_))
    }

    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self, Transport::Tls(tls) if tls.session.is_handshaking())
    }

    /// How the handshake ended. Returned once.
    pub(super) fn finished_handshake(&mut self) -> Option<HandshakeKind> {
        let Transport::Tls(tls) = self else { return None };
        if tls.reported || tls.session.is_handshaking() {
            return None;
        }
        tls.reported = true;
        tls.session.handshake_kind()
    }

    /// Returns how many bytes were read, and for how long the last of them had waited in the socket. With TLS the latter
    /// is not known: a record is read from the socket before it is read from the session.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
        match self {
            Transport::Plain(stream) => rx_timestamp::read(stream, buffer),
            Transport::Tls(tls) => tls.read(buffer).map(|length| (length, None)),
        }
    }

    /// Writes as many bytes as it can. With TLS they may then have to be [flushed](Transport::flush).
    pub(super) fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Transport::Plain(stream) => stream.write_vectored(slices),
            Transport::Tls(tls) => {
                // Accepts nothing while the socket is full, so that the session buffers little.
                tls.flush()?;
                tls.session.writer().write_vectored(slices)
            }
        }
    }

    /// Writes to the socket what the TLS session has buffered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Transport::Tls(tls) = self else { return Ok(()) };
        tls.flush()
    }

    /// Sends the TLS alert `close_notify`. Does nothing without TLS, where the end of the stream says the same.
    pub(super) fn notify_close(&mut self) -> io::Result<()> {
        let Transport::Tls(tls) = self else { return Ok(()) };
        tls.session.send_close_notify();
        tls.flush()
    }

    /// Closes this end. When the socket is full, it fails and must be called again.
    pub(super) fn close_writing(&mut self) -> io::Result<()> {
        self.notify_close()?;
        self.stream().shutdown(Shutdown::Write)
    }

    /// Whether the connection was reset.
    pub(super) fn is_reset(&self) -> bool {
        !matches!(self.stream().take_error(), Ok(None))
    }

    /// This end's address.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream().local_addr()
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Transport::Plain(stream) => stream,
            Transport::Tls(tls) => &tls.stream,
        }
    }

    /// Closes the connection with a reset (RST) instead of in order.
    pub(super) fn reset(self) {
        match self {
            Transport::Plain(stream) => socket::reset(stream),
            Transport::Tls(tls) => socket::reset(tls.stream),
        }
    }
}

impl Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if self.session.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            let processed = self.session.process_new_packets();
            // Sends the alert for an error, or the next part of the handshake.
            match self.flush() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
            };
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.stream)?;
        }
        Ok(())
    }
}
