//! The admin port: `/stats`, `/ledger`, `/plan` and `/reset`, all JSON, on a thread of its own.
//!
//! One request at a time, one a connection. It asks the event loop for a snapshot and does the rest
//! itself, so that whoever watches a target hardly disturbs it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;

use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::server::Remotes;

/// How long a client may take to ask or to listen before the next has its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// The admin thread. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Admin {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Answers on `listener` about the event loops behind `remotes`.
    pub(crate) fn start(listener: TcpListener, remotes: Remotes, scenario: Scenario) -> io::Result<Admin> {
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let serve = move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                // A client that goes wrong harms only itself. Without descriptors, wait for some.
                match stream {
                    Ok(stream) => drop(answer(stream, &remotes, &scenario)),
                    Err(_) => thread::sleep(Duration::from_millis(20)),
                }
            }
        };
        let thread = thread::Builder::new().name("target-admin".to_owned()).spawn(serve)?;
        Ok(Admin { address, stopping, thread: Some(thread) })
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // The thread sits in `accept`: a connection of our own brings it out.
        let woken = TcpStream::connect_timeout(&reachable(self.address), PATIENCE);
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
    }
}

/// An address to connect to for one that was listened on: `0.0.0.0` means every address of ours.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// Answers the one request of a connection.
fn answer(mut stream: TcpStream, remotes: &Remotes, scenario: &Scenario) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (method, path) = read_head(&mut stream)?;
    match (method.as_str(), path.as_str()) {
        ("GET", "/stats") => reply(&mut stream, &remotes.stats()?),
        ("GET", "/ledger") => reply(&mut stream, &remotes.ledger()?),
        ("GET", "/plan") => reply(&mut stream, &Plan::of(scenario)),
        ("POST", "/reset") => reply(&mut stream, &remotes.reset().map(|()| Done { reset: true })?),
        (_, "/stats" | "/ledger" | "/plan") => refuse(&mut stream, "405 Method Not Allowed\r\nallow: GET"),
        (_, "/reset") => refuse(&mut stream, "405 Method Not Allowed\r\nallow: POST"),
        _ => refuse(&mut stream, "404 Not Found"),
    }
}

#[derive(Serialize)]
struct Done {
    reset: bool,
}

/// The method and the path of a request.
fn read_head(stream: &mut TcpStream) -> io::Result<(String, String)> {
    let not_http = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP request");
    let mut bytes = [0; 8_192];
    let mut filled = 0;
    loop {
        let length = stream.read(&mut bytes[filled..])?;
        filled += length;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if request.parse(&bytes[..filled]).map_err(|_| not_http())?.is_complete() {
            let method = request.method.ok_or_else(not_http)?;
            let path = request.path.ok_or_else(not_http)?;
            return Ok((method.to_owned(), path.to_owned()));
        }
        if length == 0 {
            return Err(not_http());
        }
    }
}

fn reply(stream: &mut TcpStream, value: &impl Serialize) -> io::Result<()> {
    let mut json = serde_json::to_vec(value)?;
    json.push(b'\n');
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        json.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&json)
}

fn refuse(stream: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}
